"""Escalation policies are published, followed and rolled back as rule files are, without a restart."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.core.enums import Scope
from service.wiring.app import Service
from tests.functional.backends import Install
from tests.functional.client import Reply
from tests.functional.conftest import NOON, Api, api_of

NIGHT = """escalation: night
description: Whoever is awake
levels:
  - {contacts: [1], channels: [sms], wait: 40s}
"""
SHIPPED = Path(__file__).parents[2]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A rules folder of the test's own, with two policies."""
    folder = tmp_path / "rules" / "escalation"
    folder.mkdir(parents=True)
    for name in ("default", "medicine"):
        shutil.copy(SHIPPED / "rules" / "escalation" / f"{name}.yaml", folder)
    return folder.parent


@pytest.fixture
def service(install: Install, rules: Path) -> Service:
    """A service that has published what its folder holds."""
    service = install(HandClock(NOON), rules_dir=rules)
    publish(service)
    return service


@pytest.fixture
def api(service: Service) -> Api:
    return api_of(service)


def publish(service: Service) -> None:
    """What a worker's periodic tasks do, until nothing changes."""
    service.texts.families["policies"].copies.sweep()
    service.texts.families["policies"].copies.sweep()
    service.texts.refresh()


def post(api: Api, name: str, text: str, edited: str | None = None, what: str = "versions") -> Reply:
    headers = {"Content-Type": "application/yaml"} | ({"If-Match": f'"{edited}"'} if edited else {})
    return api.client.call("POST", f"/v1/policies/{name}/{what}", body=text, headers=headers)


def opened(api: Api, policy: str) -> Reply:
    contact = {"name": "Ada", "phone": "+447700900001"}
    return api.client.post("/v1/incidents", {"description": "Pump 1", "policy": policy, "contacts": [contact]})


def active(api: Api, name: str) -> Mapping[str, object]:
    found = api.client.get(f"/v1/policies/{name}").json()["active"]
    assert isinstance(found, Mapping)
    return found


def test_policies_of_the_folder_are_listed_with_their_first_version(api: Api) -> None:
    listed = api.client.get("/v1/policies").json()
    assert listed["items"] == [{"name": name, "versions": 1, "active_version": 1} for name in ("default", "medicine")]
    assert listed["unpublished"] == []


def test_a_policy_is_published_used_at_once_edited_and_rolled_back(api: Api) -> None:
    assert opened(api, "night").status == 422
    made = post(api, "night", NIGHT)
    assert made.status == 201, made.text
    assert (made.json()["version"], made.json()["active"]) == (1, True)
    assert opened(api, "night").status == 201
    longer = NIGHT.replace("40s", "50s")
    assert post(api, "night", longer).status == 428
    second = post(api, "night", longer, str(made.json()["sha256"]))
    assert second.status == 201
    late = post(api, "night", NIGHT.replace("40s", "60s"), str(made.json()["sha256"]))
    assert late.status == 412
    assert "wait: 50s" in str(late.json()["diff"])
    listed = api.client.get("/v1/policies/night/versions").json()["items"]
    assert isinstance(listed, list)
    assert [(one["version"], one["active"]) for one in listed] == [(2, True), (1, False)]
    assert api.client.get("/v1/policies/night/versions/2").json()["source"] == longer
    assert api.client.post("/v1/policies/night/activate", {"version": 1}).status == 200
    assert active(api, "night")["version"] == 1
    assert api.service.escalation.incidents.policies.get("night").levels[0].wait.seconds == 40  # type: ignore[union-attr]


def test_a_text_with_faults_is_refused_with_every_finding(api: Api) -> None:
    wrong = NIGHT.replace("channels: [sms]", "channels: [pigeon]").replace("wait: 40s", "wait: soon")
    refused = post(api, "night", wrong)
    assert refused.status == 422
    findings = refused.json()["findings"]
    assert isinstance(findings, list)
    assert len(findings) == 2
    assert {finding["line"] for finding in findings} == {4}
    checked = post(api, "night", wrong, what="check").json()
    assert (checked["ok"], checked["findings"]) == (False, findings)
    assert post(api, "day", NIGHT).status == 422, "it says that it is another policy"
    assert "+escalation: night" in str(post(api, "night", NIGHT, what="check").json()["diff"])
    assert api.client.get("/v1/policies/night").status == 404


def test_another_process_and_a_later_one_use_what_was_published(service: Service, api: Api, install: Install) -> None:
    other = install(service.clock, rules_dir=service.settings.rules_dir)
    post(api, "night", NIGHT)
    changed = Path(service.settings.rules_dir / "escalation" / "default.yaml").read_text() + "keep_words: false\n"
    assert post(api, "default", changed, str(active(api, "default")["sha256"])).status == 201
    other.texts.refresh()
    assert "night" in other.escalation.incidents.policies.names
    assert other.escalation.incidents.policies.get("default").keep_words is False
    later = install(service.clock, rules_dir=service.settings.rules_dir)
    later.texts.begin()
    assert later.escalation.incidents.policies.get("default").keep_words is False


def test_an_edit_of_the_file_is_a_version_and_one_that_was_overtaken_is_none(
    service: Service, api: Api, rules: Path
) -> None:
    file = rules / "escalation" / "default.yaml"
    file.write_text(file.read_text() + "keep_words: false\n")
    publish(service)
    assert (active(api, "default")["version"], active(api, "default")["author"]) == (2, "policies folder")
    overtaking = file.read_text().replace("keep_words: false", "keep_words: true")
    assert post(api, "default", overtaking, str(active(api, "default")["sha256"])).status == 201
    file.write_text(file.read_text() + "repeat: 1\n")
    publish(service)
    assert active(api, "default")["version"] == 3
    told = api.client.get("/v1/policies").json()["unpublished"]
    assert "made from version 2, but version 3 is active" in str(told)


def test_a_later_version_takes_over_when_it_is_time(service: Service, api: Api) -> None:
    path = "/v1/policies/night/versions?effective_from=2026-05-10T13:00:00Z"
    made = api.client.call("POST", path, body=NIGHT, headers={"Content-Type": "application/yaml"})
    assert made.status == 201
    assert opened(api, "night").status == 422
    api.clock.advance(timedelta(hours=1))
    service.texts.refresh()
    assert opened(api, "night").status == 201


def test_reading_needs_its_scope_and_publishing_another(api: Api) -> None:
    reader = api.client_with(Scope.RULES_READ)
    assert reader.get("/v1/policies").status == 200
    assert reader.post("/v1/policies/default/activate", {"version": 1}).status == 403
    assert api.client_with(Scope.NOTIFY).get("/v1/policies").status == 403
