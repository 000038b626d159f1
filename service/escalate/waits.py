"""How long a level waits for an answer: a duration, or until a time of day where the contact lives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from service.core import BadDuration, TocsinError, durations

LONGEST_WAIT = timedelta(days=30)
"""Beyond this a wait is a mistake of writing, not an intention."""

LEAST_UNTIL = timedelta(minutes=5)
"""What a wait until a time of day leaves at least to who was paged just before it."""

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


class BadWait(TocsinError):
    """A wait that cannot be read; the message says how to write one."""


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Wait this many seconds."""

    seconds: int
    kind: Literal["for"] = "for"


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Wait until the clock on the contact's wall next shows `hour`:`minute`."""

    hour: int
    minute: int
    kind: Literal["until"] = "until"


Wait = WaitFor | WaitUntil


def parse_duration(text: str) -> WaitFor:
    """Read `40s`, `5m`, `2h`, `1d` or a sum such as `1h30m`; `BadWait` for anything else, zero, or over 30 days."""
    try:
        return WaitFor(seconds=int(durations.parse(text, LONGEST_WAIT).total_seconds()))
    except BadDuration as error:
        raise BadWait(str(error)) from error


def parse_time_of_day(text: str) -> WaitUntil:
    """Read `08:00`, from 00:00 to 23:59; `BadWait` for anything else."""
    match = _TIME_OF_DAY.fullmatch(text)
    if match is None:
        raise BadWait(f'"{text}" is not a time of day: write hours and minutes, such as "08:00"')
    return WaitUntil(hour=int(match[1]), minute=int(match[2]))


def end_of(wait: Wait, start: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC and after `start`, at which the wait is over for somebody who lives in `zone`."""
    match wait:
        case WaitFor(seconds=seconds):
            return (start + timedelta(seconds=seconds)).astimezone(UTC)
        case WaitUntil(hour=hour, minute=minute):
            return _next_time_of_day(time(hour, minute), start, zone)


def least_end(wait: Wait, left_at: datetime) -> datetime:
    """The instant before which the wait is not over for a page that left at `left_at`, however long it had to wait."""
    match wait:
        case WaitFor(seconds=seconds):
            return left_at + timedelta(seconds=seconds)
        case WaitUntil():
            return left_at + LEAST_UNTIL


def _next_time_of_day(at: time, start: datetime, zone: ZoneInfo) -> datetime:
    # A time that the spring change skips is read with the offset before it, as PEP 495 has it: 02:30 becomes 03:30.
    # A time that the autumn change repeats means the first of the two.
    day = start.astimezone(zone).date() - timedelta(days=1)  # a skipped midnight may belong to the day before
    while (instant := datetime.combine(day, at, tzinfo=zone).astimezone(UTC)) <= start:
        day += timedelta(days=1)
    return instant
