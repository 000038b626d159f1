"""Administrators and their programs: reading, checking, publishing, activating and trying rulesets by HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from service.core.enums import Lane, Scope
from service.decide import language
from service.decide.language import Parsed
from service.storage import AuditQuery
from tests.functional.client import ROOT, Reply
from tests.functional.conftest import Api
from tests.functional.evaluating import put

REPEATED_ON_AWS = False

FILE = """ruleset: fees
description: What it costs
facts: {fee: {type: decimal, scale: 2}}
rules: [{name: Raise, when: fee > 0, then: [{set: fee, to: 1.00}, {emit: raised}]}]
"""
TYPE = {"Content-Type": "application/yaml"}


def send(api: Api, path: str, source: str, headers: Mapping[str, str] | None = None) -> Reply:
    return api.client.call("POST", f"/v1/rulesets/fees{path}", body=source, headers={**TYPE, **(headers or {})})


def edited(api: Api, sha256: object, fee: str, query: str = "") -> Reply:
    return send(api, f"/versions{query}", FILE.replace("1.00", fee), {"If-Match": f'"{sha256}"'})


@pytest.fixture
def first(api: Api) -> dict[str, object]:
    """The ruleset's first version, published."""
    answer = send(api, "/versions?comment=the%20beginning", FILE)
    assert answer.status == 201, answer.text
    assert answer.headers["Location"] == "/v1/rulesets/fees/versions/1"
    return answer.json()


def fee(api: Api, context: Mapping[str, object] | None = None) -> object:
    body = {"context": context or {}, "request": {"fee": 5}}
    result = api.client.post("/v1/rulesets/fees/evaluations", body).json()["result"]
    assert isinstance(result, dict)
    return result["fee"]


def test_a_published_file_decides_at_once_and_can_be_read_back(api: Api, first: dict[str, object]) -> None:
    assert (first["version"], first["author"], first["comment"]) == (1, "test app", "the beginning")
    assert fee(api) == "1.00"
    assert api.client.get("/v1/rulesets/fees/versions/1").json()["source"] == FILE
    assert api.client.get("/v1/rulesets").json()["items"] == [{"name": "fees", "versions": 1, "active_version": 1}]
    shown = api.client.get("/v1/rulesets/fees").json()
    assert shown["description"] == "What it costs"
    active = shown["active"]
    assert isinstance(active, dict)
    assert {**active, "diff": None, "backtest": None} == first  # there is nothing before it to be compared with
    assert shown["activations"] == [
        {"version": 1, "from": "2026-05-10T12:00:00Z", "by": "test app", "at": "2026-05-10T12:00:00Z"}
    ]


def test_the_second_of_two_editors_is_shown_the_others_change(api: Api, first: dict[str, object]) -> None:
    assert edited(api, first["sha256"], "2.00").status == 201
    late = edited(api, first["sha256"], "3.00")
    assert (late.status, late.json()["type"]) == (412, "/problems/precondition-failed")
    diff = str(late.json()["diff"])
    assert "-rules: [{name: Raise, when: fee > 0, then: [{set: fee, to: 1.00}" in diff
    assert "+rules: [{name: Raise, when: fee > 0, then: [{set: fee, to: 2.00}" in diff
    assert "set fee to 1.00" in str(late.json()["changes"])
    assert "set fee to 2.00" in str(late.json()["changes"])
    assert fee(api) == "2.00"
    assert edited(api, late.json()["active_sha256"], "3.00").status == 201
    assert fee(api) == "3.00"


def test_who_does_not_say_what_was_edited_may_not_overwrite(api: Api, first: dict[str, object]) -> None:
    answer = send(api, "/versions", FILE.replace("1.00", "2.00"))
    assert (answer.status, answer.json()["type"]) == (428, "/problems/precondition-required")
    assert fee(api) == "1.00"


def test_a_file_with_errors_is_refused_with_all_of_them_and_nothing_changes(api: Api, first: dict[str, object]) -> None:
    bad = FILE.replace("fee > 0", "fe > 0").replace("emit", "emitt")
    answer = send(api, "/versions", bad, {"If-Match": f'"{first["sha256"]}"'})
    assert answer.status == 422
    findings = answer.json()["findings"]
    assert isinstance(findings, list)
    assert [(one["kind"], one["line"]) for one in findings] == [("unknown_fact", 4), ("unknown_verb", 4)]
    assert fee(api) == "1.00"
    assert api.client.get("/v1/rulesets/fees").json()["versions"] == 1


def test_a_file_of_another_ruleset_is_refused(api: Api) -> None:
    answer = send(api, "/versions", FILE.replace("ruleset: fees", "ruleset: fines"))
    assert (answer.status, "fines" in answer.text) == (422, True)


def test_a_check_says_what_the_file_would_decide_otherwise(api: Api, first: dict[str, object]) -> None:
    nothing = {"equivalent": True, "notes": [], "changes": [], "more": 0}
    assert send(api, "/check", FILE).json()["diff"] == nothing
    changed = send(api, "/check", FILE.replace("fee > 0", "fee > 1")).json()["diff"]
    assert "'where': ['fee is 0.01 to 1.00']" in str(changed)


