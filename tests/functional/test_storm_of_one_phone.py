"""Sixty incidents to one phone: what it gets is counted, and one answer takes them all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from service.channels.outbox import OutboxEntry
from service.core.clock import HandClock
from service.messages.pace import Pace
from service.messages.segments import segments_of
from tests.functional.backends import Install
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.incident_room import ANN, BEN, Room

REPEATED_ON_AWS = False

MAIL = {ANN: "ann@example.com", BEN: "ben@example.com"}
STORM = 60


@pytest.fixture
def room(api: Api) -> Room:
    return Room(api)


def storm(room: Room, *, apart: float = 0, about: str = "Disk {n} full", only: Sequence[str] = (ANN, BEN)) -> list[str]:
    """Sixty incidents over the same people, some seconds apart."""
    contacts = [{"name": "Ann" if phone == ANN else "Ben", "phone": phone, "email": MAIL[phone]} for phone in only]
    opened = []
    for n in range(STORM):
        body = {"description": about.format(n=n), "contacts": contacts}
        reply = room.api.client.post("/v1/incidents", body)
        assert reply.status == 201, reply.text
        opened.append(str(reply.json()["incident_id"]))
        if apart:
            room.waits(apart)
    room.works()
    return opened


def counted(room: Room, phone: str) -> Counter[str]:
    """How many messages of each channel a person got, their mail with them."""
    return Counter(entry.channel.value for to in (phone, MAIL[phone]) for entry in room.entries(to))


def sms(room: Room, phone: str) -> list[OutboxEntry]:
    return [entry for entry in room.entries(phone) if entry.channel == "sms"]


@pytest.mark.parametrize(
    ("apart", "about", "only"),
    [
        (0, "Disk {n} full", (ANN, BEN)),
        (0, "Disk {n} full", (ANN,)),
        (1, "Disk {n} full on the database server of the second hall", (ANN, BEN)),
        (0, "Насос {n} остановился, нет давления в сети", (ANN, BEN)),
    ],
    ids=["at once", "one contact", "a second apart", "in UCS-2"],
)
def test_sixty_incidents_that_nobody_answers_are_a_dozen_texts(
    room: Room, apart: float, about: str, only: Sequence[str]
) -> None:
    opened = storm(room, apart=apart, about=about, only=only)
    room.waits(600)
    assert {room.state(name) for name in opened} == {"unacknowledged"}
    for phone in only:
        found = counted(room, phone)
        assert found["sms"] <= 12, [entry.text for entry in sms(room, phone)]
        assert found["voice"] in (1, 2)
        assert found["email"] in (1, 2)
        assert max(segments_of(entry.text).count for entry in sms(room, phone)) <= 3
        for text in (entry.text for entry in sms(room, phone)[5:]):
            assert "YES ALL" in text


def test_every_incident_of_a_storm_is_paged_and_yes_all_takes_those_too_that_had_no_room(room: Room) -> None:
    opened = storm(room)
    room.waits(15)
    assert len(sms(room, ANN)) == 6
    summary = sms(room, ANN)[-1].text
    assert summary.startswith("55 incidents wait for you: ")
    assert re.search(
        r" and \d\d more\. Reply YES or NO with the number, like YES 88, or YES ALL for all of them\.$", summary
    )
    room.says(ANN, "YES ALL")
    room.waits(15)
    assert {room.state(name) for name in opened} == {"acknowledged"}
    assert len(sms(room, ANN)) == 7
    assert sms(room, ANN)[-1].text.startswith("Thank you. You have taken ")
    room.waits(300)
    assert len(sms(room, ANN)) == 7
    assert sms(room, BEN) == []


def test_yes_all_takes_what_nobody_has_taken(room: Room) -> None:
    opened = storm(room, only=(ANN,))
    room.waits(400)
    assert {room.state(name) for name in opened} == {"unacknowledged"}
    room.says(ANN, "yes all")
    assert {room.state(name) for name in opened} == {"acknowledged"}


def test_when_another_takes_all_one_text_says_so(room: Room) -> None:
    opened = storm(room)
    room.waits(150)
    before = len(sms(room, ANN))
    room.says(BEN, "yes all")
    room.waits(90)
    assert {room.state(name) for name in opened} == {"acknowledged"}
    assert sms(room, ANN)[-1].text.startswith("Taken by others, nothing to do for you: ")
    assert len(sms(room, ANN)) == before + 1


def test_a_storm_that_is_called_off_is_over_in_one_text(room: Room) -> None:
    opened = storm(room)
    room.waits(15)
    for name in opened:
        assert room.api.client.post(f"/v1/incidents/{name}/cancel", {}).status == 200
    room.waits(90)
    assert [entry.text[:6] for entry in sms(room, ANN)[6:]] == ["Over, "]


def test_beyond_the_limit_of_texts_what_happens_is_told_together(install: Install) -> None:
    limits = {"incident_text_limit": Pace(2, timedelta(minutes=15))}
    room = Room(api_of(install(HandClock(NOON), **limits)))
    names = [room.opens(contacts=[{"phone": ANN, "language": "en"}]) for _ in range(4)]
    for name in names:
        assert room.api.client.post(f"/v1/incidents/{name}/cancel", {}).status == 200
    room.works()
    assert len(room.inbox(ANN)) == 4 + 2
    room.waits(16 * 60)
    assert len(room.inbox(ANN)) == 4 + 3
    assert room.inbox(ANN)[-1].endswith(": 14 Pump 1 failed, 13 Pump 1 failed.")


def test_a_storm_of_one_incident_reads_as_ever(room: Room) -> None:
    room.opens(contacts=[{"name": "Ann", "phone": ANN, "language": "en"}])
    room.waits(100)
    assert len(room.inbox(ANN)) == 4  # the call of last resort is the last
    assert "Nobody has taken 11 (Pump 1 failed) yet" in room.inbox(ANN)[-2]


def test_what_became_of_ones_own_no_is_said_at_once_however_much_was_said_before(api: Api) -> None:
    room = Room(api)
    for n in range(7):
        api.clock.advance(timedelta(minutes=2))
        incident = room.opens(description=f"Purchase {n}", policy="approval")
        room.says(ANN, "no")
        assert room.state(incident) == "cancelled"
        assert f"Purchase {n}" in room.inbox(ANN)[-1]
        assert len(room.inbox(ANN)) == 2 * (n + 1)
