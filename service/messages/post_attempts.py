"""How undelivered callbacks are tried again: for a day, within the share of their host."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from msgspec import structs
from prometheus_client import Counter

from service.core import Lane
from service.storage import Item
from service.work import Commit, Permanent, RetryLater, Task, postponed, waiting

logger = logging.getLogger(__name__)

POSTS = Counter(
    "tocsin_callbacks", "Tries of callbacks and events, by what became of them: taken, failed, dead.", ("outcome",)
)

WAITS = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
)
"""How long is waited after the first failure, the second and so on; each a tenth more or less, drawn at random."""

TRIES = len(WAITS) + 1

OF_ONE_HOST = 2
"""Threads of a lane that may talk to one host at the same time."""

_SOONEST, _LATEST = 0.25, 60.0
_FAILURES = "failures"


def wait_after(failures: int, asked: timedelta, chance: float) -> timedelta:
    """The wait after so many failures, at least what the other side asked for; `chance` is in [0, 1)."""
    return max(WAITS[failures - 1] * (0.9 + chance / 5), asked)


class HostShares:
    """Keeps slow hosts from holding all threads: so many at once talk to one, and so many to all together."""

    def __init__(self, in_all: int, *, of_one: int = OF_ONE_HOST, now: Callable[[], float] = time.monotonic) -> None:
        self._in_all = in_all
        self._of_one = of_one
        self._now = now
        self._lock = threading.Lock()
        self._shares: dict[tuple[Lane, str | None], _Share] = {}

    @contextmanager
    def turn(self, lane: Lane, host: str) -> Iterator[timedelta | None]:
        """None when it is this one's turn, for the length of the block; else how long it waits for one."""
        began = self._now()
        with self._lock:
            wait = self._take(lane, host, began)
        try:
            yield wait
        finally:
            if wait is None:
                with self._lock:
                    self._give_back(lane, host, began)

    def _take(self, lane: Lane, host: str, now: float) -> timedelta | None:
        shares = [
            self._shares.setdefault((lane, host), _Share(self._of_one)),
            self._shares.setdefault((lane, None), _Share(self._in_all)),
        ]
        waits = [wait for share in shares if (wait := share.wait(now)) is not None]
        if waits:
            return timedelta(seconds=max(waits))
        for share in shares:
            share.begun.append(now)
        return None

    def _give_back(self, lane: Lane, host: str, began: float) -> None:
        self._shares[lane, host].begun.remove(began)
        self._shares[lane, None].begun.remove(began)
        self._shares = {key: share for key, share in self._shares.items() if share.begun}


@dataclass(slots=True)
class _Share:
    """So many at once. Those that find no room are told to come back one after the other."""

    limit: int
    begun: list[float] = field(default_factory=list)
    last_promised: float = 0.0

    def wait(self, now: float) -> float | None:
        if len(self.begun) < self.limit:
            return None
        apart = (now - min(self.begun)) / self.limit
        self.last_promised = min(max(now, self.last_promised) + apart, now + _LATEST)
        return max(_SOONEST, self.last_promised - now)


@dataclass(frozen=True, slots=True)
class PostAttempts:
    """Makes the tries of items that owe a POST."""

    shares: HostShares
    chance: Callable[[], float] = random.random

    def attempt(self, task: Task, host: str | None, call: Callable[[], None], done: Callable[[], Commit]) -> Commit:
        """Make one try by `call` and answer what `done` says, or when the item is tried again.

        `Permanent` after the last failure. `host` is who is called; None for a service that limits its callers itself.
        """
        if host is None:
            return self._try(task, call, done)
        with self.shares.turn(task.item.lane, host) as wait:
            return self._try(task, call, done) if wait is None else Commit(postponed(task.item, task.now + wait))

    def _try(self, task: Task, call: Callable[[], None], done: Callable[[], Commit]) -> Commit:
        try:
            call()
        except RetryLater as error:
            POSTS.labels("failed").inc()
            return self._later(task, error)
        POSTS.labels("taken").inc()
        return done()

    def _later(self, task: Task, error: RetryLater) -> Commit:
        item, failures = task.item, failures_of(task.item) + 1
        if failures >= TRIES:
            raise Permanent(f"it failed {failures} times within a day; the last: {error}") from error
        wait = wait_after(failures, error.after, self.chance())
        logger.warning(
            "Item %s (%s) failed and is tried again in %.0f s: %s",
            *(item.id, item.kind, wait.total_seconds(), error),
            extra={"item_id": item.id, "kind": item.kind, "failures": failures},
        )
        return Commit(waiting(item, task.now + wait, {**item.state, _FAILURES: failures}))


def failures_of(item: Item) -> int:
    """How many tries of the item have failed so far."""
    failures = item.state.get(_FAILURES, 0)
    return failures if isinstance(failures, int) else 0


def on_dead(item: Item, _why: str) -> Commit:
    """The dead item, counted; redriven it has a day again."""
    POSTS.labels("dead").inc()
    return Commit(structs.replace(item, state=without_failures(item)))


def without_failures(item: Item) -> dict[str, object]:
    """The item's state without what this module notes in it."""
    return {name: value for name, value in item.state.items() if name != _FAILURES}
