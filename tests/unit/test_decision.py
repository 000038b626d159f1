"""Decisions: which rules take effect, what their actions make of the facts, what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import pytest

from service.decide.decision import ActionRefused, DecidedBy, NotUnique
from service.decide.memo import Memo
from service.decide.outcomes import ContactWanted, IncidentWanted, NotificationWanted
from service.decide.ruleset import Value
from tests.unit.rule_worlds import compiled, decide

PREMIUM = """
ruleset: premium
facts:
  driver.age:     {type: integer, min: 0, max: 130}
  car.style:      {type: text}
  car.color:      {type: text}
  policy.premium: {type: decimal, scale: 2, min: 0}
rules:
  - name: High Risk
    when: car.style == "SPORTS" and car.color == "RED" and driver.age < 21
    then: [{increase: policy.premium, by: 20%}]
  - name: Med Risk
    when: car.style == "SPORTS" and car.color == "RED" and driver.age > 21
    then: [{increase: policy.premium, by: 10%}]
"""


def sports_car(age: object) -> dict[str, object]:
    return {"driver": {"age": age}, "car": {"style": "SPORTS", "color": "RED"}, "policy": {"premium": "300"}}


@pytest.mark.parametrize(
    ("age", "fired", "premium"),
    [("18", ("High Risk",), "360.00"), (22, ("Med Risk",), "330.00"), (21, (), "300.00")],
)
def test_a_red_sports_car_costs_more_for_all_but_21_year_olds(
    age: object, fired: tuple[str, ...], premium: str
) -> None:
    decision = decide(compiled(PREMIUM), sports_car(age))
    assert (decision.fired, str(decision.facts["policy.premium"])) == (fired, premium)


def test_the_engine_decides_once_and_the_memo_remembers_what_rules_cannot_tell_apart() -> None:
    rules = compiled(PREMIUM)
    first, second, third = (decide(rules, sports_car(age)) for age in (18, 20, 21))
    assert [one.decided_by for one in (first, second, third)] == [DecidedBy.ENGINE, DecidedBy.MEMO, DecidedBy.ENGINE]
    assert first.signature == second.signature != third.signature


def test_the_facts_that_were_given_are_not_changed() -> None:
    given: dict[str, Value] = {
        "driver.age": 18,
        "car.style": "SPORTS",
        "car.color": "RED",
        "policy.premium": Decimal(300),
    }
    before = dict(given)
    assert compiled(PREMIUM).decide(given).facts != before
    assert given == before


def overlapping(hit: str) -> str:
    return f"""
ruleset: overlapping
facts: {{n: {{type: integer}}, price: {{type: decimal, scale: 2}}}}
hit: {hit}
rules:
  - {{name: over 10, when: n > 10, then: [{{increase: price, by: 1.00}}]}}
  - {{name: over 20, when: n > 20, then: [{{increase: price, by: 10.00}}]}}
"""


@pytest.mark.parametrize(
    ("hit", "fired", "price"), [("first", ("over 10",), "1.00"), ("all", ("over 10", "over 20"), "11.00")]
)
def test_hit_policies_decide_which_matching_rules_take_effect(hit: str, fired: tuple[str, ...], price: str) -> None:
    decision = decide(compiled(overlapping(hit)), {"n": 30, "price": 0})
    assert (decision.fired, str(decision.facts["price"])) == (fired, price)


def test_two_matches_where_only_one_may_be_are_refused_every_time() -> None:
    rules = compiled(overlapping("unique"))
    for _ in range(2):
        with pytest.raises(NotUnique, match='"over 10", "over 20" all match'):
            decide(rules, {"n": 30, "price": 0})
    assert decide(rules, {"n": 15, "price": 0}).fired == ("over 10",)


def acting(*actions: str, declared: str = "{type: decimal, scale: 2, min: 0, max: 1000}") -> str:
    return f"""
ruleset: acting
facts:
  price: {declared}
  count: {{type: integer, optional: true}}
  name: {{type: text, optional: true}}
  label: {{type: text, optional: true}}
