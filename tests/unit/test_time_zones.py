"""Which names of time zones are taken, wherever somebody writes one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.config.values import UnusableValue, parse_zone
from service.core import is_time_zone
from service.schedules.recurrence import NotAZone, parse


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "Etc/GMT+1", "America/Argentina/Buenos_Aires"])
def test_names_of_iana_are_zones(name: str) -> None:
    assert is_time_zone(name)
    assert parse_zone(name) == name


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules", "europe/berlin", "Berlin", "", "../UTC", "\0"])
def test_what_means_another_zone_on_each_machine_is_none(name: str) -> None:
    assert not is_time_zone(name)
    with pytest.raises(UnusableValue, match="Europe/Berlin"):
        parse_zone(name)
    with pytest.raises(NotAZone, match="Europe/Berlin"):
        parse("0 9 * * *", name, datetime(2026, 1, 1, tzinfo=UTC))
