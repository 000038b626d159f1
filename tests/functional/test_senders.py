"""Identities of senders as people meet them: pages that can be answered, rates, and the month's spend."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from service.config import Settings
from service.core.clock import HandClock
from service.core.enums import Channel, Scope
from service.wiring.app import Service
from tests.functional.client import Client, InProcess
from tests.functional.conftest import NOON, Api
from tests.functional.few_rules import few_rules
from tests.functional.incident_room import ANN, BEN, Room
from tests.functional.test_console import signed_in
from tests.functional.test_notifications import MARY, Desk

POLICY = """escalation: by-phone
levels:
  - {contacts: [1], channels: [sms, voice], wait: 10m}
"""
ONE_WAY = {"GB": [{"origin": "TOCSIN"}], "DE": [{"origin": "+4915100000001", "two_way": True, "per_second": 1}]}

Open = Callable[..., Api]


@pytest.fixture
def api_with(tmp_path: Path) -> Iterator[Open]:
    """The API in process with settings of the test's own."""
    opened: list[Service] = []
    rules = few_rules(tmp_path)
    (rules / "escalation" / "by-phone.yaml").write_text(POLICY)

    def open_api(**settings: str) -> Api:
        clock = HandClock(NOON)
        given = Settings.model_validate({"home": tmp_path, "rules_dir": rules, "rules_watch": False, **settings})
        service = Service(given, clock)
        opened.append(service)
        service.working_copies.sweep()
        _, key = service.keys.create("test app", list(Scope))
        return Api(service, clock, Client(InProcess(service.flask()), key))

    yield open_api
    for service in opened:
        service.store.close()


def test_a_page_never_leaves_from_a_number_that_cannot_receive_the_answer(api_with: Open) -> None:
    room = Room(api_with(senders=json.dumps(ONE_WAY)))
    incident = room.opens(policy="by-phone", contacts=[{"name": "Ann", "phone": ANN, "language": "en"}])
    assert [entry.channel for entry in room.entries(ANN)] == [Channel.VOICE]
    why = "Ann cannot be reached by sms: no number of ours can receive an answer from that country"
    assert why in room.timeline(incident)


def test_a_notification_may_leave_from_a_sender_id(api_with: Open) -> None:
    desk = Desk(api_with(senders=json.dumps(ONE_WAY)))
    desk.recipients("mary", {**MARY, "phone": BEN, "language": "en"})
    sent = desk.sends(text="The warehouse is closed on Monday.", audience="mary")
    desk.works(2)
    assert desk.counts(sent) == {"accepted": 1}


def test_pages_leave_no_faster_than_their_number_may_send_and_each_leaves_once(api_with: Open) -> None:
    room = Room(api_with(senders=json.dumps(ONE_WAY)))
    german = "+491713920012"
    for number in range(4):
        room.opens(description=f"Pump {number} failed", contacts=[{"name": "Mia", "phone": german, "language": "en"}])
    assert len(room.inbox(german)) == 1
    room.waits(2)
    assert len(room.inbox(german)) == 3
    room.waits(2)
    assert len(room.inbox(german)) == 4


def test_at_the_cap_bulk_waits_and_incidents_do_not(api_with: Open) -> None:
    api = api_with(spend_cap="0.15")
    desk, room = Desk(api), Room(api)
    desk.recipients("mary", MARY)
    text = {"text": "The warehouse is closed on Monday.", "language": "de", "audience": "mary", "lane": "bulk"}
    sent = []
    for _ in range(3):
        sent.append(desk.sends(**text))
        desk.works(2)
    assert [desk.counts(each) for each in sent] == [{"accepted": 1}, {"accepted": 1}, {"pending": 1}]
    room.opens(contacts=[{"name": "Mia", "phone": "+491713920012", "language": "en"}])
    assert any("Pump 1 failed" in said for said in room.inbox("+491713920012"))
    spent = api.client.get("/v1/spend").json()
    assert (spent["month"], spent["cap"], spent["total"]) == ("2026-05", "0.15", "0.294")
    assert spent["countries"] == [{"country": "DE", "messages": 3, "parts": 3, "amount": "0.294"}]
    assert "The cap is reached" in signed_in(api).get("/console/system/spend").text
    assert api.client.get("/v1/spend?month=2026-04").json()["countries"] == []
    assert api.client.get("/v1/spend?month=2026-4").status == 422
    api.clock.advance(timedelta(days=25))
    desk.works(2)
    assert [desk.counts(each) for each in sent] == [{"accepted": 1}] * 3
