"""Explanations: why each rule fired or did not, with the values, meaning what the decision meant."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.decide import facts as request_facts
from service.decide.decision import Compiled
from service.decide.explain import ExplainedComparison, Explanation, Truth, explain, matching
from service.decide.ruleset import Ruleset
from service.decide.wording import condition_text
from tests.unit.rule_worlds import TODAY, compiled, oracle, requests, rulesets, truth

UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]

RULES = """
ruleset: premium
facts:
  driver.age: {type: integer}
  driver.licence: {type: date, optional: true}
  price: {type: decimal, scale: 2}
  car.color: {type: text}
hit: first
rules:
  - {name: Young, when: driver.age < 21, then: [accept], why: Young drivers claim more often.}
  - {name: Red, when: 'car.color == "RED" and not (price > 10.5 or driver.licence < "2020-01-01")', then: [accept]}
  - {name: Else, when: always, then: [accept]}
"""


def explained(request: dict[str, object]) -> Explanation:
    rules = compiled(RULES)
    facts = request_facts.read(rules.ruleset, request, TODAY)
    return explain(rules.ruleset, facts, rules.decide(facts))


def test_each_rule_says_with_the_values_what_held_and_what_did_not() -> None:
    text = explained({"driver": {"age": 22}, "price": 9, "car": {"color": "RED"}}).as_text()
    assert text.splitlines() == [
        "Young: did not fire",
        "  driver.age is 22, so driver.age < 21 does not hold",
        "Red: did not fire",
        '  car.color is "RED", so car.color == "RED" holds',
        "  price is 9.00, so price > 10.50 does not hold (under a not)",
        '  driver.licence is missing, so driver.licence < "2020-01-01" is unknown (under a not)',
        "Else: fired",
        "  always holds",
    ]


def test_a_rule_that_matched_after_the_first_says_so() -> None:
    young, _, other = explained({"driver": {"age": 18}, "price": 9, "car": {"color": "BLUE"}}).rules
    assert young.as_text().splitlines()[0] == "Young: fired (Young drivers claim more often.)"
    assert other.verdict == "matched, but an earlier rule took effect (hit: first)"


def test_as_json_nothing_is_lost_and_unknown_is_null() -> None:
    explanation = explained({"driver": {"age": 22}, "price": 9, "car": {"color": "RED"}}).as_json()
    rules = json.loads(json.dumps(explanation))["rules"]
    assert rules[0] == {
        "rule": "Young",
        "fired": False,
        "verdict": "did not fire",
        "condition": {"condition": "driver.age < 21", "holds": False, "because": "driver.age is 22"},
        "why": "Young drivers claim more often.",
    }
    assert rules[1]["condition"]["holds"] is None
    assert rules[1]["condition"]["and"][1]["not"][0]["or"][1]["holds"] is None


def test_a_long_text_is_quoted_in_part() -> None:
    text = explained({"driver": {"age": 22}, "price": 9, "car": {"color": "x" * 70_000}}).as_text()
    assert "xxx…" in text
    assert len(text) < 2_000


@settings(max_examples=40, deadline=None, suppress_health_check=UNHURRIED)
@given(rulesets(max_rules=10), st.data())
def test_an_explanation_means_what_the_decision_and_the_oracle_mean(ruleset: Ruleset, data: st.DataObject) -> None:
    rules = Compiled(ruleset)
    for _ in range(5):
        facts = data.draw(requests(ruleset))
        explanation = explain(ruleset, facts, rules.decide(facts))
        held = tuple(rule.rule for rule in explanation.rules if rule.condition.truth is Truth.HELD)
        fired = tuple(rule.rule for rule in explanation.rules if rule.fired)
        assert held == fired == matching(ruleset, facts) == oracle(ruleset, facts)
        for rule, one in zip(ruleset.rules, explanation.rules, strict=True):
            assert one.condition.truth.as_json == truth(rule.when, facts)
            assert isinstance(one.condition, ExplainedComparison) or one.condition.clauses


@pytest.mark.parametrize(
    "when",
    [
        "driver.age < 21",
        "not (driver.age >= 21 or price > 10.50) and driver.licence is missing",
        'driver.licence between "2020-01-01" and "2020-12-31"',
        """car.color in ["RED", 'say "blue"', ""]""",
        "price != driver.age",
        '(always or driver.age == -1) and not car.color == "RED"',
    ],
)
def test_a_condition_is_shown_as_it_was_written(when: str) -> None:
    source = RULES.replace("driver.age < 21,", f"{json.dumps(when)},")
    rules = compiled(source).ruleset
    assert condition_text(rules.rules[0].when, rules.facts) == when
