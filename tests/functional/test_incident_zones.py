"""Contacts on their own clocks: how long they are waited for, and the times they read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from service.core.clock import HandClock
from tests.functional.backends import Install
from tests.functional.conftest import NOON, api_of
from tests.functional.incident_room import ANN, BEN, Room

REPEATED_ON_AWS = False

NEW_YORK = "+12125552368"
MORNING = 'escalation: morning\nlevels: [{contacts: [1], until: "08:00", reminders: 0}, {contacts: [2], wait: 1d}]\n'


@pytest.fixture
def room(install: Install, tmp_path: Path) -> Room:
    folder = tmp_path / "rules" / "escalation"
    folder.mkdir(parents=True)
    (folder / "morning.yaml").write_text(MORNING)
    return Room(api_of(install(HandClock(NOON), rules_dir=tmp_path / "rules", timezone="Asia/Kolkata")))


@pytest.mark.parametrize(
    ("contact", "zone", "until"),
    [
        ({"phone": NEW_YORK}, "America/New_York", "2026-05-11T12:00"),
        ({"phone": NEW_YORK, "timezone": "Europe/Berlin"}, "Europe/Berlin", "2026-05-11T06:00"),
        ({"phone": ANN}, "Asia/Kolkata", "2026-05-11T02:30"),
        ({"recipient": "far"}, "Australia/Sydney", "2026-05-10T22:00"),
        ({"recipient": "near"}, "America/New_York", "2026-05-11T12:00"),
    ],
)
def test_until_eight_is_eight_where_the_contact_is(room: Room, contact: dict[str, str], zone: str, until: str) -> None:
    profile = {"first_name": "Zoe", "language": "en", "preference": "sms", "phone": NEW_YORK}
    for name, own in {"far": {"timezone": "Australia/Sydney"}, "near": {}}.items():
        put = room.api.client.call("PUT", f"/v1/recipients/{name}", json=profile | own | {"user_id": name})
        assert put.status in (200, 201), put.text
    incident = room.opens({"description": "Essay", "policy": "morning", "contacts": [contact, {"phone": BEN}]})
    shown = room.read(incident)
    assert str(shown["next_timer_at"]).startswith(until)
    assert shown["contacts"][0]["timezone"] == zone  # type: ignore[index]


def test_a_late_reader_is_told_the_day_as_well(room: Room) -> None:
    contacts = [{"name": "Ann", "phone": ANN, "timezone": "Europe/Berlin"}, {"name": "Ben", "phone": BEN}]
    room.opens({"description": "Essay", "policy": "morning", "contacts": contacts})
    room.says(ANN, "no")
    room.says(BEN, "yes")
    room.api.clock.advance(timedelta(hours=1))
    room.says(ANN, "yes")
    assert "Ben" in room.inbox(ANN)[-1]
    assert "14:00" in room.inbox(ANN)[-1]
    assert "May" not in room.inbox(ANN)[-1]
    room.api.clock.advance(timedelta(days=2))
    room.says(ANN, "yes")
    assert "May 10, 14:00" in room.inbox(ANN)[-1]
