"""A roster from its file, `rules/rosters/*.yaml`, with every finding at once and at its place, as for rule files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email

from service.channels import PhoneRefused, PhoneRules
from service.core import UnknownTag, is_time_zone, parse_tag, time_zones
from service.decide import Entries, EntryKeys, Finding, Flaw, Node, Place, RuleFaults, Scalar, entries, positions
from service.rosters.roster import Person, PersonInterval, Roster
from service.rosters.rotation import DAY, Rotation, Window
from service.rosters.wall_clock import first_instant

MAX_PEOPLE = 100
MAX_ROTATIONS = 20
MAX_STRETCHES = 500
"""Overrides of one roster, and absences."""
MAX_HAND_OVERS = 6
"""Hand-overs of one day."""
LONGEST_TURN = 366
"""Days."""
YEARS = range(2000, 2100)

_FRAME = ("roster", "description", "timezone", "people", "rotation", "overrides", "absences")
_PERSON = ("name", "phone", "email", "language", "timezone", "recipient")
_ROTATION = ("order", "start", "hand_over", "every", "days", "hours")
_STRETCH = ("person", "from", "until")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_EVERY = re.compile(r"(\d{1,3})([dw])", re.ASCII)
_WHOLE_DAY = time(0, 0)
_TOP = Place(1, 1)

_PHONES = PhoneRules(reserved_allowed=True)
"""Which countries may be written to is a setting, which a file cannot know."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ParsedRoster:
    """What a file says and what is wrong with it; `roster` is None exactly if one of the findings is an error."""

    roster: Roster | None
    findings: tuple[Finding, ...]


def parse(source: str | bytes) -> ParsedRoster:
    """Parse a roster file; never raises."""
    faults = RuleFaults()
    root, _ = positions.read(source, faults)
    roster = None
    if root is not None and (keys := entries.keyed(root, _FRAME, "a roster", faults)):
        roster = _Reading(keys, faults).roster()
    if faults.refused or roster is None:
        return ParsedRoster(None, faults.in_order())
    _warn(roster, faults)
    return ParsedRoster(roster, faults.in_order())


