"""What was sent is found again: by status, audience, recipient, template, app, reference and time, newest first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.core.enums import Scope
from tests.functional.backends import Install
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import ARNAV, EVENT, JOHN, MARY, Desk

REPEATED_ON_AWS = False

PLAIN = "The warehouse is closed on Monday."


@pytest.fixture
def franchise(install: Install, tmp_path: Path) -> Desk:
    api = api_of(install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml")))
    api.service.working_copies.sweep()
    desk = Desk(api)
    desk.recipients(EVENT, JOHN, MARY, ARNAV)
    return desk


def listed(desk: Desk, **filters: str) -> list[str]:
    """Ids of all notifications that fit, page by page."""
    query, found, cursor = "&".join(f"{name}={value}" for name, value in filters.items()), list[str](), ""
    while True:
        page = desk.api.client.get(f"/v1/notifications?limit=2&{query}{cursor}")
        assert page.status == 200, page.text
        items = page.json()["items"]
        assert isinstance(items, list)
        found += [item["notification_id"] for item in items]
        if page.json()["next_cursor"] is None:
            return found
        cursor = f"&cursor={page.json()['next_cursor']}"


def sends(desk: Desk, **body: object) -> str:
    desk.api.clock.advance(timedelta(seconds=1))
    return desk.sends(**body)


def test_notifications_are_listed_newest_first_by_what_a_caller_knows_of_them(franchise: Desk) -> None:
    to_all = sends(franchise, text=PLAIN, audience=EVENT, reference="order 4711/é")
    to_john = sends(franchise, text=PLAIN, recipients=["ui101"], reference="order 4711/é")
    to_mary = sends(franchise, text=PLAIN, recipients=["ui102"], send_at="2026-05-11T12:00:00Z")
    assert listed(franchise) == [to_mary, to_john, to_all]
    assert listed(franchise, reference="order%204711/%C3%A9") == [to_john, to_all]
    assert listed(franchise, audience=EVENT) == [to_all]
    assert listed(franchise, app="test%20app", recipient="ui102") == [to_mary]
    assert listed(franchise, app="another") == []
    assert listed(franchise, reference="order") == []
    first = franchise.api.client.get("/v1/notifications?limit=1").json()["items"]
    assert isinstance(first, list)
    assert first[0]["text"] == PLAIN
    assert first[0]["send_at"] == "2026-05-11T12:00:00Z"
    assert franchise.read(to_all)["reference"] == "order 4711/é"


def test_the_list_follows_the_status_and_whom_copies_went_to(franchise: Desk) -> None:
    to_all = sends(franchise, text=PLAIN, audience=EVENT)
    later = sends(franchise, text=PLAIN, audience=EVENT, send_at="2026-05-11T12:00:00Z")
    held = sends(franchise, text="This is the third time you failed us!", recipients=["ui101"])
    assert listed(franchise, status="accepted") == [held, later, to_all]
    franchise.works()
    assert listed(franchise, status="completed_with_failures") == [to_all]
    assert listed(franchise, status="approved") == [later]
    assert listed(franchise, status="held_for_review", audience=EVENT) == []
    assert listed(franchise, status="held_for_review", recipient="ui101") == [held]
    assert listed(franchise, recipient="ui102") == [to_all], "nobody is written to yet about the later one"


def test_a_span_of_time_is_listed_its_end_excluded(franchise: Desk) -> None:
    ids = [sends(franchise, text=PLAIN, recipients=["ui101"]) for _ in range(4)]
    span = {"from": "2026-05-10T12:00:02Z", "to": "2026-05-10T12:00:04Z"}
    assert listed(franchise, **span) == [ids[2], ids[1]]
    assert listed(franchise, recipient="ui101", **span) == [ids[2], ids[1]]


def test_what_one_person_was_sent_is_listed_newest_first(franchise: Desk) -> None:
    to_all = sends(franchise, text=PLAIN, audience=EVENT)
    franchise.works(3)
    to_mary = sends(franchise, text="The warehouse opens on Tuesday.", recipients=["ui102"])
    franchise.works(3)
    page = franchise.api.client.get("/v1/recipients/ui102/deliveries").json()["items"]
    assert isinstance(page, list)
    assert [(one["notification_id"], one["channel"]) for one in page] == [(to_mary, "sms"), (to_all, "sms")]
    assert franchise.api.client.get("/v1/recipients/ui109/deliveries").json()["items"] == []
    stranger = franchise.api.client_with(Scope.RECIPIENTS)
    assert stranger.get("/v1/recipients/ui102/deliveries").status == 403


@pytest.mark.parametrize("reference", ["", "x" * 129, 5])
def test_a_reference_is_a_text_of_up_to_128_characters(franchise: Desk, reference: object) -> None:
    reply = franchise.api.client.post(
        "/v1/notifications", {"text": PLAIN, "recipients": ["ui101"], "reference": reference}
    )
    assert reply.status == 422
    assert "reference" in reply.text


def test_an_incident_bears_its_callers_reference(franchise: Desk) -> None:
    body = {"description": "Pump 4 failed", "contacts": [{"phone": "+447700900123"}], "reference": "TICKET-9"}
    opened = franchise.api.client.post("/v1/incidents", body)
    assert opened.status == 201, opened.text
    assert franchise.api.client.get(f"/v1/incidents/{opened.json()['incident_id']}").json()["reference"] == "TICKET-9"


def test_what_a_schedule_makes_stands_where_its_time_is(franchise: Desk) -> None:
    client = franchise.api.client
    weekly = {"cron": "5 12 * * *", "timezone": "UTC", "notification": {"text": PLAIN, "recipients": ["ui101"]}}
    made = client.post("/v1/schedules", weekly)
    assert made.status == 201, made.text
    before = sends(franchise, text=PLAIN, recipients=["ui101"])
    franchise.api.clock.advance(timedelta(minutes=5))
    franchise.works(3)
    scheduled = f"{made.json()['schedule_id']}-20260510T120500Z"
    after = sends(franchise, text=PLAIN, recipients=["ui101"])
    assert listed(franchise) == [after, scheduled, before]
    assert listed(franchise, recipient="ui101") == [after, scheduled, before]
    assert listed(franchise, **{"from": "2026-05-10T12:05:00Z", "to": "2026-05-10T12:05:03Z"}) == [scheduled]
    assert set(listed(franchise, status="completed")) == {scheduled, before}
