"""When something recurs, on the clock on somebody's wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.schedules.recurrence import NotACron, NotAZone, Recurrence, parse

NOW = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def instants(recurrence: Recurrence, start: datetime, number: int) -> list[str]:
    """The next occurrences, as UTC."""
    found = []
    for _ in range(number):
        start = recurrence.after(start)
        found.append(f"{start:%d %H:%M}")
    return found


def test_eight_in_the_morning_stays_eight_when_the_clocks_change() -> None:
    daily = parse("0 8 * * *", BERLIN, NOW)
    assert instants(daily, datetime(2026, 3, 27, 12, tzinfo=UTC), 3) == ["28 07:00", "29 06:00", "30 06:00"]
    assert instants(daily, datetime(2026, 10, 23, 12, tzinfo=UTC), 3) == ["24 06:00", "25 07:00", "26 07:00"]


def test_a_time_that_the_clock_jumps_over_is_taken_at_the_jump() -> None:
    nightly = parse("30 2 * * *", BERLIN, NOW)
    assert instants(nightly, datetime(2026, 3, 28, 12, tzinfo=UTC), 2) == ["29 01:00", "30 00:30"]


def test_a_medicine_at_half_past_two_is_taken_once_in_the_night_that_has_that_hour_twice() -> None:
    nightly = parse("30 2 * * *", BERLIN, NOW)
    assert instants(nightly, datetime(2026, 10, 24, 12, tzinfo=UTC), 2) == ["25 00:30", "26 01:30"]
    assert nightly.latest(datetime(2026, 10, 25, 9, tzinfo=UTC)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_what_runs_every_hour_runs_in_the_repeated_hour_too() -> None:
    hourly = parse("30 * * * *", BERLIN, NOW)
    assert instants(hourly, datetime(2026, 10, 25, 0, tzinfo=UTC), 3) == ["25 00:30", "25 01:30", "25 02:30"]


def test_an_occurrence_at_this_very_instant_is_the_latest_and_not_the_next() -> None:
    daily = parse("0 12 * * *", "UTC", NOW)
    assert daily.latest(NOW) == NOW
    assert daily.after(NOW) == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    "cron", ["", "0 8 * *", "0 8 * * * *", "61 8 * * *", "@daily", "a b c d e", "0 0 30 2 *", "R 8 * * *", "H 8 * * *"]
)
def test_what_is_no_cron_or_never_comes_true_is_refused(cron: str) -> None:
    with pytest.raises(NotACron):
        parse(cron, BERLIN, NOW)


@pytest.mark.parametrize("cron", ["0 9 * * 5-1", "0 9-5 * * *", "50-10 * * * *", "0 9 * * 1,5-5", "0 9 * * mon-MON"])
def test_a_range_that_runs_backwards_is_refused_with_the_way_to_write_it(cron: str) -> None:
    with pytest.raises(NotACron, match="backwards: write two ranges"):
        parse(cron, "UTC", NOW)


@pytest.mark.parametrize(
    ("cron", "days"),
    [("0 9 * * FRI-MON", "11 15 16 17"), ("0 9 * * 1-5", "11 12 13 14"), ("0 9 * * SAT-SUN", "16 17 23")],
)
def test_days_of_the_week_go_over_its_end_by_name(cron: str, days: str) -> None:
    assert instants(parse(cron, "UTC", NOW), NOW, len(days.split())) == [f"{day} 09:00" for day in days.split()]


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(NotAZone):
        parse("0 8 * * *", "Mars/Olympus", NOW)


ZONES = st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Havana"])
INSTANTS = st.integers(0, 6 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 59), st.integers(0, 23), ZONES, INSTANTS)
def test_a_daily_time_comes_once_on_each_day_of_the_wall(minute: int, hour: int, zone: str, start: datetime) -> None:
    daily = parse(f"{minute} {hour} * * *", zone, start)
    at, days = start, []
    for _ in range(20):
        at = daily.after(at)
        assert daily.latest(at) == at
        days.append(at.astimezone(ZoneInfo(zone)).date())
    assert days == [days[0] + timedelta(days=n) for n in range(20)]
