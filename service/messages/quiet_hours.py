"""Quiet hours: the time of day, where the recipient lives, in which only incidents may wake them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.core import TocsinError

_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")

_DAY = timedelta(days=1)


class NotQuietHours(TocsinError):
    """A setting that names no hours."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` (included) to `end` (not), over midnight where `end` is earlier; `zone` is for others."""

    start: time
    end: time
    zone: str = "UTC"

    def ends(self, now: datetime, zone: str | None) -> datetime | None:
        """The end of the quiet hours in which a recipient in `zone` is at `now`; None outside quiet hours.

        Reckoned on the recipient's wall clock: a change to or from summer time moves nothing, an hour that is repeated
        is quiet both times, and an end that the clock skips is where it skips it.
        """
        there = now.astimezone(ZoneInfo(zone or self.zone))
        if not self._holds(there.time()):
            return None
        end = now + (_since_midnight(self.end) - _since_midnight(there.time())) % _DAY
        if end.astimezone(there.tzinfo).utcoffset() == there.utcoffset():
            return end
        changes = _first_change(there, end)
        return self.ends(changes, zone) or changes

    def _holds(self, at: time) -> bool:
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond)


def _first_change(there: datetime, end: datetime) -> datetime:
    """When the clock that `there` shows is changed, at the latest by `end`; clocks are changed at whole seconds."""
    before, after = int(there.timestamp()), int(end.timestamp())
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, there.tzinfo).utcoffset() == there.utcoffset():
            before = middle
        else:
            after = middle
    return datetime.fromtimestamp(after, end.tzinfo)


def parse_quiet_hours(text: str, zone: str = "UTC") -> QuietHours:
    """The hours that `22:00-07:00` writes."""
    if (match := _FORM.fullmatch(text.strip())) is None:
        raise NotQuietHours(f"{text!r} are not hours: write them like 22:00-07:00")
    start, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    if start == end:  # a whole day, or nothing at all: neither is what somebody means who writes it
        raise NotQuietHours(f"{text!r} begins and ends at one time: write hours like 22:00-07:00, or leave it out")
    return QuietHours(start, end, zone)
