"""Sampling live traffic into the event tester: a share, for a while, and without consequences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.core.enums import Lane, Scope
from service.evaluations.event_samples import WAITING, EventSamples
from service.storage import AuditQuery
from tests.functional.conftest import Api
from tests.functional.test_event_tester import EVENTS, FILE, items

REPEATED_ON_AWS = False

SAMPLE = f"{EVENTS}/sample"
DRAFT = FILE.replace("1000.00", "100.00")

Ask = Callable[[str, object], int]


@pytest.fixture
def orders(api: Api) -> Api:
    """The API with two versions, of which the first is active."""
    yaml, path = {"Content-Type": "application/yaml"}, "/v1/rulesets/orders/versions"
    sha256 = api.client.call("POST", path, body=FILE, headers=yaml).json()["sha256"]
    later = api.client.call("POST", path, body=DRAFT, headers={**yaml, "If-Match": f'"{sha256}"'})
    assert later.status == 201, later.text
    api.clock.advance(timedelta(seconds=1))
    api.client.post("/v1/rulesets/orders/activate", {"version": 1})
    return api


@pytest.fixture
def ask(orders: Api) -> Ask:
    """Evaluate a live order: `ask("r-1", 500)` answers the status."""

    def ask(request_id: str, amount: object) -> int:
        body = {"context": {"request_id": request_id}, "request": {"order": {"id": "o-1", "amount": amount}}}
        return orders.client.post("/v1/rulesets/orders/evaluations", body).status

    return ask


def counts(api: Api) -> tuple[object, ...]:
    shown = api.client.get(SAMPLE).json()
    return tuple(shown[name] for name in ("matched", "not_matched", "error", "skipped", "running"))


def test_live_requests_are_tested_with_a_version_that_is_not_active(orders: Api, ask: Ask) -> None:
    begun = orders.client.post(SAMPLE, {"share": 100, "version": 2})
    assert (begun.status, begun.json()["running"], begun.json()["by"]) == (201, True, "test app")
    assert [ask("r-1", 500), ask("r-2", 50), ask("r-3", "much")] == [200, 200, 422]
    orders.service.event_samples.work()
    assert counts(orders) == (1, 1, 1, 0, True)
    kept = {one["request_id"]: one for one in items(orders.client.get(EVENTS).json())}
    assert {request_id: one["status"] for request_id, one in kept.items()} == {
        "r-1": "matched",
        "r-2": "not_matched",
        "r-3": "error",
    }
    assert (kept["r-1"]["fired"], kept["r-1"]["sampled"]) == (["Large"], True)
    assert "version': 2" in str(kept["r-1"]["ruleset"])
    assert kept["r-2"]["why_not"]


def test_nothing_that_a_sampled_event_asks_for_is_done(orders: Api, ask: Ask) -> None:
    orders.client.post(SAMPLE, {"share": 100, "version": 2})
    ask("r-1", 500)  # version 1 does nothing about it, version 2 would emit an event
    orders.service.event_samples.work()
    assert len(items(orders.client.get(EVENTS).json())) == 1
    for lane in Lane:
        assert orders.service.store.claim(lane, orders.clock.now(), timedelta(minutes=1), 10) == ()
    entries = orders.service.store.audit_entries(AuditQuery(request_id="r-1")).items
    assert {one.entry_type for one in entries} == {"request", "response"}


def test_a_share_is_always_the_same_requests(orders: Api, ask: Ask) -> None:
    def sampled() -> set[object]:
        orders.client.post(SAMPLE, {"share": 30, "events": 1_000})
        for number in range(60):
            ask(f"r-{number}", 500)
        orders.service.event_samples.work()
        found = {one["request_id"] for one in items(orders.client.get(f"{EVENTS}?limit=500").json())}
        assert counts(orders)[:2] == (0, len(found))
        return found

    first = sampled()
    assert 8 <= len(first) <= 28
    assert sampled() == first


def test_it_ends_with_enough_events_in_all_processes_together(orders: Api, ask: Ask) -> None:
    orders.client.post(SAMPLE, {"share": 100, "events": 5})
    other = EventSamples(orders.service.live, orders.service.store, orders.clock)
    other.refresh()
    for number in range(4):
        ask(f"r-{number}", 500)
        other.note("orders", f"other-{number}", {"order": {"id": "o", "amount": 2000}}, "other process")
    orders.service.event_samples.work()
    other.work()
    assert counts(orders) == (1, 4, 0, 0, False)
    assert len(items(orders.client.get(EVENTS).json())) == 5
    ask("r-9", 500)
    orders.service.event_samples.work()
    assert len(items(orders.client.get(EVENTS).json())) == 5


def test_it_ends_when_its_time_is_over_or_when_it_is_stopped(orders: Api, ask: Ask) -> None:
    orders.client.post(SAMPLE, {"share": 100, "seconds": 60})
    ask("r-1", 500)
    orders.clock.advance(timedelta(seconds=61))
    ask("r-2", 500)
    orders.service.event_samples.work()
    assert counts(orders) == (0, 1, 0, 0, False)
    orders.client.post(SAMPLE, {"share": 100})
    assert orders.client.call("DELETE", SAMPLE).status == 204
    ask("r-3", 500)
    orders.service.event_samples.work()
    assert {one["request_id"] for one in items(orders.client.get(EVENTS).json())} == {"r-1"}
    assert orders.client.get(SAMPLE).status == 404
    assert orders.client.call("DELETE", SAMPLE).status == 404


def test_what_waits_to_be_tested_is_bounded_and_what_is_skipped_is_counted(orders: Api) -> None:
    orders.client.post(SAMPLE, {"share": 100, "events": 10_000})
    for number in range(WAITING + 3):
        orders.service.event_samples.note("orders", f"r-{number}", {"order": {"id": "o", "amount": 1}}, "app")
    orders.service.event_samples.work()
    assert counts(orders) == (0, WAITING, 0, 3, True)


def test_who_may_only_read_rules_may_look_but_not_sample(orders: Api) -> None:
    reader = orders.client_with(Scope.RULES_READ)
    assert reader.post(SAMPLE, {"share": 10}).status == 403
    assert reader.get(SAMPLE).status == 404
    assert orders.client.post(SAMPLE, {"share": 0}).status == 422
    assert orders.client.post(SAMPLE, {"share": 10, "version": 9}).status == 404
    assert orders.client.post("/v1/rulesets/none/test-events/sample", {"share": 10}).status == 404


def test_the_command_tests_a_file_of_events_and_lists_what_it_found(tmp_path: Path) -> None:
    settings = {"TOCSIN_HOME": str(tmp_path / "home")}
    rules, events = tmp_path / "orders.yaml", tmp_path / "events.json"
    rules.write_text(FILE)
    events.write_text('[{"order": {"id": "o-1", "amount": 2000}}, {"order": {"id": "o-2", "amount": 5}}, 7]')

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, ["rules", *arguments], env=settings)
        return done.output

    run("publish", str(rules))
    printed = run("test-events", "orders", str(events))
    assert printed.splitlines()[:2] == ["event 1: matched: Large", "event 2: not matched"]
    assert "Large: order.amount is 5.00, so order.amount > 1000.00 does not hold" in printed
    assert "the event: is not an object that holds facts" in printed
    began = run("test-events", "orders", "--sample", "10%", "--events", "5", "--for", "2h")
    assert began.startswith("Sampling 10% of the live requests of orders with the active version, at most 5 until ")
    listed = run("test-events", "orders")
    assert "(running)" in listed
    assert listed.count("error") == 2  # one of the three results, and the word in the counts
    assert run("test-events", "orders", "--stop") == "No more live requests of orders are tested.\n"
    assert "no events of ruleset 'orders' are being sampled" in run("test-events", "orders", "--stop")
    assert "write a whole number from 1% to 100%" in run("test-events", "orders", "--sample", "0%")
