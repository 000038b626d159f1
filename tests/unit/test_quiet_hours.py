from datetime import UTC, datetime

import pytest

from service.messages.quiet import NotQuietHours, parse_quiet_hours

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


@pytest.mark.parametrize("text", ["", "22-7", "24:00-07:00", "22:00", "22:60-07:00"])
def test_what_names_no_hours_is_told_how_to_write_them(text: str) -> None:
    with pytest.raises(NotQuietHours, match="22:00-07:00"):
        parse_quiet_hours(text)
