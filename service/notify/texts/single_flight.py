"""A small cache for a process that sends many batches at once: a missing value is made by one thread, not by each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE_S = 2.0
"""How long a thread waits for another that makes the same thing; then it makes its own."""


class SingleFlightCache(Generic[T]):
    """A thread-safe cache of the `most` values that were used last, by name."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[str, T] = OrderedDict()
        self._lock = Lock()
        self._makers: dict[str, Lock] = {}

    def of(self, name: str, make: Callable[[], T | None]) -> T | None:
        """The thing of this name, made now if it is not kept; None is made anew each time.

        A notification's batches begin together: one of their threads makes what all of them need.
        """
        if (kept := self._get(name)) is not None:
            return kept
        with self._lock:
            maker = self._makers.setdefault(name, Lock())
        waited = maker.acquire(timeout=PATIENCE_S)
        try:
            kept = self._get(name)
            return self._keep(name, make()) if kept is None else kept
        finally:
            with self._lock:
                self._makers.pop(name, None)
            if waited:
                maker.release()

    def _get(self, name: str) -> T | None:
        with self._lock:
            if name in self._things:
                self._things.move_to_end(name)
            return self._things.get(name)

    def _keep(self, name: str, thing: T | None) -> T | None:
        with self._lock:
            if thing is not None:
                self._things[name] = thing
            while len(self._things) > self._most:
                self._things.popitem(last=False)
        return thing
