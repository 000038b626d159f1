"""When something recurs: a cron expression on the clock on somebody's wall. Pure.

Daylight saving moves that clock: a time that it jumps over is taken at the jump, and a fixed hour that comes twice is
taken the first time. With `*` for the hour every hour counts, the repeated one too. Vixie cron does the same (cron(8)).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, CroniterError, croniter

from service.core import TocsinError, is_time_zone

_FIELD = re.compile(r"(?!.*\b[HR]\b)[0-9A-Z*/,#-]+", re.IGNORECASE)
"""What croniter reads, without its `R` and `H`: times drawn anew at every look are no schedule."""


_RANGE = re.compile(r"\b([0-9]++|[A-Z]++)-([0-9]++|[A-Z]++)", re.IGNORECASE)


class NotACron(TocsinError):
    """The text is no cron expression that ever comes true."""


class NotAZone(TocsinError):
    """The text is no IANA time zone."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A cron expression of five fields and the IANA zone of the clock that it is read from. `parse` makes one."""

    cron: str
    timezone: str

    def after(self, instant: datetime) -> datetime:
        """The first occurrence after an instant, in UTC; `NotACron` if there is none within fifty years."""
        return next(self._from(instant, lambda moments: moments.get_next(datetime)))

    def latest(self, now: datetime) -> datetime:
        """The last occurrence up to `now`, that instant included, in UTC; `NotACron` if there was none."""
        return next(self._from(now + timedelta(microseconds=1), lambda moments: moments.get_prev(datetime)))

    def _from(self, instant: datetime, move: Callable[[croniter], datetime]) -> Iterator[datetime]:
        moments = croniter(self.cron, instant.astimezone(ZoneInfo(self.timezone)))
        try:
            while True:
                at = move(moments).astimezone(UTC)
                if not self._is_repeated(at):
                    yield at
        except CroniterBadDateError:
            raise NotACron(f"{self.cron!r} never comes true") from None

    def _is_repeated(self, at: datetime) -> bool:
        """Whether the wall shows this time for the second time that day, and the hour is a fixed one."""
        return at.astimezone(ZoneInfo(self.timezone)).fold == 1 and not self.cron.split()[1].startswith("*")


def parse(cron: str, timezone: str, now: datetime) -> Recurrence:
    """The recurrence that two texts write; `NotACron` or `NotAZone` says what is wrong with them."""
    if not is_time_zone(timezone):
        raise NotAZone(f"{timezone!r} is not a time zone: write an IANA name, such as Europe/Berlin")
    recurrence = Recurrence(_checked(cron), timezone)
    recurrence.after(now)
    return recurrence


def _runs_backwards(field: str) -> bool:
    """Whether a range of numbers ends before it begins, as a slip does: 9-5. croniter reads `5-5` as every day.

    FRI-MON and NOV-FEB can mean one thing only.
    """
    return any(
        int(last) <= int(first) if first.isdecimal() and last.isdecimal() else first.upper() == last.upper()
        for first, last in _RANGE.findall(field)
    )


def _checked(cron: str) -> str:
    fields = cron.split()
    if len(fields) != 5:
        raise NotACron("a cron expression has five fields: minute, hour, day of month, month, day of week")
    try:
        croniter(cron)
    except CroniterError as error:
        raise NotACron(str(error)) from None
    if strange := next((field for field in fields if not _FIELD.fullmatch(field)), None):
        raise NotACron(f"{strange!r} is not a field of a cron expression")
    if backwards := next((field for field in fields if _runs_backwards(field)), None):
        raise NotACron(f"{backwards!r} runs backwards: write two ranges, such as 22-23,0-6")
    return " ".join(fields)
