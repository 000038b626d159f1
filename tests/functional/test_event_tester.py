"""The event tester: what an administrator sees of each event that is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from service.core.enums import Lane, Scope
from service.storage import AuditQuery
from tests.functional.conftest import Api

REPEATED_ON_AWS = False

FILE = """ruleset: orders
facts:
  order.id: {type: text}
  order.amount: {type: decimal, scale: 2, min: 0}
rules:
  - name: Large
    when: order.amount > 1000.00
    then: [{set: order.id, to: large}, {emit: order-large}]
  - name: Urgent
    when: order.amount > 500.00 and order.id == "URGENT"
    then: [{emit: order-urgent}]
"""
EVENTS = "/v1/rulesets/orders/test-events"


def envelope(amount: object) -> dict[str, object]:
    """As EventBridge delivers it."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "Order placed",
        "source": "shop",
        "account": "111122223333",
        "time": "2017-12-22T18:43:48Z",
        "region": "us-west-1",
        "resources": [],
        "detail": {"order": {"id": "o-1", "amount": amount}},
    }


def order(amount: object) -> dict[str, object]:
    return {"order": {"id": "o-1", "amount": amount}}


@pytest.fixture
def orders(api: Api) -> Api:
    """The API with the ruleset above, published."""
    headers = {"Content-Type": "application/yaml"}
    assert api.client.call("POST", "/v1/rulesets/orders/versions", body=FILE, headers=headers).status == 201
    return api


def items(document: Mapping[str, object]) -> list[dict[str, object]]:
    found = document["items"]
    assert isinstance(found, list)
    return found


def test_a_batch_is_answered_event_by_event(orders: Api) -> None:
    answer = orders.client.post(EVENTS, {"events": [envelope(2000), order(600), order("much"), 7]})
    assert answer.status == 200, answer.text
    document = answer.json()
    assert (document["matched"], document["not_matched"], document["error"]) == (1, 1, 2)
    matched, not_matched, unfit, no_object = items(document)
    assert matched["event_id"] == "6a7e8feb-b491-4cf7-a9f1-bf3703467718"
    assert (matched["fired"], matched["result"]) == (["Large"], {"order": {"id": "large", "amount": "2000.00"}})
    assert "order-large" in str(matched["outcomes"])
    assert not_matched["why_not"] == [
        {"rule": "Large", "because": ["order.amount is 600.00, so order.amount > 1000.00 does not hold"]},
        {"rule": "Urgent", "because": ['order.id is "o-1", so order.id == "URGENT" does not hold']},
    ]
    assert "order.amount" in str(unfit["errors"])
    assert (no_object["status"], no_object["result"]) == ("error", None)


def test_one_event_needs_no_wrapping(orders: Api) -> None:
    (bare,) = items(orders.client.post(EVENTS, order(2000)).json())
    (enveloped,) = items(orders.client.post(EVENTS, envelope(2000)).json())
    assert (bare["status"], enveloped["status"]) == ("matched", "matched")
    assert bare["result"] == enveloped["result"]


def test_a_draft_and_an_older_version_can_be_tested(orders: Api) -> None:
    draft = {"events": [order(600)], "source": FILE.replace("1000.00", "100.00")}
    assert orders.client.post(EVENTS, draft).json()["matched"] == 1
    assert orders.client.post(EVENTS, {"events": [order(600)], "version": 1}).json()["matched"] == 0
    assert orders.client.post(EVENTS, {"events": [order(600)], "version": 9}).status == 404
    assert orders.client.post(EVENTS, {"events": [order(600)], "source": "ruleset: orders"}).status == 422
    assert orders.client.post(EVENTS, {"events": []}).status == 422


def test_results_are_listed_newest_first_until_they_expire(orders: Api) -> None:
    orders.client.post(EVENTS, {"events": [order(2000)] * 45})
    orders.clock.advance(timedelta(seconds=1))
    orders.client.post(EVENTS, order(1))
    first = orders.client.get(f"{EVENTS}?limit=2").json()
    assert [one["status"] for one in items(first)] == ["not_matched", "matched"]
    rest = orders.client.get(f"{EVENTS}?limit=500&cursor={first['next_cursor']}").json()
    assert (len(items(rest)), rest["next_cursor"]) == (44, None)
    orders.clock.advance(timedelta(days=31))
    orders.service.store.upkeep(orders.clock.now())
    assert items(orders.client.get(EVENTS).json()) == []


def test_nothing_is_carried_out_and_the_audit_has_each_event_as_a_dry_run(orders: Api) -> None:
    orders.client.post(EVENTS, {"events": [order(2000), order("much")]}, {"X-Request-Id": "tests"})
    entries = orders.service.store.audit_entries(AuditQuery(request_id="tests")).items
    assert [(one.entry_type, one.detail["status"]) for one in entries] == [("dry-run", "matched"), ("dry-run", "error")]
    assert entries[0].raw_data == '{"event":{"order":{"id":"o-1","amount":2000}}}'
    for lane in Lane:
        assert orders.service.store.claim(lane, orders.clock.now(), timedelta(minutes=1), 10) == ()


def test_a_repeated_call_is_answered_as_the_first(orders: Api) -> None:
    headers = {"Idempotency-Key": "once"}
    first, second = (orders.client.post(EVENTS, order(2000), headers) for _ in range(2))
    assert (first.text, second.headers["Idempotency-Replayed"]) == (second.text, "true")
    assert len(items(orders.client.get(EVENTS).json())) == 1


def test_who_may_not_read_rules_may_not_test_events(orders: Api) -> None:
    evaluator = orders.client_with(Scope.EVALUATE)
    assert evaluator.post(EVENTS, order(1)).status == 403
    assert evaluator.get(EVENTS).status == 403
    assert orders.client.get("/v1/rulesets/none/test-events").status == 404
