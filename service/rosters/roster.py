"""A roster: who is on call at an instant. Pure.

The last that says something counts: overrides before rotations, and of several of each the last in the file. Somebody
absent is passed over for the next in the order who is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from zoneinfo import ZoneInfo

from service.rosters.rotation import Rotation

LOOKED_AHEAD = timedelta(days=366)
"""How far a change of who is on call is looked for, back and ahead."""

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a roster, under the `key` that its file gives them.

    `phone` is E.164, `language` BCP 47, `timezone` an IANA name, `recipient` the id of the profile that says the rest.
    """

    key: str
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    language: str | None = None
    timezone: str | None = None
    recipient: str | None = None

    @property
    def label(self) -> str:
        """What the person is called."""
        return self.name or self.key


@dataclass(frozen=True, slots=True)
class PersonInterval:
    """A person for a time, the end not included: an override, or an absence."""

    person: str
    since: datetime
    until: datetime

    def covers(self, at: datetime) -> bool:
        """Whether it holds at an instant."""
        return self.since <= at < self.until


class OnCallReason(StrEnum):
    """Why somebody is on call."""

    TURN = "turn"
    OVERRIDE = "override"
    STANDS_IN = "stands_in"  # for somebody absent
    ALL_ABSENT = "all_absent"  # it is their turn, and nobody of the rotation is there


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is on call, and why."""

    person: Person
    why: OnCallReason


@dataclass(frozen=True, slots=True)
class Shift:
    """One person on call from `since` until `until`; nobody where `on_call` is None.

    Either end is None where nothing changes as far as was looked.
    """

    on_call: OnCall | None
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Roster:
    """One roster, as its file says it."""

    name: str
    timezone: str
    people: tuple[Person, ...]
    rotations: tuple[Rotation, ...] = ()
    overrides: tuple[PersonInterval, ...] = ()
    absences: tuple[PersonInterval, ...] = ()
    description: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The zone on whose clock it hands over."""
        return ZoneInfo(self.timezone)

    def person(self, key: str) -> Person:
        """The person of a key that stands in the roster."""
        return next(person for person in self.people if person.key == key)

    def on_call(self, at: datetime) -> OnCall | None:
        """Who is on call at an instant; None if nobody is."""
        for override in reversed(self.overrides):
            if override.covers(at):
                return OnCall(self.person(override.person), OnCallReason.OVERRIDE)
        for rotation in reversed(self.rotations):
            turn = rotation.turn_at(at, self.zone)
            if turn is not None:
                return self._in_turn(rotation.in_turn(turn), at)
        return None

    def shift(self, at: datetime) -> Shift:
        """Who is on call at an instant, since when and until when."""
        who = self._who(at)
        until = next((then for then in self._changes(at, at + LOOKED_AHEAD) if self._who(then) != who), None)
        return Shift(self.on_call(at), self._since(at, who), until)

    def shifts(self, since: datetime, until: datetime) -> Iterator[Shift]:
        """Every shift of a time, the first and the last cut at its ends."""
        begun, who = since, self._who(since)
        for then in self._changes(since, until):
            if self._who(then) != who:
                yield Shift(self.on_call(begun), begun, then)
                begun, who = then, self._who(then)
        yield Shift(self.on_call(begun), begun, until)

    def _since(self, at: datetime, who: str | None) -> datetime | None:
        earlier = [at - LOOKED_AHEAD, *self._changes(at - LOOKED_AHEAD, at + INSTANT)]
        unchanged = list(takewhile(lambda then: self._who(then) == who, reversed(earlier)))
        return None if len(unchanged) in (0, len(earlier)) else unchanged[-1]

    def _who(self, at: datetime) -> str | None:
        on_call = self.on_call(at)
        return None if on_call is None else on_call.person.key

    def _in_turn(self, order: tuple[str, ...], at: datetime) -> OnCall:
        absent = {absence.person for absence in self.absences if absence.covers(at)}
        there = next((key for key in order if key not in absent), None)
        if there is None:  # better somebody who is away than nobody
            return OnCall(self.person(order[0]), OnCallReason.ALL_ABSENT)
        return OnCall(self.person(there), OnCallReason.TURN if there == order[0] else OnCallReason.STANDS_IN)

    def _changes(self, since: datetime, until: datetime) -> list[datetime]:
        """Every instant after `since` and before `until` at which somebody else may be on call, in order."""
        instants = {at for rotation in self.rotations for at in rotation.changes(since, until, self.zone)}
        ends = (end for stretch in (*self.overrides, *self.absences) for end in (stretch.since, stretch.until))
        return sorted(instants | {end for end in ends if since < end < until})
