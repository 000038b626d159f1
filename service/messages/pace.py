"""How many messages one person gets: a limit over time, shared by all processes; incidents are not counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.core import BadDuration, TocsinError, durations
from service.storage import Store

_MESSAGES = re.compile(r"[1-9][0-9]{0,3}")


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
    messages, _, within = text.strip().partition("/")
    try:
        time = durations.parse(f"1{within}" if within in durations.UNITS else within)
    except BadDuration as error:
        raise NotAPace(f"{text!r} is no limit: write it like 20/h or 5/15m (s, m, h, d)") from error
    if not _MESSAGES.fullmatch(messages):
        raise NotAPace(f"{text!r} is no limit: write it like 20/h or 5/15m, with 1 to 9999 messages")
    return Pace(int(messages), time)
