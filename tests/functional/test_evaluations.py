"""Evaluating: what is answered, what is refused and what is committed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from service.core.enums import Lane, Scope
from service.evaluations.flow import EvaluatedCall
from service.storage import AuditQuery
from tests.functional.client import ROOT
from tests.functional.conftest import NOON, Api
from tests.functional.evaluating import (
    ORDERS,
    PREMIUM,
    audited,
    call,
    counted,
    errors,
    facts,
    order,
    put,
    types,
)

REPEATED_ON_AWS = frozenset(
    {
        "test_a_repeated_call_with_an_idempotency_key_is_evaluated_once",
        "test_outcomes_are_committed_with_the_answer_each_as_an_item_of_its_own",
        "test_an_evaluation_repeated_after_a_crash_answers_as_the_first_did_and_asks_for_nothing_twice",
        "test_an_evaluation_is_looked_up_with_why_and_how_far_each_outcome_got",
    }
)

DATED = """
ruleset: dated
facts:
  fee: {type: decimal, scale: 2}
rules:
  - name: New year
    when: today >= "2027-01-01"
    then: [{increase: fee, by: 10%}]
"""


@pytest.fixture
def premium(api: Api) -> Api:
    put(api, (ROOT / "rules" / "premium.yaml").read_text())
    return api


# --- what is refused ---------------------------------------------------------------------------------------------


def test_every_bad_fact_is_named_at_once_and_the_refusal_is_audited(premium: Api) -> None:
    bad = {"driver": {"age": "1_8"}, "car": {"style": "SPORTS", "color": None}, "policy": {"id": 7, "premium": "3O0"}}
    answer = premium.client.post(PREMIUM, {"context": {"request_id": "R"}, "request": bad})
    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert list(errors(answer)) == ["driver.age", "car.color", "policy.id", "policy.premium"]
    assert "line" in errors(answer)["driver.age"]
    assert types(premium) == ["request", "exception"]
    assert "driver.age" in audited(premium)[1].raw_data


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("{", 400, "malformed-json"),
        ('{"request": {"a": 1, "a": 2}}', 400, "malformed-json"),
        ('{"request": {"a": NaN}}', 400, "malformed-json"),
        ("\xff\xfe", 400, "malformed-json"),
        ("[" * 100_000, 400, "malformed-json"),
        ("[]", 422, "invalid"),
        ("{}", 422, "invalid"),
        ('{"request": []}', 422, "invalid"),
        ('{"request": {}, "contxt": {}}', 422, "invalid"),
        ('{"request": {}, "context": {"request_id": ""}}', 422, "invalid"),
        ('{"request": {}, "context": {"request_id": "a\\nb"}}', 422, "invalid"),
        ('{"request": {}, "context": {"as_of": "yesterday"}}', 422, "invalid"),
        ('{"request": {}, "context": {"as_of": "9999-12-31T23:59:59-05:00"}}', 422, "invalid"),
        ('{"request": {}, "context": {"as_of": "2026-01-01T00:00:00"}}', 422, "invalid"),
    ],
)
def test_a_body_that_is_no_evaluation_request_is_refused(premium: Api, body: str, status: int, kind: str) -> None:
    raw = body.encode("latin-1")
    answer = premium.client.call("POST", PREMIUM, body=raw, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json()["type"]) == (status, f"/problems/{kind}")


def test_without_a_key_without_the_scope_for_an_unknown_ruleset_too_large_or_of_another_type(premium: Api) -> None:
    body = {"request": facts()}
    client = premium.client
    assert client.with_key(None).post(PREMIUM, body).status == 401
    assert client.with_key("wrong").post(PREMIUM, body).status == 401
    assert premium.client_with(Scope.AUDIT).post(PREMIUM, body).status == 403
    assert premium.client_with(Scope.EVALUATE).get("/v1/audit").status == 403
    unknown = client.post("/v1/rulesets/premum/evaluations", body)
    assert (unknown.status, "premium" in str(unknown.json()["detail"])) == (404, True)
    assert client.post(PREMIUM, {"request": {"driver": {"name": "x" * 300_000}}}).status == 413
    as_form = client.call("POST", PREMIUM, body="a=1", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert as_form.status == 415
    assert list(premium.service.store.audit_entries(AuditQuery()).items) == []  # nothing could be decided


def test_an_action_that_would_leave_the_facts_range_is_refused_by_path(api: Api) -> None:
    put(api, DATED.replace("scale: 2", "scale: 2, max: 100").replace('today >= "2027-01-01"', "fee > 0"))
    body = {"context": {"request_id": "R"}, "request": {"fee": 95}}
    answer = api.client.post("/v1/rulesets/dated/evaluations", body)
    assert (answer.status, list(errors(answer))) == (422, ["fee"])
    assert types(api) == ["request", "exception"]


def test_two_rules_at_once_where_one_is_allowed_is_an_error_of_the_request(api: Api) -> None:
    put(api, ORDERS.replace("hit: all", "hit: unique").replace("<= 1000.00", "> 500.00"))
    answer = api.client.post("/v1/rulesets/orders/evaluations", order("2000"))
    assert answer.status == 422
    assert "Large" in answer.text
    assert types(api) == ["request", "exception"]


# --- what is answered --------------------------------------------------------------------------------------------


def test_decimals_keep_their_scale_and_undeclared_facts_pass_through(premium: Api) -> None:
    request = {**facts(40, premium="1e2"), "extra": {"deep": [1, 0.10, None, "ü"]}}
    result = premium.client.post(PREMIUM, {"request": request}).json()["result"]
    assert isinstance(result, dict)
    assert result["extra"] == {"deep": [1, Decimal("0.10"), None, "ü"]}
    assert result["policy"] == {"id": "p", "premium": "110.00"}


def test_an_explanation_says_for_each_rule_why_or_why_not(premium: Api) -> None:
    body = {"context": {"request_id": "R"}, "request": facts("22")}
    answer = premium.client.post(f"{PREMIUM}?explain=true", body)
    explanation = answer.json()["explanation"]
    assert isinstance(explanation, dict)
    assert [(rule["rule"], rule["fired"]) for rule in explanation["rules"]] == [
        ("High Risk", False),
        ("Med Risk", True),
    ]
    assert '"driver.age is 22"' in answer.text
    assert "explanation" not in premium.client.post(PREMIUM, body).json()
    assert "explanation" not in audited(premium)[1].raw_data  # it follows from the request and the version


def test_as_of_decides_with_the_version_and_the_date_of_that_instant(api: Api) -> None:
    put(api, DATED)
    api.clock.advance(timedelta(days=1))
    put(api, DATED.replace("10%", "50%"))

    def fee(as_of: str | None) -> tuple[object, object]:
        context = {"as_of": as_of} if as_of else {}
        answer = api.client.post("/v1/rulesets/dated/evaluations", {"context": context, "request": {"fee": 100}}).json()
        assert isinstance(answer["result"], dict)
        assert isinstance(answer["ruleset"], dict)
        return answer["ruleset"]["version"], answer["result"]["fee"]

    assert fee(None) == (2, "100.00")
    assert fee("2026-05-10T13:00:00Z") == (1, "100.00")
    assert fee("2027-01-01") == (2, "150.00")
    assert fee("2026-12-31T23:59:59-01:00") == (2, "150.00")  # already 2027 in UTC


def test_as_of_before_the_first_version_is_refused(api: Api) -> None:
    put(api, DATED)
    body = {"context": {"request_id": "R", "as_of": "2020-01-01"}, "request": {"fee": 100}}
    answer = api.client.post("/v1/rulesets/dated/evaluations", body)
    assert (answer.status, list(errors(answer))) == (422, ["context.as_of"])
    assert types(api) == ["request", "exception"]


def test_a_repeated_call_with_an_idempotency_key_is_evaluated_once(premium: Api) -> None:
    body = {"context": {"request_id": "R"}, "request": facts()}
    key = {"Idempotency-Key": "k-1"}
    first, second = premium.client.post(PREMIUM, body, key), premium.client.post(PREMIUM, body, key)
    assert first.text == second.text
    assert second.headers["Idempotency-Replayed"] == "true"
    assert types(premium) == ["request", "response"]
    assert premium.client.post(PREMIUM, {"request": facts("22")}, key).status == 422


# --- what is committed with the answer ---------------------------------------------------------------------------


def test_outcomes_are_committed_with_the_answer_each_as_an_item_of_its_own(api: Api) -> None:
    put(api, ORDERS)
    answer = api.client.post("/v1/rulesets/orders/evaluations", order("1000.01")).json()
    evaluation_id = str(answer["evaluation_id"])
    found = [api.service.store.get(f"{evaluation_id}-{number}") for number in range(1, 6)]
    review, notify, incident, emit = (item for item in found if item is not None)
    assert found[4] is None
    kinds = [item.kind for item in (review, notify, incident, emit)]
    assert kinds == ["outcome-review", "outcome-notify", "outcome-incident", "outcome-emit"]
    assert [item.due_at for item in (review, notify, incident, emit)] == [None, NOON, NOON, NOON]
    assert [item.lane for item in (notify, incident, emit)] == [Lane.TRANSACTIONAL, Lane.INCIDENT, Lane.TRANSACTIONAL]
    assert [item.state["outcome"] for item in (review, notify, incident, emit)] == answer["outcomes"]
    assert review.state["request_id"] == "R"
    assert review.state["ruleset"] == answer["ruleset"]
    assert [item.id for item in api.service.store.by_index("reviews", "open").items] == [review.id]
    outcome = review.state["outcome"]
    assert isinstance(outcome, Mapping)
    assert outcome["reason"] == "Order o-1 of 1000.01"


def test_accepting_asks_nobody_to_do_anything(api: Api) -> None:
    put(api, ORDERS)
    answer = api.client.post("/v1/rulesets/orders/evaluations", order("5")).json()
    assert answer["outcomes"] == [{"outcome": "accept", "rule": "Small"}]
    assert api.service.store.get(f"{answer['evaluation_id']}-1") is None


def test_an_evaluation_repeated_after_a_crash_answers_as_the_first_did_and_asks_for_nothing_twice(api: Api) -> None:
    put(api, ORDERS)
    first = api.service.evaluations.evaluate(call(amount="2000"), EvaluatedCall.as_json)
    api.clock.advance(timedelta(seconds=61))
    put(api, ORDERS.replace("1000.00", "5000.00"))  # it would be decided otherwise now
    second = api.service.evaluations.evaluate(call(amount="2000"), EvaluatedCall.as_json)
    assert second.raw_data == first.raw_data
    assert types(api) == ["request", "response", "request"]
    assert len(api.service.store.by_index("reviews", "open").items) == 1


def test_an_answer_whose_outcomes_cannot_be_committed_is_not_given_and_not_recorded(api: Api) -> None:
    put(api, ORDERS.replace("- emit: order-large", "- emit: order-large\n" + "      - emit: again\n" * 100))
    answer = api.client.post("/v1/rulesets/orders/evaluations", order("2000"))
    assert (answer.status, answer.json()["type"]) == (413, "/problems/too-large")
    assert types(api) == ["request", "exception"]
    assert list(api.service.store.by_index("reviews", "open").items) == []


def test_decisions_and_fired_rules_are_counted(premium: Api) -> None:
    metric = 'tocsin_rules_fired_total{rule="High Risk",ruleset="premium",version="1"}'
    before = counted(premium, metric)
    for age in ("18", "19", "22"):
        premium.client.post(PREMIUM, {"request": facts(age)})
    fired_at = premium.clock.now()
    premium.clock.advance(timedelta(seconds=1))
    premium.client.post("/v1/rulesets/premium/dry-run", {"request": facts("18")})
    assert counted(premium, metric) == before + 2
    last = 'tocsin_rule_last_fired_timestamp_seconds{rule="High Risk",ruleset="premium",version="1"}'
    assert counted(premium, last) == fired_at.timestamp()


# --- looking back --------------------------------------------------------------------------------------------------


def test_an_evaluation_is_looked_up_with_why_and_how_far_each_outcome_got(api: Api) -> None:
    put(api, ORDERS)
    asked = {"context": {"request_id": "REQ-1"}, "request": {"order": {"id": "A", "amount": "5.00"}}}
    answer = api.client.post("/v1/rulesets/orders/evaluations", asked).json()
    past = api.client.get(f"/v1/evaluations/{answer['evaluation_id']}?explain=true").json()
    assert (past["request_id"], past["via"], past["fired"]) == ("REQ-1", "evaluations", ["Small"])
    assert (past["request"], past["answer"]) == (asked, answer)
    assert past["outcomes"] == []
    assert [rule["fired"] for rule in past["explanation"]["rules"]] == [False, True]  # type: ignore[index]


def test_an_outcome_that_waits_for_a_person_says_so(api: Api) -> None:
    put(api, "ruleset: flags\nfacts:\n  n: {type: integer}\nrules:\n  - {name: Any, then: [{flag for review: look}]}\n")
    answer = api.client.post("/v1/rulesets/flags/evaluations", {"request": {"n": 1}}).json()
    past = api.client.get(f"/v1/evaluations/{answer['evaluation_id']}").json()
    outcomes = past["outcomes"]
    assert isinstance(outcomes, list)
    assert [outcome["state"] for outcome in outcomes] == ["waits_for_review"]
    assert "explanation" not in past or past["explanation"] is None


def test_the_explanation_is_that_of_the_version_that_decided(premium: Api) -> None:
    answer = premium.client.post(PREMIUM, {"request": facts()}).json()
    put(premium, (ROOT / "rules" / "premium.yaml").read_text().replace("driver.age < 21", "driver.age < 17"))
    past = premium.client.get(f"/v1/evaluations/{answer['evaluation_id']}?explain=true").json()
    assert "driver.age < 21" in str(past["explanation"])


def test_an_evaluation_that_never_was_is_404(api: Api) -> None:
    assert api.client.get("/v1/evaluations/nothing").status == 404