class _Reading:
    """Reads one file; its zone and its people are needed all over it."""

    def __init__(self, keys: EntryKeys, faults: RuleFaults) -> None:
        self._keys = keys
        self._faults = faults
        self._people: tuple[Person, ...] = ()
        self._zone = ZoneInfo("UTC")
        self._used: set[str] = set()

    def roster(self) -> Roster | None:
        for key, example in (
            ("roster", "roster: pumps"),
            ("timezone", "timezone: Europe/Berlin, the zone in which it hands over"),
            ("people", 'people: {ann: {name: Ann, phone: "+447700900123"}}'),
            ("rotation", 'rotation: {order: [ann, ben], start: 2026-01-05, hand_over: "09:00", every: 1w}'),
        ):
            self._keys.demand(key, example, self._faults)
        name = self._keys.read("roster", partial(self._name, what="the name of a roster"))
        zone = self._keys.read("timezone", self._timezone)
        self._zone = ZoneInfo(zone or "UTC")
        self._people = self._keys.read("people", self._all_people) or ()
        rotations = self._keys.read("rotation", self._rotations)
        overrides = self._keys.read("overrides", partial(self._stretches, what="an override"))
        absences = self._keys.read("absences", partial(self._stretches, what="an absence"))
        description = self._keys.read("description", lambda node: self._text(node, "a description"))
        if not (name and zone and self._people and rotations):
            return None
        return Roster(
            name,
            zone,
            self._people,
            rotations,
            overrides or (),
            absences or (),
            description.text if description else "",
        )

    # --- people

    def _all_people(self, node: Node) -> tuple[Person, ...]:
        if not isinstance(node, Entries):
            entries.mismatch(node, "people must be a mapping of short names to contacts", self._faults)
            return ()
        if not 1 <= len(node.pairs) <= MAX_PEOPLE:
            self._out_of_range(node, f"a roster has 1 to {MAX_PEOPLE} people, this one {len(node.pairs)}")
        people: dict[str, Person] = {}
        for key, value in node.pairs:
            if key.text in people:
                entries.duplicate(key, self._faults)
            elif (person := self._person(self._name(key, "a short name"), value)) is not None:
                people[person.key] = person
        return tuple(people.values())

    def _person(self, key: str | None, node: Node) -> Person | None:
        keys = entries.keyed(node, _PERSON, "a person", self._faults)
        if keys is None:
            return None
        self._check_reachable(keys)
        named = keys.read("name", lambda value: self._text(value, "a name"))
        phone = keys.read("phone", partial(self._value, what="phone", read=lambda text: _PHONES.parse(text).e164))
        email = keys.read("email", partial(self._value, what="email", read=_email))
        language = keys.read("language", partial(self._value, what="language", read=lambda text: str(parse_tag(text))))
        zone = keys.read("timezone", self._timezone)
        recipient = keys.read("recipient", partial(self._name, what="the id of a recipient"))
        name = None if named is None else named.text
        return None if key is None else Person(key, name, phone, email, language, zone, recipient)

    def _check_reachable(self, keys: EntryKeys) -> None:
        if "recipient" in keys and any(name in keys for name in _PERSON if name != "recipient"):
            message = "a person is a recipient, whose profile says the rest, or a phone, and not both"
            self._faults.error(Flaw.SYNTAX, keys.at, message, "keep recipient alone, or leave it out")
        elif "recipient" not in keys and "phone" not in keys:
            hint = 'write {name: Ann, phone: "+447700900123"} or {recipient: id}'
            self._faults.error(Flaw.SYNTAX, keys.at, "a person needs a phone, or the id of a recipient", hint)

    # --- rotations

    def _rotations(self, node: Node) -> tuple[Rotation, ...]:
        nodes = entries.one_or_more(node)
        if not 1 <= len(nodes) <= MAX_ROTATIONS:
            self._out_of_range(node, f"a roster has 1 to {MAX_ROTATIONS} rotations, this one {len(nodes)}")
        return tuple(rotation for each in nodes if (rotation := self._rotation(each)) is not None)

    def _rotation(self, node: Node) -> Rotation | None:
        keys = entries.keyed(node, _ROTATION, "a rotation", self._faults)
        if keys is None:
            return None
        keys.demand("order", "order: [ann, ben]", self._faults)
        keys.demand("start", "start: 2026-01-05, the day of the first hand-over", self._faults)
        keys.demand("hand_over", 'hand_over: "09:00"', self._faults)
        order = keys.read("order", self._order)
        start = keys.read("start", partial(self._value, what="start", read=_day))
        hand_overs = keys.read("hand_over", self._hand_overs)
        every = keys.read("every", partial(self._value, what="every", read=_every)) or 1
        window = self._window(keys)
        if hand_overs is not None and len(hand_overs) > 1 and every > 1:
            message = "several hand-overs a day each begin a turn, so that every must be 1d"
            self._faults.error(Flaw.OUT_OF_RANGE, keys.at, message, "leave every out, or keep one hand-over")
        if not (order and start and hand_overs):
            return None
        return Rotation(order, start, hand_overs, every, window)

    def _order(self, node: Node) -> tuple[str, ...]:
        people = tuple(key for each in entries.one_or_more(node) if (key := self._known(each)) is not None)
        if isinstance(node, positions.Items) and not 1 <= len(node.nodes) <= MAX_PEOPLE:
            self._out_of_range(node, f"an order names 1 to {MAX_PEOPLE} people, this one {len(node.nodes)}")
        return people

    def _known(self, node: Node) -> str | None:
        """The short name of a person of this roster."""
        scalar = self._text(node, "a person")
        if scalar is None:
            return None
        known = [person.key for person in self._people]
        if scalar.text in known:
            return scalar.text
        hint = self._faults.did_you_mean(scalar.text, known) or f"people: {', '.join(known) or 'nobody'}"
        self._faults.error(Flaw.UNKNOWN_VALUE, scalar.at, f'"{scalar.text}" stands not under people', hint)
        return None

    def _hand_overs(self, node: Node) -> tuple[time, ...]:
        nodes = entries.one_or_more(node)
        read = partial(self._value, what="hand_over", read=_time_of_day)
        times = tuple(at for each in nodes if (at := read(each)) is not None)
        if not 1 <= len(nodes) <= MAX_HAND_OVERS:
            self._out_of_range(node, f"a day has 1 to {MAX_HAND_OVERS} hand-overs, this one {len(nodes)}")
        if list(times) != sorted(set(times)):
            self._faults.error(Flaw.OUT_OF_RANGE, node.at, "hand-overs stand in the order of the day, each once")
        return times

    def _window(self, keys: EntryKeys) -> Window | None:
        if "days" not in keys and "hours" not in keys:
            return None
        days = keys.read("days", self._days)
        hours = keys.read("hours", partial(self._value, what="hours", read=_hours)) or (_WHOLE_DAY, _WHOLE_DAY)
        return Window(frozenset(range(7)) if days is None else days, *hours)

    def _days(self, node: Node) -> frozenset[int]:
        days: set[int] = set()
        for each in entries.one_or_more(node):
            days |= self._value(each, "days", _days_of) or set()
        return frozenset(days)

    # --- overrides and absences

    def _stretches(self, node: Node, what: str) -> tuple[PersonInterval, ...]:
        nodes = entries.items(node, f"{what}s".replace("an ", ""), self._faults)
        if len(nodes) > MAX_STRETCHES:
            self._out_of_range(node, f"there may be {MAX_STRETCHES} of them, there are {len(nodes)}")
        return tuple(stretch for each in nodes if (stretch := self._stretch(each, what)) is not None)

    def _stretch(self, node: Node, what: str) -> PersonInterval | None:
        keys = entries.keyed(node, _STRETCH, what, self._faults)
        if keys is None:
            return None
        for key, example in (("person", "person: ann"), ("from", "from: 2026-08-03"), ("until", "until: 2026-08-16")):
            keys.demand(key, example, self._faults)
        person = keys.read("person", self._known)
        since = keys.read("from", partial(self._value, what="from", read=partial(_moment, zone=self._zone)))
        until = keys.read("until", partial(self._value, what="until", read=partial(_end, zone=self._zone)))
        if since is not None and until is not None and until <= since:
            self._faults.error(Flaw.OUT_OF_RANGE, keys.at, f"{what} ends after it begins, this one does not")
        return None if None in (person, since, until) else PersonInterval(person, since, until)  # type: ignore[arg-type]

    # --- single values

    def _name(self, node: Node, what: str) -> str | None:
        scalar = self._text(node, what)
        if scalar is not None and not _NAME.fullmatch(scalar.text):
            hint = "use letters, digits, - and _, up to 64"
            self._faults.error(Flaw.SYNTAX, scalar.at, f'"{scalar.text}" is not {what}', hint)
            return None
        return scalar.text if scalar is not None else None

    def _timezone(self, node: Node) -> str | None:
        scalar = self._text(node, "a time zone")
        if scalar is not None and not is_time_zone(scalar.text):
            hint = self._faults.did_you_mean(scalar.text, time_zones()) or "write it like Europe/Berlin (IANA)"
            self._faults.error(Flaw.UNKNOWN_VALUE, scalar.at, f'"{scalar.text}" is not a time zone', hint)
            return None
        return scalar.text if scalar is not None else None

    def _value(self, node: Node, what: str, read: Callable[[str], T]) -> T | None:
        scalar = self._text(node, what)
        if scalar is None:
            return None
        try:
            return read(scalar.text)
        except (ValueError, PhoneRefused, UnknownTag) as problem:
            self._faults.error(Flaw.TYPE, scalar.at, str(problem))
        return None

    def _text(self, node: Node, what: str) -> Scalar | None:
        return entries.text(node, what, self._faults)

    def _out_of_range(self, node: Node, message: str) -> None:
        self._faults.error(Flaw.OUT_OF_RANGE, node.at, message)


