"""A rotation: people who take turns, handing over at fixed times on the clock of the roster's zone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count, takewhile
from zoneinfo import ZoneInfo

from service.rosters.wall_clock import first_instant

DAY = timedelta(days=1)

LONGEST_WINDOW = 2 * DAY
"""How long before an instant the day lies, at most, on which a window that covers it began: a day and what a zone that
crosses the date line skips."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the week in which a rotation counts: on `days` (Monday is 0), from one time of day until another.

    A window that ends at its beginning or before ends on the next day. It belongs to the day on which it begins.
    """

    days: frozenset[int]
    opens: time
    closes: time

    def of(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """When the window of a day opens and closes; None on days that have none."""
        if day.weekday() not in self.days:
            return None
        last = day if self.closes > self.opens else day + DAY
        return first_instant(day, self.opens, zone), first_instant(last, self.closes, zone)

    def covers(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether an instant lies in a window."""
        today = at.astimezone(zone).date()
        near = (self.of(today - n * DAY, zone) for n in range(LONGEST_WINDOW // DAY + 1))
        return any(opened is not None and opened[0] <= at < opened[1] for opened in near)


@dataclass(frozen=True, slots=True)
class Rotation:
    """People in their `order`, each for a turn. The first turn begins on the day `start`.

    A turn lasts `every` days from one hand-over to the next. Where a day has several hand-overs, each begins a turn.
    `window` is when the rotation counts, if not always; turns go on behind it.
    """

    order: tuple[str, ...]
    start: date
    hand_overs: tuple[time, ...]
    every: int = 1
    window: Window | None = None

    def turn_at(self, at: datetime, zone: ZoneInfo) -> int | None:
        """The number of the turn at an instant, from 0; None before the first, and outside the window."""
        if self.window is not None and not self.window.covers(at, zone):
            return None
        days = (at.astimezone(zone).date() - self.start).days
        latest = (days // self.every + 2) * len(self.hand_overs)
        return next((turn for turn in range(latest, -1, -1) if self.begins(turn, zone) <= at), None)

    def begins(self, turn: int, zone: ZoneInfo) -> datetime:
        """When a turn begins, in UTC."""
        cycle, which = divmod(turn, len(self.hand_overs))
        return first_instant(self.start + cycle * self.every * DAY, self.hand_overs[which], zone)

    def in_turn(self, turn: int) -> tuple[str, ...]:
        """The people from the one whose turn it is, in the order in which they would stand in."""
        first = turn % len(self.order)
        return self.order[first:] + self.order[:first]

    def changes(self, since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Every instant after `since` and before `until` at which the rotation may hand over, open or close."""
        first = max(0, ((since.astimezone(zone).date() - self.start).days // self.every - 1) * len(self.hand_overs))
        beginnings = (self.begins(turn, zone) for turn in count(first))
        yield from (at for at in takewhile(lambda at: at < until, beginnings) if at > since)
        if self.window is None:
            return
        day = since.astimezone(zone).date() - LONGEST_WINDOW
        while day <= until.astimezone(zone).date():
            yield from (at for at in self.window.of(day, zone) or () if since < at < until)
            day += DAY
