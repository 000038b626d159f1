"""How many rule files of callers are tried at once in one process: each costs a processor, memory and a thread.

And how long: the files of a key that take their trials long may take so much of an hour together.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.http import Problem, ProblemType
from service.rulesets.trial_time import MOST, TrialTime

AT_ONCE = 2
"""Files that one process tries at the same time."""

WAITING = 1
"""Further calls of one key that wait for their turn."""

PATIENCE = 10.0
"""Seconds that a call waits for its turn."""

RETRY_AFTER = "10"


class TrialPlaces:
    """Places for trials: one for a key, `at_once` for all."""

    def __init__(
        self, at_once: int = AT_ONCE, patience: float = PATIENCE, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._slow: defaultdict[str, TrialTime] = defaultdict(TrialTime)
        self._at_once = at_once
        self._patience = patience
        self._changed = threading.Condition()
        self._calls: Counter[str] = Counter()
        self._trying: set[str] = set()

    @contextmanager
    def place(self, key: str, source: str | None) -> Iterator[None]:
        """Hold a place for a call of this key while it handles `source`; a call without one needs none.

        A second call of a key waits for the first. A third is 429 at once; so is one that waited too long, or 503 if
        it was for calls of other keys. A key whose slow files have had their time of the hour is 429 as well.
        """
        if source is None:
            yield
            return
        self._demand_time(key)
        self._take(key)
        began = self._seconds()
        try:
            yield
        finally:
            self._slow[key].took(began, self._seconds())
            with self._changed:
                self._trying.discard(key)
                self._leave(key)

    def _demand_time(self, key: str) -> None:
        if wait := self._slow[key].wait(self._seconds()):
            raise _had_its_time(math.ceil(wait))

    def _take(self, key: str) -> None:
        with self._changed:
            if self._calls[key] > WAITING:
                raise _too_many()
            self._calls[key] += 1
            if self._changed.wait_for(lambda: self._is_free(key), self._patience):
                self._trying.add(key)
                return
            self._leave(key)
            raise _too_many() if key in self._trying else _busy()

    def _is_free(self, key: str) -> bool:
        return key not in self._trying and len(self._trying) < self._at_once

    def _leave(self, key: str) -> None:
        self._calls[key] -= 1
        if not self._calls[key]:
            del self._calls[key]
        self._changed.notify_all()


def _too_many() -> Problem:
    detail = "A rule file of this key is being tried already: one at a time. Wait for its answer, then send the next."
    return Problem(ProblemType.TOO_MANY_REQUESTS, detail, headers={"Retry-After": RETRY_AFTER})


def _had_its_time(wait: int) -> Problem:
    detail = (
        f"Rule files of this key that take their trials long have had their {MOST:.0f} s of this hour: this one was"
        " skipped. Split what takes them long, or try the file with `tocsin rules check`."
    )
    return Problem(ProblemType.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(wait)})


def _busy() -> Problem:
    detail = f"This process is trying {AT_ONCE} rule files of other callers, as many as it does at once."
    return Problem(ProblemType.UNAVAILABLE, detail, headers={"Retry-After": RETRY_AFTER})
