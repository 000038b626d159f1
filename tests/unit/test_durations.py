"""Durations are written alike wherever one is asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.core import durations
from service.core.durations import BadDuration
from service.escalate.waits import BadWait, parse_duration
from service.messages.pace import Pace, parse_pace


@pytest.mark.parametrize(
    ("text", "seconds"), [("40s", 40), ("5m", 300), ("2h", 7_200), ("1d", 86_400), ("1h30m", 5_400), ("1d1s", 86_401)]
)
def test_a_duration_is_a_number_and_a_unit_or_a_sum_of_them(text: str, seconds: int) -> None:
    assert durations.parse(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "30m1h", "-1s", "1.5h", "５m", "1w", "1h1h", "5M"])
def test_what_is_no_duration_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(BadDuration, match="such as 40s, 5m, 2h or 1d"):
        durations.parse(text)


@pytest.mark.parametrize("text", ["0s", "0d0h", "1000d", "999999999d999999999h"])
def test_a_duration_that_is_none_or_too_long_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(BadDuration, match="is not between 1s and 999d"):
        durations.parse(text)


def test_a_wait_of_a_million_years_is_a_fault_of_the_file_and_no_crash() -> None:
    with pytest.raises(BadWait, match="is not between 1s and 30d"):
        parse_duration("999999999d999999999h")


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        ("20/h", Pace(20, timedelta(hours=1))),
        ("5/15m", Pace(5, timedelta(minutes=15))),
        (" 3/1h30m ", Pace(3, timedelta(minutes=90))),
    ],
)
def test_a_limit_of_messages_names_a_unit_or_a_duration(text: str, pace: Pace) -> None:
    assert parse_pace(text) == pace
