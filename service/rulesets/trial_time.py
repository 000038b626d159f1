"""How much time trials may take together: each has limits of its own, and many at their limits would never end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from service.core import Clock, Unavailable
from service.rulesets.gate import CheckedFile

SLOW = 10.0
"""Seconds from which on a trial counts; nearly every file takes less than one."""

MOST, WITHIN = 600.0, 3600.0
"""Seconds that slow trials may take together, and of how many."""


class TrialTime:
    """The time that slow trials took lately. Times are seconds of any clock that goes on."""

    def __init__(self, most: float = MOST) -> None:
        self._most = most
        self._taken: deque[tuple[float, float]] = deque()
        self._lock = Lock()

    def took(self, began: float, ended: float) -> None:
        """Count a trial if it was slow."""
        if ended - began >= SLOW:
            with self._lock:
                self._taken.append((ended, ended - began))

    def wait(self, now: float) -> float:
        """Seconds until there is time for another trial; 0 if there is."""
        with self._lock:
            while self._taken and self._taken[0][0] <= now - WITHIN:
                self._taken.popleft()
            left = sum(seconds for _, seconds in self._taken)
            for ended, seconds in self._taken:
                left -= seconds
                if left + seconds >= self._most > left:
                    return ended + WITHIN - now
            return 0.0


@dataclass(frozen=True, slots=True)
class FailedTry:
    """How often this process failed to try a text, and when it tries again."""

    sha256: str
    count: int
    again_at: datetime


class NoTimeLeft(Unavailable):
    """A file was skipped: trials that take long have had their time, until `again_at`."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__(f"rule files that take their trials long have had their {MOST:.0f} s of this hour")
        self.again_at = again_at


class BoundedCheck:
    """A check of many files that takes no longer in all than slow trials may; live files wait for no other."""

    def __init__(self, check: Callable[[bytes], CheckedFile], clock: Clock) -> None:
        self._check = check
        self._clock = clock
        self._time = TrialTime()

    def __call__(self, content: bytes, *, is_live: bool) -> CheckedFile:
        """What there is to say about a file; `NoTimeLeft`."""
        began = self._clock.now()
        if not is_live and (wait := self._time.wait(began.timestamp())):
            raise NoTimeLeft(began + timedelta(seconds=wait))
        try:
            return self._check(content)
        finally:
            self._time.took(began.timestamp(), self._clock.now().timestamp())