def _email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(f"the email address is not valid: {error}") from None


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a day: write it like 2026-01-05') from None
    if day.year not in YEARS:
        raise ValueError(f"a day lies between {YEARS[0]} and {YEARS[-1]}, not in {day.year}")
    return day


def _time_of_day(text: str) -> time:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a time of day: write hours and minutes, such as "09:00"')
    return time(int(match[1]), int(match[2]))


def _every(text: str) -> int:
    match = _EVERY.fullmatch(text)
    days = int(match[1]) * (7 if match[2] == "w" else 1) if match else 0
    if not 1 <= days <= LONGEST_TURN:
        raise ValueError(f'"{text}" is not how long a turn lasts: write days or weeks, such as 1d or 2w, up to a year')
    return days


def _hours(text: str) -> tuple[time, time]:
    opens, dash, closes = text.partition("-")
    if not dash:
        raise ValueError(f'"{text}" is not a part of the day: write it like "22:00-06:00"')
    return _time_of_day(opens.strip()), _time_of_day(closes.strip())


def _days_of(text: str) -> set[int]:
    """`sat`, or `mon-fri`; a range may go over the end of the week."""
    first, _, last = (part.strip().lower() for part in (text if "-" in text else f"{text}-{text}").partition("-"))
    if first not in _DAYS or last not in _DAYS:
        raise ValueError(f'"{text}" is not a day of the week: write {", ".join(_DAYS)}, or mon-fri')
    begin, end = _DAYS.index(first), _DAYS.index(last)
    return {n % 7 for n in range(begin, end + 1 if end >= begin else end + 8)}


def _moment(text: str, zone: ZoneInfo) -> datetime:
    """The beginning of a day, or a time of it: `2026-08-03` or `2026-08-03 09:00`."""
    day, _, at = text.replace("T", " ").partition(" ")
    return first_instant(_day(day), _time_of_day(at.strip()) if at else time(0, 0), zone)


def _end(text: str, zone: ZoneInfo) -> datetime:
    """As `_moment`, but a day alone is meant with its end."""
    day, _, at = text.replace("T", " ").partition(" ")
    return _moment(text, zone) if at else first_instant(_day(day) + DAY, time(0, 0), zone)


def _warn(roster: Roster, faults: RuleFaults) -> None:
    """Warn where nobody is on call within the four weeks after all rotations have begun, and of people left over."""
    begun = max(rotation.begins(0, roster.zone) for rotation in roster.rotations)
    gap = next((shift for shift in roster.shifts(begun, begun + timedelta(weeks=4)) if shift.on_call is None), None)
    if gap is not None and gap.since is not None and gap.until is not None:
        when = " to ".join(f"{end.astimezone(roster.zone):%a %Y-%m-%d %H:%M}" for end in (gap.since, gap.until))
        hint = "put a rotation without days and hours first: the last that covers an instant counts"
        faults.warning(Flaw.GAP, _TOP, f"nobody is on call from {when}", hint)
    named = {key for rotation in roster.rotations for key in rotation.order} | {
        override.person for override in roster.overrides
    }
    for person in roster.people:
        if person.key not in named:
            message = f"{person.key} is under people, and in no order and no override"
            faults.warning(Flaw.REDUNDANT, _TOP, message)
