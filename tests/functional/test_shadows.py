"""Shadow versions: asked beside the active one, counted, and without consequences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from service.core.enums import Lane, Scope
from service.decide.decision import Compiled
from service.decide.ruleset import Ruleset
from service.evaluations.flow import Evaluations
from service.rulesets.active_versions import ActiveVersions
from service.rulesets.shadow import Shadows
from service.storage import AuditQuery
from tests.functional.conftest import Api
from tests.functional.evaluating import Wrong, client_of

REPEATED_ON_AWS = False

FILE = """ruleset: fees
facts:
  fee: {type: decimal, scale: 2, min: 0}
  place: {type: text, optional: true}
rules:
  - {name: Small, when: fee < 10, then: [{increase: fee, by: 10%}]}
  - {name: Large, when: fee >= 10, then: [{emit: large}]}
"""
STRICTER = (
    FILE.replace("by: 10%", "by: 1.50")
    .replace("fee >= 10", "fee >= 20")
    .replace("{type: text, optional: true}", "{type: text, values: [Oslo], optional: true}")
)
SHADOW = "/v1/rulesets/fees/shadow"

Ask = Callable[..., None]


@pytest.fixture
def fees(api: Api) -> Api:
    """The API with two versions, of which the first is active."""
    yaml, path = {"Content-Type": "application/yaml"}, "/v1/rulesets/fees/versions"
    sha256 = api.client.call("POST", path, body=FILE, headers=yaml).json()["sha256"]
    later = api.client.call("POST", path, body=STRICTER, headers={**yaml, "If-Match": f'"{sha256}"'})
    assert later.status == 201, later.text
    api.clock.advance(timedelta(seconds=1))
    api.client.post("/v1/rulesets/fees/activate", {"version": 1})
    return api


@pytest.fixture
def ask(fees: Api) -> Ask:
    """Evaluate a live request: `ask("r-1", fee=5)`."""

    def ask(request_id: str, **facts: object) -> None:
        body = {"context": {"request_id": request_id}, "request": facts}
        answer = fees.client.post("/v1/rulesets/fees/evaluations", body)
        assert (answer.status, "'version': 1" in str(answer.json())) == (200, True)

    return ask


def report(api: Api) -> dict[str, object]:
    found = api.client.get(SHADOW).json()["report"]
    assert isinstance(found, dict)
    return found


def test_a_shadow_counts_what_it_would_have_decided_otherwise(fees: Api, ask: Ask) -> None:
    cast = fees.client.post(SHADOW, {"version": 2, "share": 100})
    assert (cast.status, cast.json()["by"]) == (201, "test app")
    ask("r-1", fee=5)  # 5.50, the shadow: 6.50
    ask("r-2", fee=8)  # 8.80, the shadow: 9.50
    ask("r-3", fee=12)  # the shadow: nothing fires
    ask("r-4", fee=25)  # alike
    ask("r-5", fee=1, place="Rome")  # the shadow: refused
    fees.service.shadows.work()
    assert report(fees) == {
        "requests": 5,
        "changed": 4,
        "changes": [
            {"from": ["Small"], "to": ["Small"], "count": 2, "samples": ["r-1", "r-2"]},
            {"from": ["Large"], "to": [], "count": 1, "samples": ["r-3"]},
        ],
        "other_changes": 0,
        "amounts": {"fee": {"changed": 2, "sum": "1.70", "mean": "0.85", "largest": "1.00"}},
        "values": {},
        "outcomes_changed": 1,
        "refused": {"count": 1, "samples": [{"request_id": "r-5", "why": refusal(report(fees))}]},
        "newly_uncovered": {"count": 1, "samples": [{"request_id": "r-3"}]},
        "not_compared": {"count": 0, "samples": []},
        "newly_decided": 0,
    }
    assert refusal(report(fees)).startswith("place: ")


def refusal(found: dict[str, object]) -> str:
    refused = found["refused"]
    assert isinstance(refused, dict)
    return str(refused["samples"][0]["why"])


def test_a_shadow_has_no_consequences(fees: Api, ask: Ask) -> None:
    fees.client.post(SHADOW, {"version": 2, "share": 100})
    ask("r-1", fee=5)
    fees.service.shadows.work()
    entries = fees.service.store.audit_entries(AuditQuery(request_id="r-1")).items
    assert [entry.entry_type for entry in entries] == ["request", "response"]
    assert '"fee":"5.50"' in entries[1].raw_data
    for lane in Lane:
        assert fees.service.store.claim(lane, fees.clock.now(), timedelta(minutes=1), 10) == ()


def test_only_its_share_of_the_requests_is_compared_and_always_the_same_ones(fees: Api, ask: Ask) -> None:
    def compared() -> list[str]:
        fees.client.post(SHADOW, {"version": 2, "share": 20})
        for number in range(60):
            ask(f"r-{number}", fee=5)
        fees.service.shadows.work()
        changes = report(fees)["changes"]
        assert isinstance(changes, list)
        assert 4 <= changes[0]["count"] <= 20
        samples: list[str] = changes[0]["samples"]
        return samples

    assert compared() == compared()


def test_two_processes_add_up(fees: Api, ask: Ask) -> None:
    fees.client.post(SHADOW, {"version": 2, "share": 100})
    ask("r-1", fee=5)
    fees.service.shadows.work()
    ask("r-2", fee=5)
    fees.service.shadows.work()
    assert report(fees)["requests"] == 2


def test_every_api_process_compares_by_itself(fees: Api, ask: Ask) -> None:
    fees.client.post(SHADOW, {"version": 2, "share": 100})
    ask("r-1", fee=5)
    for task in fees.service.api_tasks():
        task.do()
    assert report(fees)["requests"] == 1


def test_a_fact_that_only_one_version_declares_is_no_difference(fees: Api, ask: Ask) -> None:
    shown = fees.client.get("/v1/rulesets/fees").json()["active"]
    assert isinstance(shown, dict)
    more = FILE.replace("facts:", "facts:\n  size: {type: integer, optional: true}")
    headers = {"Content-Type": "application/yaml", "If-Match": f'"{shown["sha256"]}"'}
    later = "/v1/rulesets/fees/versions?effective_from=2027-01-01T00:00:00Z"
    assert fees.client.call("POST", later, body=more, headers=headers).status == 201
    fees.client.post(SHADOW, {"version": 3, "share": 100})
    ask("r-1", fee=5, size=7)
    fees.service.shadows.work()
    assert (report(fees)["requests"], report(fees)["changed"]) == (1, 0)


def test_a_dropped_shadow_is_asked_no_more(fees: Api, ask: Ask) -> None:
    fees.client.post(SHADOW, {"version": 2, "share": 100})
    ask("r-1", fee=5)
    assert fees.client.call("DELETE", SHADOW).status == 204
    ask("r-2", fee=5)
    fees.service.shadows.work()
    assert fees.client.get(SHADOW).status == 404
    assert fees.client.call("DELETE", SHADOW).status == 404


def test_a_new_shadow_begins_at_nothing(fees: Api, ask: Ask) -> None:
    fees.client.post(SHADOW, {"version": 2, "share": 100})
    ask("r-1", fee=5)
    fees.clock.advance(timedelta(seconds=1))
    fees.client.post(SHADOW, {"version": 1, "share": 100})
    fees.service.shadows.work()  # what was noted for the first shadow is not counted with the second
    ask("r-2", fee=5)
    fees.service.shadows.work()
    assert (report(fees)["requests"], report(fees)["changed"]) == (1, 0)


def test_a_shadow_that_fails_hurts_no_answer_and_is_counted_as_skipped(fees: Api) -> None:
    def compiled(ruleset: Ruleset) -> Compiled:
        stricter = ruleset.facts["place"].values is not None
        return Compiled(ruleset, Wrong) if stricter else Compiled(ruleset)

    live = ActiveVersions(fees.service.library, fees.clock, compiled=compiled)
    shadows = Shadows(live, fees.service.store, fees.clock)
    client = client_of(fees, Evaluations(live, fees.service.store, fees.clock, shadows=shadows))
    shadows.cast("fees", 2, 100, "test app")
    answer = client.post("/v1/rulesets/fees/evaluations", {"request": {"fee": 5}})
    assert (answer.status, answer.json()["fired"]) == (200, ["Small"])
    shadows.work()
    shadows.work()
    assert (shadows.watched("fees").skipped, shadows.watched("fees").tally.requests) == (1, 0)


def test_what_cannot_be_a_shadow_is_refused(fees: Api) -> None:
    assert fees.client.post(SHADOW, {"version": 9, "share": 10}).status == 404
    assert fees.client.post(SHADOW, {"version": 2, "share": 0}).status == 422
    assert fees.client.get("/v1/rulesets/none/shadow").status == 404
    reader = fees.client_with(Scope.RULES_READ)
    assert reader.post(SHADOW, {"version": 2, "share": 10}).status == 403
    assert reader.call("DELETE", SHADOW).status == 403
