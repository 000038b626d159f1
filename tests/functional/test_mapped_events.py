"""Events meet `rules/events.yaml` and nothing is carried out: over HTTP, in the shell, and in the file's own tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.core.clock import HandClock
from tests.functional.backends import embedded
from tests.functional.client import ROOT
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.few_rules import few_rules

EVENTS = ROOT / "tests" / "events"
PURCHASE = json.loads((EVENTS / "purchase_requested.json").read_text())


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Api:
    home = tmp_path_factory.mktemp("mapped")
    rules_dir = few_rules(home, "purchase.yaml", "events.yaml", "escalation/approval.yaml")
    api = api_of(embedded(home)(HandClock(NOON), rules_dir=rules_dir))
    api.service.working_copies.sweep()
    return api


def tried(api: Api, event: object, **own: object) -> Mapping[str, object]:
    reply = api.client.post("/v1/intake/test-events", {"events": [event], **own})
    assert reply.status == 200, reply.text
    items = reply.json()["items"]
    assert isinstance(items, list)
    return dict(items[0])


def test_an_event_is_followed_from_its_mapping_to_the_verdict(api: Api) -> None:
    found = tried(api, PURCHASE)
    assert (found["becomes"], found["status"]) == ("a request to the ruleset purchase", "matched")
    assert found["fired"] == ["Director decides at once"]
    assert found["body"]["request"]["purchase"]["id"] == "P-4711"  # type: ignore[index]
    assert api.client.get("/v1/reviews").json()["items"] == []


def test_an_event_that_no_mapping_is_for_says_which_is_nearest(api: Api) -> None:
    found = tried(api, {**PURCHASE, "detail-type": "Purchase requested"})
    assert (found["status"], found["becomes"]) == ("unmapped", None)
    assert found["nearest"] == ['the source is mapped, but with detail-type "Purchase Requested"']


def test_an_event_that_lacks_what_its_mapping_needs_says_so(api: Api) -> None:
    found = tried(api, {**PURCHASE, "detail": {}})
    assert found["status"] == "error"
    assert [each["path"] for each in found["errors"]][:2] == ["purchase.id", "purchase.amount"]  # type: ignore[attr-defined]
    alarm = {"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": {}}
    assert "detail.alarmName" in str(tried(api, alarm)["errors"])


def test_an_event_that_would_reach_nobody_is_in_error_as_the_request_would_be_refused(api: Api) -> None:
    detail = PURCHASE["detail"]
    nobody = {**detail, "approver": {**detail["approver"], "phone": "12"}}
    found = tried(api, {**PURCHASE, "detail": nobody})
    assert found["status"] == "error"
    assert "director.phone" in str(found["errors"])
    facts = found["body"]["request"]  # type: ignore[index]
    asked = api.client.post("/v1/rulesets/purchase/evaluations", {"request": facts})
    assert (asked.status, "would reach nobody" in asked.text) == (422, True)
    direct = api.client.post("/v1/rulesets/purchase/test-events", {"events": [facts]}).json()
    assert direct["error"] == 1


@pytest.mark.parametrize(
    ("event", "status", "said"),
    [
        ({**PURCHASE, "detail": "text"}, "error", "is missing"),
        ({"detail": {}}, "unmapped", "`source` and `detail-type` are texts"),
        ({"source": None, "detail-type": 5, "detail": {}}, "unmapped", "`source` and `detail-type` are texts"),
    ],
)
def test_an_event_that_does_not_say_what_it_is_has_no_wrong_hints(
    api: Api, event: object, status: str, said: str
) -> None:
    found = tried(api, event)
    assert (found["status"], found["nearest"]) == (status, [])
    assert said in str(found["errors"])


def test_mappings_of_the_callers_own_are_not_called_those_of_the_folder(api: Api) -> None:
    source = "events:\n  - {source: a, detail-type: b, notification: {text: Hi, audience: c}}\n"
    assert "the source maps no event" in str(tried(api, PURCHASE, source=source)["errors"])
    large = source + "# " + "x" * 400_000
    assert "the source maps no event" in str(tried(api, PURCHASE, source=large)["errors"])


def test_other_mappings_can_be_tried_and_are_refused_by_line(api: Api) -> None:
    mapping = "{source: shop.purchasing, detail-type: Purchase Requested, notification: {text: Hi, audience: a}}"
    source = f"events:\n  - {mapping}\n"
    assert tried(api, PURCHASE, source=source)["becomes"] == "a notification"
    refused = api.client.post("/v1/intake/test-events", {"events": [PURCHASE], "source": "events:\n  - {source: x}\n"})
    assert refused.status == 422
    assert "line 2" in refused.text


def test_the_shell_tries_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path))
    mapping, events = ROOT / "rules" / "events.yaml", EVENTS / "purchase_requested.json"
    shown = CliRunner().invoke(main, ["rules", "test-events", "--mapping", str(mapping), str(events)])
    assert shown.exit_code == 0, shown.output
    assert "becomes a request to the ruleset purchase" in shown.output


def test_a_failing_test_of_the_file_is_an_error_at_its_place(tmp_path: Path) -> None:
    shipped = (ROOT / "rules" / "events.yaml").read_text()
    few_rules(tmp_path, "premium.yaml", "purchase.yaml", "gas-leak.yaml")
    events = tmp_path / "rules" / "events.yaml"
    events.write_text(shipped.replace("purchase.currency: EUR, d", "purchase.currency: USD, d"))
    shown = CliRunner().invoke(main, ["rules", "check", str(events)])
    assert shown.exit_code == 1
    assert "purchase.currency is EUR, not USD" in shown.output


def test_the_command_ends_with_1_where_an_event_comes_to_what_is_named(tmp_path: Path) -> None:
    mapping, events = tmp_path / "own.yaml", tmp_path / "events.json"
    mapping.write_text("events:\n  - {source: a, detail-type: b, notification: {text: Hi, audience: c}}\n")
    events.write_text(json.dumps(PURCHASE))
    words = ("rules", "test-events", str(events), "--mapping", str(mapping))
    assert CliRunner().invoke(main, words).exit_code == 0
    assert CliRunner().invoke(main, [*words, "--fail-on", "error"]).exit_code == 0
    assert CliRunner().invoke(main, [*words, "--fail-on", "error", "--fail-on", "unmapped"]).exit_code == 1
