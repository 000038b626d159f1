"""Where four eyes are asked for, a version of a ruleset decides only when a second person has approved it."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.core.enums import Scope
from tests.functional.backends import Install
from tests.functional.client import Client, Reply
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.test_console import signed_in, submit
from tests.functional.test_console_texts import sha256_of
from tests.functional.test_rules_cli import run

FILE = """ruleset: fees
facts: {fee: {type: decimal, scale: 2}}
rules: [{name: Raise, when: fee > 0, then: [{set: fee, to: 1.00}]}]
"""
HEADERS = {"Content-Type": "application/yaml", "If-Match": "*"}
VERSIONS = "/v1/rulesets/fees/versions"


@pytest.fixture
def api(install: Install) -> Api:
    """An installation where two people decide about rules, and whose first version both wanted."""
    api = api_of(install(HandClock(NOON), four_eyes="rules"))
    assert propose(api.client, "1.00").json()["proposal"] is not None
    assert approve(second(api), 1).status == 200
    return api


def second(api: Api) -> Client:
    return api.client_with(Scope.RULES_APPROVE, name="Jo")


def propose(client: Client, fee: str, query: str = "", headers: Mapping[str, str] = HEADERS) -> Reply:
    return client.call("POST", f"{VERSIONS}{query}", body=FILE.replace("1.00", fee), headers=headers)


def approve(client: Client, version: int, decision: str = "approve", reason: str = "") -> Reply:
    return client.post(f"{VERSIONS}/{version}/approval", {"decision": decision, "reason": reason})


def fee(api: Api) -> object:
    result = api.client.post("/v1/rulesets/fees/evaluations", {"request": {"fee": 5}}).json()["result"]
    assert isinstance(result, dict)
    return result["fee"]


def listed(api: Api, path: str, member: str) -> list[dict[str, object]]:
    found = api.client.get(path).json()[member]
    assert isinstance(found, list)
    return found


def proposal(api: Api, version: int) -> dict[str, object]:
    shown = api.client.get(f"{VERSIONS}/{version}").json()["proposal"]
    assert isinstance(shown, dict)
    return shown


def test_a_published_version_decides_when_another_key_has_approved_it(api: Api) -> None:
    published = propose(api.client, "2.00")
    assert (published.status, published.json()["active"]) == (201, False)
    assert fee(api) == "1.00"
    (waiting,) = listed(api, "/v1/proposals", "items")
    assert (waiting["ruleset"], waiting["version"], waiting["by"], waiting["state"]) == (
        "fees",
        2,
        "test app",
        "waiting",
    )
    approved = approve(second(api), 2, reason="As agreed")
    assert (approved.status, approved.json()["state"], approved.json()["decided_by"]) == (200, "approved", "Jo")
    assert fee(api) == "2.00"
    assert api.client.get("/v1/proposals").json()["items"] == []
    assert proposal(api, 2)["reason"] == "As agreed"
    assert listed(api, "/v1/rulesets/fees", "activations")[-1] == {
        "version": 2,
        "from": "2026-05-10T12:00:00Z",
        "by": "Jo",
        "at": "2026-05-10T12:00:00Z",
    }


def test_nobody_approves_what_they_proposed_but_may_take_it_back(api: Api) -> None:
    propose(api.client, "2.00")
    own = approve(api.client, 2)
    assert (own.status, own.json()["type"]) == (409, "/problems/same-person")
    assert "somebody else has to approve it" in str(own.json()["detail"])
    assert fee(api) == "1.00"
    assert approve(api.client, 2, "reject").json()["state"] == "rejected"
    assert approve(second(api), 2).status == 409
    assert fee(api) == "1.00"


def test_what_was_not_approved_cannot_be_activated_and_what_was_can_be_again(api: Api) -> None:
    propose(api.client, "2.00")
    refused = api.client.post("/v1/rulesets/fees/activate", {"version": 2})
    assert (refused.status, refused.json()["type"]) == (409, "/problems/conflict")
    assert "somebody else than test app has to approve it first" in str(refused.json()["detail"])
    approve(second(api), 2)
    assert api.client.post("/v1/rulesets/fees/activate", {"version": 1}).status == 200
    assert fee(api) == "1.00", "a rollback needs no second person"


def test_a_key_needs_the_scope_to_approve_and_none_to_see_what_waits(api: Api) -> None:
    propose(api.client, "2.00")
    writer = api.client_with(Scope.RULES_WRITE, Scope.RULES_READ, name="Wim")
    assert approve(writer, 2).status == 403
    assert writer.get("/v1/proposals").status == 200
    assert approve(second(api), 1).status == 409, "it was approved already, by another key"
    assert approve(second(api), 9).status == 404


def test_an_approval_drops_no_change_that_took_over_in_between(api: Api) -> None:
    propose(api.client, "2.00")
    propose(api.client, "3.00")
    jo = second(api)
    assert approve(jo, 3).status == 200
    late = approve(jo, 2)
    assert (late.status, late.json()["type"]) == (409, "/problems/conflict")
    assert "version 3" in str(late.json()["detail"])
    assert fee(api) == "3.00"


def test_repeating_either_call_changes_nothing(api: Api) -> None:
    jo = second(api)
    assert propose(api.client, "2.00").json()["version"] == propose(api.client, "2.00").json()["version"] == 2
    assert approve(jo, 2).json() == approve(jo, 2).json()
    assert len(listed(api, "/v1/rulesets/fees", "activations")) == 2


def test_a_version_for_later_takes_over_then_and_not_with_the_approval(api: Api) -> None:
    propose(api.client, "2.00", "?effective_from=2026-05-10T13:00:00Z")
    propose(api.client, "3.00", "?effective_from=2026-05-10T12:01:00Z")
    approve(second(api), 2)
    assert fee(api) == "1.00"
    api.clock.advance(timedelta(minutes=10))
    approve(second(api), 3)
    assert fee(api) == "3.00", "its time had passed"
    api.clock.advance(timedelta(hours=1))
    assert fee(api) == "2.00"


def test_editors_still_cannot_overwrite_each_other(api: Api) -> None:
    stale = propose(api.client, "2.00", headers={**HEADERS, "If-Match": '"0"'})
    assert (stale.status, fee(api)) == (412, "1.00")


def test_a_file_of_the_rules_folder_is_proposed_and_can_be_edited_on(api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    service = api.service
    copies = type(service.working_copies)(folder, service.library, service.store, api.clock)
    for version, text in ((2, "2.00"), (3, "3.00")):
        (folder / "fees.yaml").write_text(FILE.replace("1.00", "1.00" if version == 1 else text))
        copies.sweep()
        copies.sweep()
        if version == 2:
            # the folder has no base yet, so it may not take the place of the version that others approved
            assert service.library.head("fees").versions == 1
            (folder / "fees.yaml").write_text(FILE)
            copies.sweep()
            copies.sweep()
            (folder / "fees.yaml").write_text(FILE.replace("1.00", text))
            copies.sweep()
            copies.sweep()
        assert service.library.head("fees").versions == version
        (seen,) = copies.seen()
        assert "waits until somebody approves it" in str(seen.findings[-1]["message"])
    assert fee(api) == "1.00"
    assert approve(second(api), 3).status == 200
    assert fee(api) == "3.00"
    assert copies.seen()[0].findings == []


def test_the_command_line_knows_people_by_their_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"TOCSIN_HOME": str(tmp_path / "home"), "TOCSIN_FOUR_EYES": "rules"}
    file = tmp_path / "fees.yaml"
    file.write_text(FILE)
    monkeypatch.setattr(getpass, "getuser", lambda: "mary")
    published = run("rules", "publish", str(file), settings=settings)
    assert "fees version 1 waits for approval" in published.stdout
    own = run("rules", "approve", "fees", "1", settings=settings)
    assert own.exit_code == 1
    assert "somebody else has to approve it" in own.output
    assert "proposed by mary" in run("rules", "proposals", settings=settings).stdout
    monkeypatch.setattr(getpass, "getuser", lambda: "jo")
    assert (
        "is approved by jo: fine" in run("rules", "approve", "fees", "1", "--reason", "fine", settings=settings).stdout
    )
    shown = json.loads(run("rules", "history", "fees", "--json", settings=settings).stdout)["versions"]
    assert (shown[0]["active"], shown[0]["proposal"]["decided_by"]) == (True, "jo")


def test_on_its_pages_a_change_is_proposed_by_one_and_approved_by_another(api: Api) -> None:
    mary, jo = signed_in(api, name="Mary"), signed_in(api, Scope.RULES_READ, Scope.RULES_APPROVE, name="Jo")
    editor = mary.get("/console/rules/fees/edit").text
    assert ">Propose</button>" in editor
    form = {"source": FILE.replace("1.00", "2.00"), "sha256": sha256_of(editor), "comment": "As agreed with <Ann>"}
    proposed = submit(mary, "/console/rules/fees/publish", form)
    assert "decides nothing before somebody else approves it" in mary.get(proposed.headers["Location"]).text
    page = "/console/rules/fees/versions/2/approval"
    assert "Somebody else has to approve it" in submit(mary, page, {"decision": "approve"}).text
    assert "Rule changes that wait for approval" in jo.get("/console").text
    assert page in jo.get("/console/rules").text
    assert page in jo.get("/console/rules/fees/versions").text
    shown = jo.get(page).text
    assert "set fee to 2.00" in shown
    assert "As agreed with &lt;Ann&gt;" in shown
    assert fee(api) == "1.00"
    assert submit(jo, page, {"decision": "approve", "reason": "Right"}).status_code == 303
    assert fee(api) == "2.00"
    assert "Right" in mary.get("/console/rules/fees/versions").text
    assert "change waits" not in mary.get("/console/rules").text


def test_a_rejected_change_is_shown_as_such_and_offered_to_nobody(api: Api) -> None:
    propose(api.client, "2.00")
    jo = signed_in(api, name="Jo")
    page = "/console/rules/fees/versions/2/approval"
    assert submit(jo, page, {"decision": "reject", "reason": "Too dear"}).status_code == 303
    versions = jo.get("/console/rules/fees/versions").text
    assert "Too dear" in versions
    assert "versions/2/activate" not in versions
    assert 'value="approve"' not in jo.get(page).text
    assert "It never decides" in jo.get("/console/rules/fees?version=2").text
    reader = signed_in(api, Scope.RULES_READ, name="Rita")
    propose(api.client, "3.00")
    assert "rules:approve" in reader.get("/console/rules/fees/versions/3/approval").text


def test_without_the_setting_nothing_waits(install: Install) -> None:
    api = api_of(install(HandClock(NOON)))
    assert propose(api.client, "2.00").json()["proposal"] is None
    assert fee(api) == "2.00"
    assert api.client.get("/v1/rulesets/fees").json()["needs_approval"] is False
