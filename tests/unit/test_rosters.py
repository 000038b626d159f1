"""Who is on call, against a calendar that is walked through minute by minute."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rosters.roster import OnCallReason, Person, PersonInterval, Roster
from service.rosters.rotation import Rotation, Window
from service.rosters.wall_clock import first_instant

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
PEOPLE = tuple(Person(key) for key in "abcd")

CHANGES = (
    ("Europe/Berlin", date(2026, 3, 29)),  # 02:00 to 03:00
    ("Europe/Berlin", date(2026, 10, 25)),  # 03:00 to 02:00
    ("America/New_York", date(2026, 11, 1)),
    ("America/Santiago", date(2026, 9, 6)),  # midnight does not exist
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Africa/Casablanca", date(2026, 3, 22)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour
    ("Pacific/Apia", date(2011, 12, 30)),  # a whole day does not exist
    ("Asia/Kolkata", date(2026, 6, 1)),
)
"""Zones, each with a day on which its clock is moved, and one that never moves it."""


class Walked:
    """A zone's clock as somebody sees it who looks at it every minute of some days around a date."""

    def __init__(self, zone: str, around: date) -> None:
        begin = datetime.combine(around, time(), tzinfo=UTC) - timedelta(days=8)
        self.minutes = [begin + n * MINUTE for n in range(16 * 24 * 60)]
        self.shown = [at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for at in self.minutes]
        self.latest = list(accumulate(self.shown, max))  # the latest time that was shown so far

    def first(self, day: date, at: time) -> datetime:
        """The first minute at which the clock shows this or later."""
        return self.minutes[bisect_left(self.latest, datetime.combine(day, at))]


_walked: dict[tuple[str, date], Walked] = {}


def walked(zone: str, around: date) -> Walked:
    if (zone, around) not in _walked:
        _walked[zone, around] = Walked(zone, around)
    return _walked[zone, around]


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))


@given(st.sampled_from(CHANGES), st.integers(-3, 3), times)
def test_a_time_of_day_comes_when_a_clock_that_is_watched_first_shows_it(
    change: tuple[str, date], days: int, at: time
) -> None:
    zone, around = change
    day = around + timedelta(days=days)
    assert first_instant(day, at, ZoneInfo(zone)) == walked(zone, around).first(day, at)


@st.composite
def rotations(draw: st.DrawFn, around: date) -> Rotation:
    hand_overs = draw(st.lists(times, min_size=1, max_size=3, unique=True).map(sorted))
    every = draw(st.integers(1, 3)) if len(hand_overs) == 1 else 1
    days = st.frozensets(st.integers(0, 6), min_size=1)
    window = draw(st.none() | st.builds(Window, days, times, times))
    order = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4).map(tuple))
    return Rotation(order, around - timedelta(days=draw(st.integers(0, 5))), tuple(hand_overs), every, window)


def watched_turn(rotation: Rotation, clock: Walked, at: datetime) -> int | None:
    """The turn at a minute: hand-overs are counted one by one."""
    turn = None
    for days in range(0, 14, rotation.every):
        for hand_over in rotation.hand_overs:
            day = rotation.start + timedelta(days=days)
            if day < clock.shown[-1].date() - timedelta(days=1) and clock.first(day, hand_over) <= at:
                turn = 0 if turn is None else turn + 1
    return turn if rotation.window is None or is_watched_open(rotation.window, clock, at) else None


def is_watched_open(window: Window, clock: Walked, at: datetime) -> bool:
    """Whether a window is open at a minute, by looking at each day's."""
    shown = clock.shown[clock.minutes.index(at)].date()
    for day in (shown - timedelta(days=n) for n in range(3)):
        last = day if window.closes > window.opens else day + timedelta(days=1)
        if day.weekday() in window.days and clock.first(day, window.opens) <= at < clock.first(last, window.closes):
            return True
    return False


@settings(max_examples=60)
@given(st.data(), st.sampled_from(CHANGES))
def test_whoever_is_on_call_is_who_a_calendar_names_that_is_walked_through(
    data: st.DataObject, change: tuple[str, date]
) -> None:
    zone, around = change
    clock = walked(zone, around)
    drawn = data.draw(st.lists(rotations(around), min_size=1, max_size=2))
    roster = Roster("r", zone, PEOPLE, tuple(drawn))
    for _ in range(10):
        at = clock.minutes[data.draw(st.integers(4 * 1440, 11 * 1440))]
        turns = [(watched_turn(rotation, clock, at), rotation) for rotation in reversed(drawn)]
        expected = next((r.order[turn % len(r.order)] for turn, r in turns if turn is not None), None)
        found = roster.on_call(at)
        assert (found and found.person.key) == expected


