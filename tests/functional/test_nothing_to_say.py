"""Nobody is sent nothing, and what no copy could be filled with is refused before anything is sent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.notify.outcomes import NOTIFY
from service.storage import Item
from service.work import all_dead_items
from tests.functional.backends import Install
from tests.functional.client import ROOT
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.incident_room import NAMED
from tests.functional.test_notifications import JOHN, Desk

REPEATED_ON_AWS = False

NAMELESS = [
    {"user_id": "em1", "language": "en", "preference": "sms", "phone": "+447700900335"},
    {"user_id": "em2", "language": "en", "preference": "email", "email": "em2@example.com"},
    {"user_id": "em3", "language": "en", "preference": "voice", "phone": "+447700900336"},
]
HTML = (
    '<p>Order {{ order.id }} of {{ order.placed | date }}: {{ order.total | money("EUR") }}</p>'
    '<a href="{{ url }}">Track</a>'
)
FITTING = {
    "order": {"id": "A-1042", "placed": "2026-05-10", "total": "1234.5"},
    "url": "https://example.com/track/A-1042",
}


@pytest.fixture
def desk(install: Install, tmp_path: Path) -> Desk:
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    (templates / "order").mkdir()
    (templates / "order" / "sms.txt").write_text("Order {{ order.id }} of {{ order.placed | date }}.")
    (templates / "order" / "email.html").write_text(HTML)
    (templates / "bare").mkdir()
    (templates / "bare" / "sms.txt").write_text("{{ what }}")
    service = install(HandClock(NOON), rules_dir=few_rules(tmp_path), templates_dir=templates)
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("nameless", *NAMELESS, JOHN)
    return desk


def faults(desk: Desk, path: str = "/v1/notifications", **body: object) -> list[tuple[str, str]]:
    reply = desk.api.client.post(path, body)
    assert reply.status == 422, reply.text
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    return [(error["path"], error["message"]) for error in errors]


@pytest.mark.parametrize("text", ["   ", "\n\n", "\u200b", "…", "\u3164", "?!"], ids=ascii)
def test_a_blank_text_is_refused_for_all(desk: Desk, text: str) -> None:
    told = "says nothing: write at least one letter, digit or emoji"
    assert faults(desk, text=text, recipients=["em1"]) == [("text", told)]
    assert faults(desk, text="Hello", subject=text, recipients=["em1"]) == [("subject", f"its subject {told}")]


def test_a_text_of_slots_that_the_request_leaves_empty_is_refused(desk: Desk) -> None:
    assert [path for path, _ in faults(desk, text="{{ x }}", variables={"x": " "}, recipients=["em1"])] == ["text"]
    bare = faults(desk, template="bare", variables={"what": ""}, recipients=["em1"])
    assert [path for path, _ in bare] == ["template"]


def test_slots_that_leave_nothing_for_one_reader_fail_that_readers_copy(desk: Desk) -> None:
    sent = desk.sends(text="{{ first_name }}", audience="nameless", lane="transactional")
    desk.works(2)
    if desk.status(sent) == "held_for_review":
        desk.review(sent, "approve")
        desk.works(2)
    assert desk.counts(sent) == {"failed": 3, "accepted": 1}
    items = desk.api.client.get(f"/v1/notifications/{sent}/deliveries?status=failed").json()["items"]
    assert isinstance(items, list)
    assert all("nothing is left to say" in item["detail"] for item in items)
    assert [entry.text.strip() for entry in desk.outbox()] == ["John"]


@pytest.mark.parametrize(
    ("wrong", "path", "said"),
    [
        ({"url": "javascript:alert(1)"}, "variables.url", "begin it with https:"),
        ({"url": ""}, "variables.url", "begin it with https:"),
        (
            {"order": {"id": "x", "placed": "10/05/2026", "total": "1"}},
            "variables.order.placed",
            "write it like 2026-05-10",
        ),
        (
            {"order": {"id": "x", "placed": "2026-13-40", "total": "1"}},
            "variables.order.placed",
            "write it like 2026-05-10",
        ),
        ({"order": {"id": "x", "placed": "2026-05-10", "total": "1,234.50"}}, "variables.order.total", "like 1234.50"),
        ({"order": {"id": "x", "placed": "2026-05-10", "total": "NaN"}}, "variables.order.total", "not a number"),
        ({"order": {"id": ["a"], "placed": "2026-05-10", "total": "1"}}, "variables.order.id", "is not a text"),
        ({"order": {"id": "x" * 2001, "placed": "2026-05-10", "total": "1"}}, "variables.order.id", "2,001 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_value_that_no_copy_could_hold_is_refused_at_its_path(
    desk: Desk, wrong: dict[str, object], path: str, said: str
) -> None:
    body: dict[str, object] = {"template": "order", "recipients": ["ui101"], "variables": {**FITTING, **wrong}}
    ((where, what),) = faults(desk, "/v1/notifications", **body)
    assert (where, said in what) == (path, True), what
    scheduled: dict[str, object] = {"cron": "0 9 * * *", "notification": body}
    ((where, _),) = faults(desk, "/v1/schedules", **scheduled)
    assert where == f"notification.{path}"


def test_every_unfit_value_is_named_at_once_and_fitting_ones_are_sent(desk: Desk) -> None:
    wrong = {"order": {"id": [], "placed": "soon", "total": "much"}, "url": "x"}
    named = faults(desk, template="order", recipients=["ui101"], variables=wrong)
    assert [path.removeprefix("variables.") for path, _ in named] == ["order.id", "order.placed", "order.total", "url"]
    sent = desk.sends(template="order", recipients=["ui101"], variables=FITTING)
    desk.works(2)
    assert desk.counts(sent) == {"accepted": 1}


def test_a_value_that_only_the_profile_knows_is_no_fault_of_the_request(desk: Desk) -> None:
    sent = desk.sends(text="Dear {{ first_name | date }} all", recipients=["ui101"], lane="transactional")
    assert sent


def test_what_a_rule_asks_to_be_sent_without_a_word_is_dead_work_that_says_why(desk: Desk) -> None:
    outcome = {"rule": "r", "template": "bare", "recipients": ["ui101"], "variables": {"what": "\u200b"}}
    desk.api.service.store.add(Item("o-1", NOTIFY, {"outcome": outcome, "app": "a", "request_id": "r"}, due_at=NOON))
    desk.works(1)
    ((dead),) = all_dead_items(desk.api.service.store)
    assert "says nothing" in dead.why
    assert desk.api.service.store.get("o-1-n") is None


@pytest.mark.parametrize("blank", ["\u200b", " \u00ad ", "…"], ids=ascii)
def test_descriptions_reasons_and_translations_say_something_too(desk: Desk, blank: str) -> None:
    assert [path for path, _ in faults(desk, "/v1/incidents", description=blank, contacts=NAMED)] == ["description"]
    review = {"decision": "reject", "reason": blank}
    assert [path for path, _ in faults(desk, "/v1/notifications/x/review", **review)] == ["reason"]
    reply = desk.api.client.call("PUT", "/v1/translations/translation-1", json={"text": blank})
    assert reply.status == 422
