"""The profiles that a process has just read: whoever cuts an audience into pages and sends them reads each once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock

from service.clock import Clock
from service.recipients.profile import Recipient

FRESH = timedelta(seconds=2)
"""How long a profile that was read may be gone by."""

MOST = 2_000
"""Profiles that are remembered: of an audience that is larger, the first pages leave seconds after it was read."""


class Lately:
    """Up to `MOST` profiles, each for `FRESH` at most; safe for threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._people: OrderedDict[str, tuple[datetime, Recipient]] = OrderedDict()
        self._lock = Lock()

    def keep(self, people: Iterable[Recipient]) -> None:
        """Remember them as they were read just now."""
        now = self._clock.now()
        with self._lock:
            for person in people:
                self._people[person.user_id] = (now, person)
                self._people.move_to_end(person.user_id)
            while len(self._people) > MOST:
                self._people.popitem(last=False)

    def of(self, user_ids: Sequence[str]) -> Mapping[str, Recipient]:
        """Those of them that are remembered and fresh; the others are forgotten."""
        now = self._clock.now()
        with self._lock:
            while self._people and not self._is_fresh(next(iter(self._people)), now):
                self._people.popitem(last=False)
            return {name: self._people[name][1] for name in user_ids if name in self._people}

    def forget(self, user_ids: Iterable[str]) -> None:
        """They were written or removed."""
        with self._lock:
            for user_id in user_ids:
                self._people.pop(user_id, None)

    def _is_fresh(self, user_id: str, now: datetime) -> bool:
        return timedelta(0) <= now - self._people[user_id][0] < FRESH
