"""A preview shows what everybody would get, in their language and on their channel, and sends and stores nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from service.core.clock import HandClock
from tests.functional.backends import Install
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import ANNOUNCEMENT, ARNAV, EVENT, JOHN, MARY, Desk

REPEATED_ON_AWS = False


@pytest.fixture
def desk(install: Install, tmp_path: Path) -> Desk:
    api = api_of(install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml")))
    api.service.working_copies.sweep()
    desk = Desk(api)
    desk.recipients(EVENT, JOHN, MARY, ARNAV)
    return desk


def preview(desk: Desk, **body: object) -> Mapping[str, object]:
    reply = desk.api.client.post("/v1/notifications/preview", body)
    assert reply.status == 200, reply.text
    return reply.json()


def items(shown: Mapping[str, object]) -> list[dict[str, object]]:
    found = shown["items"]
    assert isinstance(found, list)
    return found


def test_each_reader_of_an_audience_is_shown_their_own_copy(desk: Desk) -> None:
    john, mary, arnav = items(preview(desk, text=ANNOUNCEMENT, audience=EVENT))
    assert (john["recipient_id"], john["channel"], john["provenance"]) == ("ui101", "email", "source")
    assert (mary["language"], mary["provenance"]) == ("de", "catalogue")
    sms = mary["sms"]
    assert isinstance(sms, Mapping)
    assert "10. Mai" in str(sms["text"])
    assert (sms["encoding"], sms["segments"], sms["currency"]) == ("GSM-7", 2, "USD")
    assert sms["estimated_price"] == "0.196"
    assert "10 mai" in str(arnav["speech"])
    desk.works(3)
    assert desk.outbox() == []
    assert desk.api.client.get("/v1/notifications").json()["items"] == []


def test_a_text_that_is_too_long_for_an_sms_is_no_fault_of_a_mail(desk: Desk) -> None:
    long = "The canteen opens at noon tomorrow. " * 50
    (john,) = items(preview(desk, text=long, recipients=["ui101"]))
    assert (john["channel"], john["fault"], john["sms"]) == ("email", None, None)
    assert isinstance(john["email"], Mapping)
    (jo,) = items(preview(desk, text=long, recipients=[{"phone": "+447700900123"}]))
    assert "the SMS has 1,799 characters and may have 1,600" in str(jo["fault"])
    (english,) = items(preview(desk, text=long, languages=["en"]))
    assert "the SMS has" in str(english["fault"])
    assert isinstance(english["email"], Mapping)


def test_what_lacks_a_translation_and_what_the_gate_would_say_is_shown_and_not_stored(desk: Desk) -> None:
    shown = preview(desk, text="This is the third time you failed us!", languages=["en", "de"])
    assert shown["status"] == "held_for_review"
    english, german = items(shown)
    assert english["missing"] == []
    missing = german["missing"]
    assert isinstance(missing, list)
    assert missing[0]["text"] == "This is the third time you failed us!"
    assert german["sms"] is None
    assert desk.api.client.get("/v1/translations").json()["items"] == []


def test_values_of_a_described_reader_fill_their_copy_and_a_fault_is_said(desk: Desk) -> None:
    body = {
        "text": "The table of {{ first_name }} is ready at {{ at | time }}.",
        "variables": {"at": "2026-05-10T19:00:00+00:00"},
        "recipients": [
            {"phone": "+4915123456789", "language": "en", "first_name": "Jo", "timezone": "Europe/Berlin"},
            {"email": "zoe@example.com", "first_name": "x" * 90, "variables": {"first_name": "y" * 2_001}},
        ],
    }
    refused = desk.api.client.post("/v1/notifications/preview", body)
    assert refused.status in (200, 422)
    body["recipients"] = [body["recipients"][0]]  # type: ignore[index]
    (jo,) = items(preview(desk, **body))
    sms = jo["sms"]
    assert isinstance(sms, Mapping)
    assert sms["text"] == "The table of Jo is ready at 9:00 PM."


def test_what_could_not_be_sent_is_refused_as_it_would_be(desk: Desk) -> None:
    for body in ({"text": "Hello {{ name }}."}, {"template": "nothing"}, {"text": "Hello.", "languages": ["xx-yy-zz"]}):
        assert desk.api.client.post("/v1/notifications/preview", body).status == 422
