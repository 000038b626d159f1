"""What has been asked before: a bounded memory that any number of threads read and write without a lock."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Remembers up to `entries` answers and `size` bytes, forgetting what has not been asked for longest.

    Two generations: what is asked moves to the young one; when that has its half of the bounds, it becomes the old one
    and the old one is forgotten. Each step is one atomic operation of a dict or an attribute, so that threads which
    race lose an answer at worst, never get a wrong one, and a fork finds no lock held.
    """

    def __init__(self, entries: int, size: int) -> None:
        self._entries = entries // 2
        self._size = size // 2
        self._young: dict[K, tuple[V, int]] = {}
        self._old: dict[K, tuple[V, int]] = {}
        self._young_size = 0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        """What was remembered for `key`, or None."""
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is None:
                return None
            self.put(key, *value)
        return value[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Remember `value`, which with its key takes up `size` bytes."""
        if len(self._young) >= self._entries or self._young_size + size > self._size:
            self._old, self._young, self._young_size = self._young, {}, 0
        self._young[key] = (value, size)
        self._young_size += size
