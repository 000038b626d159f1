"""Quiet hours: the time of day, where the recipient lives, in which only incidents may wake them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.errors import TocsinError

_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class NotQuietHours(TocsinError):
    """A setting that names no hours."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` (included) to `end` (not), over midnight where `end` is earlier; `zone` is for others."""

    start: time
    end: time
    zone: str = "UTC"

    def ends(self, now: datetime, zone: str | None) -> datetime | None:
        """When the quiet hours that hold at `now` end for a recipient in `zone`; None outside them.

        Reckoned on the recipient's wall clock, so that a change to or from summer time moves nothing.
        """
        there = now.astimezone(ZoneInfo(zone or self.zone))
        if not self._holds(there.time()):
            return None
        day = there.date() if there.time() < self.end else there.date() + timedelta(days=1)
        return datetime.combine(day, self.end, there.tzinfo).astimezone(now.tzinfo)

    def _holds(self, at: time) -> bool:
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


def parse_quiet_hours(text: str, zone: str = "UTC") -> QuietHours:
    """The hours that `22:00-07:00` writes."""
    if (match := _FORM.fullmatch(text.strip())) is None:
        raise NotQuietHours(f"{text!r} are no quiet hours: write them like 22:00-07:00")
    start, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    return QuietHours(start, end, zone)