stretches = st.builds(
    lambda person, begin, length: PersonInterval(person, begin, begin + timedelta(hours=length)),
    st.sampled_from("abcd"),
    st.integers(0, 400).map(lambda hours: datetime(2026, 10, 18, tzinfo=UTC) + timedelta(hours=hours)),
    st.integers(1, 100),
)


@settings(max_examples=60)
@given(
    st.lists(rotations(date(2026, 10, 25)), min_size=1, max_size=2),
    st.lists(stretches, max_size=3),
    st.lists(stretches, max_size=3),
)
def test_shifts_cover_a_time_without_a_gap_and_say_what_each_instant_says(
    drawn: list[Rotation], overrides: list[PersonInterval], absences: list[PersonInterval]
) -> None:
    roster = Roster("r", "Europe/Berlin", PEOPLE, tuple(drawn), tuple(overrides), tuple(absences))
    since, until = datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 10, 28, tzinfo=UTC)
    shifts = list(roster.shifts(since, until))
    assert [shift.since for shift in shifts] == [since, *(shift.until for shift in shifts[:-1])]
    assert shifts[-1].until == until
    for at in (since + n * timedelta(minutes=15) for n in range(6 * 96)):
        shift = next(each for each in shifts if each.since <= at < each.until)  # type: ignore[operator]
        now, named = roster.on_call(at), shift.on_call
        assert (now and now.person) == (named and named.person)
    for shift in shifts[1:-1]:
        alone = roster.shift(shift.since)  # type: ignore[arg-type]
        assert (alone.since, alone.until) == (shift.since, shift.until)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


WEEKLY = Rotation(("a", "b", "c"), date(2026, 1, 5), (time(9),), 7)


def test_a_week_with_a_clock_change_is_an_hour_longer_and_hands_over_at_nine_all_the_same() -> None:
    roster = Roster("r", "Europe/Berlin", PEOPLE, (WEEKLY,))
    autumn = roster.shift(berlin("2026-10-22 12:00"))
    assert autumn.since == berlin("2026-10-19 09:00")
    assert autumn.until == berlin("2026-10-26 09:00")
    assert autumn.until - autumn.since == timedelta(days=7, hours=1)


def test_somebody_absent_is_passed_over_for_the_next_and_an_override_beats_all() -> None:
    whole_week = (berlin("2026-01-05 00:00"), berlin("2026-01-13 00:00"))
    swap = PersonInterval("d", berlin("2026-01-08 18:00"), berlin("2026-01-08 22:00"))
    roster = Roster("r", "Europe/Berlin", PEOPLE, (WEEKLY,), (swap,), (PersonInterval("a", *whole_week),))
    found = [roster.on_call(berlin(f"2026-01-08 {at}")) for at in ("17:59", "18:00", "21:59", "22:00")]
    assert [(each.person.key, each.why) for each in found if each] == [
        ("b", OnCallReason.STANDS_IN),
        ("d", OnCallReason.OVERRIDE),
        ("d", OnCallReason.OVERRIDE),
        ("b", OnCallReason.STANDS_IN),
    ]


def test_where_everybody_is_absent_whose_turn_it_is_stays_on_call() -> None:
    away = tuple(PersonInterval(key, berlin("2026-01-05 00:00"), berlin("2026-02-01 00:00")) for key in "abc")
    roster = Roster("r", "Europe/Berlin", PEOPLE, (WEEKLY,), (), away)
    found = roster.on_call(berlin("2026-01-14 00:00"))
    assert found is not None
    assert (found.person.key, found.why) == ("b", OnCallReason.ALL_ABSENT)


def test_nobody_is_on_call_before_the_first_turn() -> None:
    roster = Roster("r", "Europe/Berlin", PEOPLE, (WEEKLY,))
    before = berlin("2026-01-05 09:00") - timedelta(microseconds=1)
    assert roster.on_call(before) is None
    assert roster.shift(before).until == berlin("2026-01-05 09:00")


@pytest.mark.parametrize(
    ("at", "who"),
    [("2026-03-27 23:30", "b"), ("2026-03-28 07:59", "b"), ("2026-03-28 08:00", "a"), ("2026-03-29 20:00", "c")],
)
def test_a_day_may_have_several_hand_overs_and_the_last_rotation_that_counts_then_names_who(at: str, who: str) -> None:
    shifts = Rotation(("a", "b"), date(2026, 3, 27), (time(8), time(20)))
    nights = Rotation(("c",), date(2026, 3, 1), (time(9),), 7, Window(frozenset({6}), time(20), time(6)))
    found = Roster("r", "Europe/Berlin", PEOPLE, (shifts, nights)).on_call(berlin(at))
    assert found is not None
    assert found.person.key == who