def test_a_draft_is_read_once_by_who_publishes_it(
    api: Api, first: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, parse = list[object](), language.parse

    def counted(source: str | bytes) -> Parsed:
        read.append(source)
        return parse(source)

    monkeypatch.setattr(language, "parse", counted)
    assert edited(api, first["sha256"], "2.00").status == 201
    assert fee(api) == "2.00"
    assert len(read) == 1


def test_checking_publishes_nothing(api: Api) -> None:
    answer = send(api, "/check", FILE.replace("when: fee", "when: fe"))
    assert (answer.status, answer.json()["ok"]) == (200, False)
    said = {"file": "fees.yaml", "ok": True, "findings": [], "diff": None, "backtest": None}
    assert send(api, "/check", FILE).json() == said
    assert api.client.get("/v1/rulesets").json()["items"] == []


def test_rolling_back_and_forward(api: Api, first: dict[str, object]) -> None:
    edited(api, first["sha256"], "2.00")
    api.clock.advance(timedelta(minutes=1))
    answer = api.client.post("/v1/rulesets/fees/activate", {"version": 1})
    assert answer.status == 200
    assert fee(api) == "1.00"
    api.clock.advance(timedelta(minutes=1))
    api.client.post("/v1/rulesets/fees/activate", {"version": 2})
    assert fee(api) == "2.00"
    assert fee(api, {"as_of": "2026-05-10T12:01:00Z"}) == "1.00"
    versions = api.client.get("/v1/rulesets/fees/versions").json()["items"]
    assert isinstance(versions, list)
    assert [(one["version"], one["active"]) for one in versions] == [(2, True), (1, False)]


def test_a_version_can_be_scheduled(api: Api, first: dict[str, object]) -> None:
    answer = edited(api, first["sha256"], "2.00", "?effective_from=2026-05-10T13:00:00Z")
    assert (answer.status, answer.json()["active"]) == (201, False)
    assert fee(api) == "1.00"
    api.clock.advance(timedelta(hours=1))
    assert fee(api) == "2.00"
    past = edited(api, answer.json()["sha256"], "3.00", "?effective_from=2026-05-10T12:59:59Z")
    assert (past.status, "effective_from" in past.text) == (422, True)


def test_publishing_again_what_is_active_is_no_new_version(api: Api, first: dict[str, object]) -> None:
    again = send(api, "/versions", FILE, {"If-Match": f'"{first["sha256"]}"'})
    assert (again.status, again.json()["version"]) == (201, 1)


def test_what_is_not_there_is_a_404(api: Api, first: dict[str, object]) -> None:
    for path in ("/v1/rulesets/fines", "/v1/rulesets/fines/versions", "/v1/rulesets/fees/versions/9"):
        assert api.client.get(path).status == 404
    assert api.client.post("/v1/rulesets/fees/activate", {"version": 9}).status == 404
    assert api.client.post("/v1/rulesets/fines/dry-run", {"request": {}}).status == 404


def test_reading_and_writing_need_their_own_scopes(api: Api, first: dict[str, object]) -> None:
    reader, writer = api.client_with(Scope.RULES_READ), api.client_with(Scope.RULES_WRITE)
    assert reader.get("/v1/rulesets/fees").status == 200
    assert writer.get("/v1/rulesets/fees").status == 403
    assert reader.post("/v1/rulesets/fees/activate", {"version": 1}).status == 403
    assert reader.call("POST", "/v1/rulesets/fees/versions", body=FILE, headers=TYPE).status == 403
    assert writer.post("/v1/rulesets/fees/dry-run", {"request": {"fee": 1}}).status == 403


def test_a_dry_run_says_why_and_carries_nothing_out(api: Api, first: dict[str, object]) -> None:
    answer = api.client.post("/v1/rulesets/fees/dry-run", {"request": {"fee": 5}}, {"X-Request-Id": "try"}).json()
    assert (answer["fired"], answer["result"]) == (["Raise"], {"fee": "1.00"})
    assert answer["outcomes"] == [{"outcome": "emit", "rule": "Raise", "event": "raised"}]
    assert "fee is 5" in str(answer["explanation"])
    (entry,) = api.service.store.audit_entries(AuditQuery(request_id="try")).items
    assert (entry.entry_type, entry.raw_data) == ("dry-run", '{"request":{"fee":5}}')
    assert api.service.store.claim(Lane.TRANSACTIONAL, api.clock.now(), timedelta(minutes=1), 10) == ()


def test_a_dry_run_can_ask_an_older_version_or_a_draft(api: Api, first: dict[str, object]) -> None:
    edited(api, first["sha256"], "2.00")

    def tried(**which: object) -> Reply:
        return api.client.post("/v1/rulesets/fees/dry-run", {"request": {"fee": 5}, **which})

    assert tried().json()["result"] == {"fee": "2.00"}
    assert tried(version=1).json()["result"] == {"fee": "1.00"}
    draft = tried(source=FILE.replace("1.00", "9.00")).json()
    assert draft["result"] == {"fee": "9.00"}
    assert isinstance(draft["ruleset"], dict)
    assert draft["ruleset"]["version"] is None
    assert tried(source="ruleset: fees").status == 422
    assert tried(version=7).status == 404
    assert api.client.post("/v1/rulesets/fees/dry-run", {"request": {}}).status == 422


def test_an_outline_says_facts_and_rules_in_words(api: Api) -> None:
    put(api, (ROOT / "rules" / "premium.yaml").read_text())
    outline = api.client.get("/v1/rulesets/premium/versions/1/outline").json()
    assert (outline["hit"], outline["rules_in_all"]) == ("all", 2)
    facts, rules = outline["facts"], outline["rules"]
    assert isinstance(facts, list)
    assert isinstance(rules, list)
    assert [fact["path"] for fact in facts][:2] == ["driver.age", "driver.name"]
    assert rules[0]["then"] == ["increase policy.premium by 20%"]
    assert rules[0]["when"] == 'car.style == "SPORTS" and car.color == "RED" and driver.age < 21'
