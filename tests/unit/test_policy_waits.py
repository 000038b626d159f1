from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.escalate.waits import BadWait, WaitFor, WaitUntil, end_of, parse_duration, parse_time_of_day

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe")
]


@pytest.mark.parametrize(("text", "seconds"), [("40s", 40), ("5m", 300), ("2h", 7200), ("1d", 86400), ("1h30m", 5400)])
def test_durations_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == WaitFor(seconds)


@pytest.mark.parametrize(
    "text", ["", "40", "s", "40 s", "-1s", "1.5h", "30m1h", "0s", "31d", "１h", "1w", "999999999d"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadWait):
        parse_duration(text)


@pytest.mark.parametrize("text", ["8:00", "24:00", "08:60", "08:00:00", "８:00", "noon"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(BadWait):
        parse_time_of_day(text)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def test_until_eight_is_eight_where_the_contact_lives() -> None:
    assert end_of(WaitUntil(8, 0), berlin("2026-05-10 22:00"), BERLIN) == berlin("2026-05-11 08:00")
    assert end_of(WaitUntil(8, 0), berlin("2026-05-10 07:59"), BERLIN) == berlin("2026-05-10 08:00")
    assert end_of(WaitUntil(8, 0), berlin("2026-05-10 08:00"), BERLIN) == berlin("2026-05-11 08:00")


def test_until_eight_stays_eight_when_the_clocks_change() -> None:
    assert end_of(WaitUntil(8, 0), berlin("2026-03-28 22:00"), BERLIN) == datetime(2026, 3, 29, 6, tzinfo=UTC)
    assert end_of(WaitUntil(8, 0), berlin("2026-10-24 22:00"), BERLIN) == datetime(2026, 10, 25, 7, tzinfo=UTC)


def test_a_time_that_the_spring_change_skips_is_an_hour_later_that_day() -> None:
    assert end_of(WaitUntil(2, 30), berlin("2026-03-28 22:00"), BERLIN) == berlin("2026-03-29 03:30")


def test_a_time_that_the_autumn_change_repeats_is_the_first_of_the_two() -> None:
    assert end_of(WaitUntil(2, 30), berlin("2026-10-24 22:00"), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(
    begin=st.integers(0, 3 * 365 * 86_400).map(lambda s: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=s)),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    zone=st.sampled_from(ZONES),
)
def test_the_wait_ends_when_the_wall_clock_next_shows_the_time(
    begin: datetime, hour: int, minute: int, zone: ZoneInfo
) -> None:
    end = end_of(WaitUntil(hour, minute), begin, zone)
    shown = end.astimezone(zone)
    assert begin < end <= begin + timedelta(hours=26)
    skipped_by_the_clocks = (shown.hour, shown.minute) != (hour, minute)
    if not skipped_by_the_clocks:
        first = begin.replace(second=0, microsecond=0)
        minutes = (first + timedelta(minutes=n) for n in range(1, 26 * 60 + 1))
        matching = (
            at for at in minutes if (w := at.astimezone(zone)).hour == hour and w.minute == minute and not w.fold
        )
        assert end == next(at for at in matching if at > begin)
    else:
        before, after = (end - timedelta(hours=2)).astimezone(zone), (end + timedelta(hours=2)).astimezone(zone)
        assert before.utcoffset() != after.utcoffset()
