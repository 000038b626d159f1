"""The profiles that a process has just read: whoever cuts an audience into pages and sends them reads each once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from service.core import Clock
from service.recipients.profile import Recipient

FRESH = timedelta(seconds=2)
"""How long a profile that was read may be gone by."""

MOST = 10_000
"""Profiles that are remembered: of an audience that is larger, the first pages leave seconds after it was read."""


@dataclass(frozen=True, slots=True)
class ProfileReading:
    """When a question to the store began, and how many times profiles had been written by then."""

    at: datetime
    writes: int


class ProfileCache:
    """Up to `MOST` profiles, gone by for `FRESH` at most; safe for threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._people: OrderedDict[str, tuple[datetime, Recipient]] = OrderedDict()
        self._writes = 0
        self._lock = Lock()

    def reading(self) -> ProfileReading:
        """Called before the store is asked."""
        with self._lock:
            return ProfileReading(self._clock.now(), self._writes)

    def keep(self, people: Iterable[Recipient], reading: ProfileReading) -> None:
        """Remember them as they were read, unless this process has written any profile since."""
        with self._lock:
            self._drop_stale()
            if reading.writes != self._writes:
                return
            for person in people:
                self._people.pop(person.user_id, None)  # the oldest come first
                self._people[person.user_id] = (reading.at, person)
            while len(self._people) > MOST:
                self._people.popitem(last=False)

    def of(self, user_ids: Sequence[str]) -> Mapping[str, Recipient]:
        """Those of them that are remembered."""
        with self._lock:
            self._drop_stale()
            return {name: self._people[name][1] for name in user_ids if name in self._people}

    def forget(self, user_ids: Iterable[str]) -> None:
        """They were written or removed."""
        with self._lock:
            self._writes += 1
            for user_id in user_ids:
                self._people.pop(user_id, None)

    def _drop_stale(self) -> None:
        now = self._clock.now()
        while self._people:
            read_at, _ = next(iter(self._people.values()))
            if timedelta(0) <= now - read_at < FRESH:
                return
            self._people.popitem(last=False)
