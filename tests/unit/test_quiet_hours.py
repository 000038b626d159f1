from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from service.messages.quiet_hours import NotQuietHours, parse_quiet_hours

NIGHT = parse_quiet_hours("22:00-07:00")


@pytest.mark.parametrize(
    ("now", "zone", "ends"),
    [
        ("2026-05-10T19:59:59", "Europe/Berlin", None),  # 21:59:59 there
        ("2026-05-10T20:00:00", "Europe/Berlin", "2026-05-11T05:00:00"),
        ("2026-05-11T04:59:59", "Europe/Berlin", "2026-05-11T05:00:00"),
        ("2026-05-11T05:00:00", "Europe/Berlin", None),
        ("2026-05-10T20:00:00", "America/New_York", None),  # 16:00 there
        ("2026-05-11T03:00:00", "America/New_York", "2026-05-11T11:00:00"),
        ("2026-05-10T23:00:00", None, "2026-05-11T07:00:00"),
        # the night in which Germany's clocks go forward, and the one in which they go back: 07:00 is 07:00
        ("2026-03-28T22:00:00", "Europe/Berlin", "2026-03-29T05:00:00"),
        ("2026-10-24T21:00:00", "Europe/Berlin", "2026-10-25T06:00:00"),
    ],
)
def test_quiet_hours_end_in_the_morning_where_the_recipient_lives(now: str, zone: str | None, ends: str | None) -> None:
    expected = None if ends is None else datetime.fromisoformat(ends).replace(tzinfo=UTC)
    assert NIGHT.ends(datetime.fromisoformat(now).replace(tzinfo=UTC), zone) == expected


def test_hours_within_a_day() -> None:
    lunch = parse_quiet_hours("12:00-13:30", "Europe/Berlin")
    assert lunch.ends(datetime(2026, 5, 10, 10, 30, tzinfo=UTC), None) == datetime(2026, 5, 10, 11, 30, tzinfo=UTC)
    assert lunch.ends(datetime(2026, 5, 10, 11, 30, tzinfo=UTC), None) is None


@pytest.mark.parametrize(
    ("hours", "zone", "now", "ends"),
    [
        ("22:00-02:30", "Europe/Berlin", "2026-10-25T00:10", "2026-10-25T00:30"),
        ("22:00-02:30", "Europe/Berlin", "2026-10-25T01:10", "2026-10-25T01:30"),  # the second 02:10
        ("20:00-00:30", "Atlantic/Azores", "2026-10-25T01:10", "2026-10-25T01:30"),  # the second 00:10
        ("22:00-02:30", "Europe/Berlin", "2026-03-29T00:59", "2026-03-29T01:00"),  # 02:30 is skipped
        ("23:30-00:30", "America/Havana", "2026-11-01T03:45", "2026-11-01T04:30"),
    ],
)
def test_quiet_hours_end_where_the_clock_is_changed(hours: str, zone: str, now: str, ends: str) -> None:
    at, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, ends))
    assert parse_quiet_hours(hours, zone).ends(at, None) == expected


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "Atlantic/Azores", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut"]
)
@pytest.mark.parametrize("hours", ["22:00-02:30", "20:00-00:30", "23:30-00:15", "01:15-02:45", "00:30-23:45"])
def test_the_end_is_the_first_minute_that_is_not_quiet_on_the_wall(zone: str, hours: str) -> None:
    quiet, (start, end) = parse_quiet_hours(hours, zone), hours.split("-")
    for changed in changes(ZoneInfo(zone), 2024, 2031):
        minutes = [changed + timedelta(minutes=minute) for minute in range(-30 * 60, 50 * 60)]
        ends: datetime | None = None
        for at in reversed(minutes):
            wall = f"{at.astimezone(ZoneInfo(zone)):%H:%M}"
            is_quiet = start <= wall < end if start < end else not end <= wall < start
            ends = ends if is_quiet else at
            if at <= changed + timedelta(hours=2):
                assert quiet.ends(at, None) == (ends if is_quiet else None), (at, wall)


def changes(zone: ZoneInfo, first: int, last: int) -> Iterator[datetime]:
    """When the clocks of a zone were changed, found by looking at every half hour."""
    at = datetime(first, 1, 1, tzinfo=UTC)
    while at.year < last:
        later = at + timedelta(minutes=30)
        if at.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            yield later
        at = later


@pytest.mark.parametrize("text", ["", "22-7", "24:00-07:00", "22:00", "22:60-07:00", "22:00-22:00", "00:00-00:00"])
def test_what_names_no_hours_is_told_how_to_write_them(text: str) -> None:
    with pytest.raises(NotQuietHours, match="22:00-07:00"):
        parse_quiet_hours(text)
