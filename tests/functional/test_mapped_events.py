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
    rules_dir = few_rules(home, "purchase.yaml", "events.yaml")
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
