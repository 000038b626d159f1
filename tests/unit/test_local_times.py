"""Whose clock a contact lives by, and how a text says a time on it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.channels.phones import time_zone_of
from service.core.language_tags import parse_tag
from service.escalate.local_times import local_time

NOW = datetime(2026, 5, 12, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("phone", "zone"),
    [
        ("+12125550100", "America/New_York"),
        ("+4915112345678", "Europe/Berlin"),
        ("+919812345678", "Asia/Calcutta"),
        ("+61412345678", None),  # anywhere in Australia
        ("+34612345678", None),  # the mainland or the Canaries
        ("+447700900123", None),  # reserved for examples: in no numbering plan
    ],
)
def test_a_phone_tells_a_zone_only_where_it_can_be_no_other(phone: str, zone: str | None) -> None:
    assert time_zone_of(phone) == zone


@pytest.mark.parametrize(
    ("at", "zone", "language", "said"),
    [
        ("2026-05-12T01:05", "Europe/Berlin", "en", "03:05"),
        ("2026-05-11T22:30", "Europe/Berlin", "de", "00:30"),  # today in Berlin, although yesterday in UTC
        ("2026-05-11T22:30", None, "en", "May 11, 22:30"),
        ("2026-05-11T21:30", "Europe/Berlin", "de", "11. Mai, 23:30"),
        ("2026-05-12T01:30", "America/New_York", "en", "21:30"),
        ("2026-04-21T01:05", "Europe/Paris", "fr", "21 avr., 03:05"),
        ("2025-12-31T23:30", "Europe/London", "en", "Dec 31, 2025, 23:30"),
        ("2026-05-11T01:05", "Asia/Tokyo", "ja", "5月11日, 10:05"),
    ],
)
def test_a_time_is_said_on_the_readers_clock_with_its_date_unless_it_is_today(
    at: str, zone: str | None, language: str, said: str
) -> None:
    assert local_time(datetime.fromisoformat(at).replace(tzinfo=UTC), zone, parse_tag(language), NOW) == said
