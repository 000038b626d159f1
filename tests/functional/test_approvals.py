"""A review and the incident that asks for the same approval are one, and the app that asked hears of both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from service.core import exact_json
from service.core.clock import HandClock
from service.escalate import incidents
from service.messages.reviews import waits_for_review
from service.storage import Item
from tests.functional.backends import Install
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.incident_room import Room

REPEATED_ON_AWS = frozenset(
    {
        "test_what_the_director_texts_decides_the_review",
        "test_what_a_reviewer_decides_ends_the_incident",
    }
)

GRACE = "+447700900123"
PURCHASE = {
    "purchase": {"id": "P-9", "amount": 60000, "currency": "EUR"},
    "requester": {"name": "Ann"},
    "director": {"name": "Grace", "phone": GRACE},
}
URL = "https://shop.example.com/told"


@pytest.fixture
def room(install: Install, tmp_path: Path) -> Room:
    rules_dir = few_rules(tmp_path, "purchase.yaml", "escalation/approval.yaml")
    api = api_of(install(HandClock(NOON), rules_dir=rules_dir))
    api.service.working_copies.sweep()
    return Room(api)


def asked(room: Room, request_id: str = "PUR-1") -> str:
    """A purchase that the director must approve; the id of its evaluation."""
    body = {"request": PURCHASE, "context": {"request_id": request_id, "callback_url": URL}}
    reply = room.api.client.post("/v1/rulesets/purchase/evaluations", body)
    assert reply.status == 200, reply.text
    room.works()
    return str(reply.json()["evaluation_id"])


def outcomes(room: Room, evaluation: str) -> dict[str, Mapping[str, object]]:
    found = room.api.client.get(f"/v1/evaluations/{evaluation}").json()["outcomes"]
    assert isinstance(found, list)
    return {each["outcome"]["outcome"]: each for each in found}


def told(room: Room, review: str) -> Mapping[str, object]:
    """The callback that is owed about a review."""
    item = room.api.service.store.get(f"{review}-callback")
    assert item is not None
    assert item.state["url"] == URL
    document = exact_json.loads(str(item.state["body"]))
    assert isinstance(document, dict)
    return document


def audited(room: Room, request_id: str) -> list[tuple[object, object, object]]:
    entries = room.api.client.get(f"/v1/audit?request_id={request_id}").json()["items"]
    assert isinstance(entries, list)
    return [(entry["entry_type"], entry["ruleset"], entry["app"]) for entry in entries]


YES, NO = ("yes", "approve", "acknowledged"), ("NO", "reject", "cancelled")


@pytest.mark.parametrize(("word", "decision", "state"), [YES, NO])
def test_what_the_director_texts_decides_the_review(room: Room, word: str, decision: str, state: str) -> None:
    evaluation = asked(room)
    room.says(GRACE, word)
    found = outcomes(room, evaluation)
    assert found["open incident"]["status"] == state
    review = found["flag for review"]
    assert (review["state"], review["status"]) == ("done", decision)
    assert room.api.client.get("/v1/reviews").json()["items"] == []
    said = told(room, str(review["id"]))
    assert (said["decision"], said["by"], said["via"], said["request_id"]) == (decision, "Grace", "sms", "PUR-1")
    assert ("review", "purchase", "test app") in audited(room, "PUR-1")
    late = room.api.client.post(f"/v1/reviews/{review['id']}", {"decision": "reject", "reason": "too late"})
    assert late.status == 409


@pytest.mark.parametrize(("decision", "state"), [("approve", "acknowledged"), ("reject", "cancelled")])
def test_what_a_reviewer_decides_ends_the_incident(room: Room, decision: str, state: str) -> None:
    evaluation = asked(room)
    review = outcomes(room, evaluation)["flag for review"]
    body = {"decision": decision, "reason": "the budget says so"}
    assert room.api.client.post(f"/v1/reviews/{review['id']}", body).status == 200
    found = outcomes(room, evaluation)
    assert found["open incident"]["status"] == state
    assert found["flag for review"]["review"]["reason"] == "the budget says so"  # type: ignore[index]
    room.says(GRACE, "no" if decision == "approve" else "yes")
    assert outcomes(room, evaluation)["open incident"]["status"] == state
    assert told(room, str(review["id"]))["decision"] == decision
    assert ("review", "purchase", "test app") in audited(room, "PUR-1")


def test_a_reviewer_who_is_first_leaves_nobody_to_page(room: Room) -> None:
    body = {"request": PURCHASE, "context": {"request_id": "PUR-2"}}
    evaluation = str(room.api.client.post("/v1/rulesets/purchase/evaluations", body).json()["evaluation_id"])
    review = outcomes(room, evaluation)["flag for review"]["id"]
    assert room.api.client.post(f"/v1/reviews/{review}", {"decision": "approve"}).status == 200
    room.works()
    assert room.api.service.messaging.outbox.entries(limit=10).items == []
    assert room.api.service.store.get(f"{review}-callback") is None


def test_a_reviewer_in_the_instant_of_opening_leaves_nobody_to_page(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"request": PURCHASE, "context": {"request_id": "PUR-3"}}
    evaluation = str(room.api.client.post("/v1/rulesets/purchase/evaluations", body).json()["evaluation_id"])
    review = outcomes(room, evaluation)["flag for review"]["id"]

    def decided_behind_it(item: Item) -> bool:
        waited = waits_for_review(item)
        if waited:
            assert room.api.client.post(f"/v1/reviews/{review}", {"decision": "approve"}).status == 200
        return waited

    monkeypatch.setattr(incidents, "waits_for_review", decided_behind_it)
    room.works()
    assert room.api.service.messaging.outbox.entries(limit=10).items == []
    assert outcomes(room, evaluation)["flag for review"]["status"] == "approve"


def test_a_reviewer_does_not_see_where_the_app_is_told(room: Room) -> None:
    asked(room)
    assert URL not in room.api.client.get("/v1/reviews").text