rules: [{{name: act, when: always, then: [{", ".join(actions)}]}}]
"""


@pytest.mark.parametrize(
    ("actions", "before", "after"),
    [
        (["{increase: price, by: 0.5%}"], "1.00", "1.00"),
        (["{increase: price, by: 0.5%}"], "3.00", "3.02"),
        (["{increase: price, by: 0.5%}"], "5.00", "5.02"),
        (["{increase: price, by: 0.5%}", "{increase: price, by: 0.5%}"], "3.00", "3.04"),
        (["{decrease: price, by: 33.333333%}"], "100", "66.67"),
        (["{increase: price, by: 20%}", "{cap: price, at: 110}"], "100", "110.00"),
        (["{cap: price, at: 110}", "{increase: price, by: 20%}"], "100", "120.00"),
        (["{decrease: price, by: 5.00}"], "5", "0.00"),
        (["{set: price, to: 7}", "{increase: price, by: 100%}"], "5", "14.00"),
    ],
)
def test_money_is_exact_and_rounded_half_even_once_per_action(actions: list[str], before: str, after: str) -> None:
    assert str(decide(compiled(acting(*actions)), {"price": before}).facts["price"]) == after


def test_the_largest_amounts_at_the_finest_scale_keep_every_digit() -> None:
    rules = compiled(acting("{increase: price, by: 0.000001%}", declared="{type: decimal, scale: 12}"))
    decision = decide(rules, {"price": "99999999999999999.999999999999"})
    exact = round(Fraction((10**29 - 1) * (10**8 + 1), 10**8))
    assert decision.facts["price"] == Decimal(f"{exact}e-12")


def test_whole_numbers_stay_whole() -> None:
    rules = compiled(acting("{increase: count, by: 10%}"))
    assert [decide(rules, {"price": 0, "count": n}).facts["count"] for n in (5, 15, 25)] == [6, 16, 28]


@pytest.mark.parametrize(
    ("action", "request_", "message"),
    [
        ("{increase: price, by: 20%}", {"price": 900}, 'price: rule "act" would make it 1080.00 is outside'),
        ("{decrease: price, by: 5.00}", {"price": 4}, 'price: rule "act" would make it -1.00 is outside'),
        ("{increase: count, by: 1}", {"price": 0}, 'count: rule "act" .* missing'),
        ("{increase: count, by: 900%}", {"price": 0, "count": 10**17}, "not below 10\\^18"),
        ('{set: label, to: "{{ name }}{{ name }}"}', {"price": 0, "name": "x" * 600_000}, "more than 1,000,000"),
    ],
)
def test_what_would_leave_a_fact_outside_its_declaration_is_refused(
    action: str, request_: Mapping[str, object], message: str
) -> None:
    with pytest.raises(ActionRefused, match=message):
        decide(compiled(acting(action)), request_)


def test_a_missing_fact_is_not_above_a_cap() -> None:
    assert "count" not in decide(compiled(acting("{cap: count, at: 5}")), {"price": 0}).facts


def test_texts_read_facts_as_they_are_answered_and_a_missing_one_as_nothing() -> None:
    rules = compiled(acting("{increase: price, by: 10%}", '{set: label, to: "{{ name }}: {{ price }} x{{ count }}"}'))
    assert decide(rules, {"price": 100, "name": "Ann"}).facts["label"] == "Ann: 110.00 x"


ASKING = """
ruleset: asking
facts: {n: {type: integer}, who: {type: text}, phone: {type: text}}
rules:
  - name: everything
    when: n > 0
    then:
      - accept
      - {flag for review: "{{ who }} again"}
      - {reject: "no"}
      - {notify: follow-up, audience: "team-{{ who }}", variables: {count: "{{ n }}"}}
      - {notify: follow-up, recipients: ["{{ who }}", boss]}
      - {open incident: "{{ who }} fell", policy: default, contacts: [{name: Ann, phone: "{{ phone }}"}, boss]}
      - {emit: lead-won}
"""


def test_outcomes_say_what_is_asked_for_with_facts_filled_in() -> None:
    outcomes = decide(compiled(ASKING), {"n": 2, "who": "bob", "phone": "+447700900123"}).outcomes
    assert [outcome.verb for outcome in outcomes] == [
        "accept",
        "flag for review",
        "reject",
        "notify",
        "notify",
        "open incident",
        "emit",
    ]
    assert outcomes[3] == NotificationWanted("everything", "follow-up", "team-bob", (), {"count": "2"})
    ann, boss = ContactWanted(name="Ann", phone="+447700900123"), ContactWanted(recipient="boss")
    assert outcomes[5] == IncidentWanted("everything", "bob fell", "default", (ann, boss))


def test_outcomes_as_json_name_their_verb_and_rule_and_leave_out_what_was_not_said() -> None:
    outcomes = decide(compiled(ASKING), {"n": 2, "who": "bob", "phone": "+447700900123"}).outcomes
    accepted, flagged, _, _, named, incident, emitted = [outcome.as_json() for outcome in outcomes]
    assert accepted == {"outcome": "accept", "rule": "everything"}
    assert flagged == {"outcome": "flag for review", "rule": "everything", "reason": "bob again"}
    assert named == {
        "outcome": "notify",
        "rule": "everything",
        "template": "follow-up",
        "recipients": ["bob", "boss"],
    }
    assert incident["contacts"] == [{"name": "Ann", "phone": "+447700900123"}, {"recipient": "boss"}]
    assert emitted == {"outcome": "emit", "rule": "everything", "event": "lead-won"}


def test_the_memo_is_bounded_in_entries_and_in_bytes_and_keeps_what_is_asked_for() -> None:
    few: Memo[int, str] = Memo(entries=100, size=10**9)
    small: Memo[int, str] = Memo(entries=10**9, size=10_000)
    for number in range(10_000):
        few.put(number, str(number), size=100)
        small.put(number, str(number), size=100)
        assert few.get(0) == small.get(0) == "0"
    assert len(few) <= 100
    assert len(small) <= 100
    assert few.get(9_999) == "9999"
    assert few.get(5_000) is None
