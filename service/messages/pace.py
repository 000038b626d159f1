"""How many messages one person gets: a limit over time, shared by all processes; incidents are not counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.errors import TocsinError
from service.storage import Store

_FORM = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,2})?([smhd])")
_UNIT = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class NotAPace(TocsinError):
    """A setting that names no limit."""


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `messages` within `within`, spread evenly once a person has had as many at once."""

    messages: int
    within: timedelta

    def free_at(self, store: Store, user_id: str, now: datetime) -> datetime:
        """Book a person's next place; answers from when on it may be used."""
        per_second = self.messages / self.within.total_seconds()
        return store.reserve(f"person-{user_id}", 1, per_second, now, burst=self.messages)


def parse_pace(text: str) -> Pace:
    """The limit that `20/h` or `5/15m` writes."""
    if (match := _FORM.fullmatch(text.strip())) is None:
        raise NotAPace(f"{text!r} is no limit: write it like 20/h or 5/15m (s, m, h, d)")
    return Pace(int(match[1]), int(match[2] or 1) * _UNIT[match[3]])
