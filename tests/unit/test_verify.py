"""What an administrator is told about rules that parse but cannot be meant."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from service.core import exact_json
from service.decide import language
from service.decide.findings import Finding, Flaw, Severity
from service.decide.verify import verify_ruleset
from service.decide.verify.world import MAX_SHOWN
from service.rulesets import gate
from tests.unit.rule_files import sound
from tests.unit.rule_worlds import compiled, decide

HEAD = """\
ruleset: fees
facts:
  age:     {type: integer, min: 0, max: 130}
  points:  {type: integer, optional: true}
  country: {type: text, values: [NO, SE, DK]}
  plan:    {type: text}
  fee:     {type: decimal, scale: 2}
"""


def fees(*rules: tuple[str, str], frame: str = "hit: all") -> str:
    """A rule file whose rules are named A, B, … and have these conditions and actions."""
    lines = [
        f"  - {{name: {chr(65 + n)}, when: '{when}', then: [{braced(then)}]}}" for n, (when, then) in enumerate(rules)
    ]
    return f"{HEAD}{frame}\nrules:\n" + "\n".join(lines) + "\n"


def braced(then: str) -> str:
    """An action as a list holds it: verbs with a value are mappings."""
    return f"{{{then}}}" if ":" in then else then


def said(text: str) -> list[tuple[str, str, str | None, str]]:
    return [(one.severity.value, one.kind.value, one.rule, one.message) for one in verify_ruleset(sound(text))]


def the_only(findings: Sequence[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def test_the_shipped_premium_file_has_exactly_the_gap_of_the_sample_and_shows_it() -> None:
    source = Path("rules/premium.yaml").read_text(encoding="utf-8")
    gap = the_only(verify_ruleset(sound(source)))
    assert (gap.kind, gap.severity, gap.at.line) == (Flaw.GAP, Severity.WARNING, 11)
    assert "driver.age is 21 and car.style is SPORTS and car.color is RED" in gap.message
    assert gap.example == {
        "driver": {"age": 21},
        "car": {"style": "SPORTS", "color": "RED"},
        "policy": {"id": "example", "premium": "100.00"},
    }
    assert decide(compiled(source), gap.example).fired == ()


@pytest.mark.parametrize("name", ["gas-leak", "lead", "purchase", "sentiment"])
def test_the_other_shipped_files_have_nothing_to_report(name: str) -> None:
    assert verify_ruleset(sound(Path(f"rules/{name}.yaml").read_text(encoding="utf-8"))) == ()


def test_a_gap_inside_must_cover_is_an_error_at_its_condition() -> None:
    text = fees(("age < 21", "accept"), ("age > 21 and country != NO", "accept"), frame="must_cover: age >= 18")
    gaps = verify_ruleset(sound(text))
    assert {(one.kind, one.severity, one.at) for one in gaps} == {(Flaw.GAP, Severity.ERROR, gaps[0].at)}
    assert [one.message for one in gaps] == [
        "no rule holds where age is 22 or more and country is NO, though must_cover asks for one",
        "no rule holds where age is 21, though must_cover asks for one",
    ]


def test_a_gap_is_not_looked_for_where_nobody_asks() -> None:
    assert said(fees(("age < 21", "accept"))) == []


def test_a_negated_comparison_leaves_a_gap_where_the_fact_is_missing() -> None:
    text = fees(("points > 5", "accept"), ("not (points > 5)", "accept"), frame="must_cover: always")
    gap = the_only(verify_ruleset(sound(text)))
    assert "points is missing" in gap.message
    assert gap.example is not None
    assert "points" not in gap.example


def test_rules_that_may_not_meet_under_unique_are_an_error_with_a_request_that_both_match() -> None:
    text = fees(("age < 21", "set: fee, to: 1.00"), ("age <= 21", "set: fee, to: 2.00"), frame="hit: unique")
    overlap = the_only(verify_ruleset(sound(text)))
    assert (overlap.severity, overlap.kind, overlap.rule) == (Severity.ERROR, Flaw.OVERLAP, "B")
    assert overlap.message == '"A" (line 10) and "B" both hold where age is under 21: hit: unique allows one'
    assert overlap.example is not None
    assert json.loads(exact_json.dumps(overlap.example))["age"] < 21


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("increase: fee, by: 20%", "increase: fee, by: 10", "both change fee"),
        ("decrease: fee, by: 1", "increase: fee, by: 10%", "both change fee"),
        ("set: fee, to: 1", "set: fee, to: 2", "both change fee"),
        ("set: fee, to: 1", "increase: fee, by: 2", "both change fee"),
        ("increase: fee, by: 5}, {cap: fee, at: 10", "increase: fee, by: 2", "both change fee"),
        ("accept", 'reject: "no"', "the first accepts, the second rejects"),
        ("accept", 'flag for review: "look"', "the first accepts, the second flags for review"),
        ("cap: fee, at: 10", "increase: fee, by: 10%", "both change fee"),
    ],
)
def test_contradictions_under_all_are_warnings(first: str, second: str, message: str) -> None:
    overlap = the_only(verify_ruleset(sound(fees(("age > 18", first), ("age > 65", second)))))
    assert (overlap.severity, overlap.kind) == (Severity.WARNING, Flaw.OVERLAP)
    assert overlap.message.endswith(f"both hold where age is 66 or more: {message}")


@pytest.mark.parametrize(
    ("first", "second", "frame"),
    [
        ("increase: fee, by: 20%", "increase: fee, by: 20%", "hit: all"),
        ("increase: fee, by: 20", "decrease: fee, by: 10", "hit: all"),
        ("increase: fee, by: 20%", "decrease: fee, by: 10%", "hit: all"),
        ("increase: fee, by: 20%", "cap: fee, at: 10", "hit: all"),
        ("increase: fee, by: 20%", "emit: raised", "hit: all"),
        ("accept", "emit: raised", "hit: all"),
        ("accept", 'reject: "no"', "hit: first"),
    ],
)
def test_rules_that_get_along_are_not_reported(first: str, second: str, frame: str) -> None:
    assert said(fees(("age > 18", first), ("age > 16", second), frame=frame)) == []


@pytest.mark.parametrize(("hit", "severity"), [("hit: all", Severity.WARNING), ("hit: unique", Severity.ERROR)])
def test_two_rules_that_always_hold_and_clash_are_shown_with_a_request(hit: str, severity: Severity) -> None:
    overlap = the_only(
        verify_ruleset(sound(fees(("always", "increase: fee, by: 5"), ("always", "set: fee, to: 20"), frame=hit)))
    )
    assert (overlap.severity, overlap.kind, overlap.rule) == (severity, Flaw.OVERLAP, "B")
    assert '"A" (line 10) and "B" both hold for any request' in overlap.message
    assert overlap.example is not None


def test_a_twin_under_unique_is_named_because_the_engine_refuses_both() -> None:
    twin = the_only(verify_ruleset(sound(fees(("age > 18", "accept"), ("age > 65", "accept"), frame="hit: unique"))))
    assert (twin.kind, twin.severity, twin.rule) == (Flaw.REDUNDANT, Severity.WARNING, "B")


def test_a_condition_that_no_request_fulfils_is_dead() -> None:
    dead = the_only(verify_ruleset(sound(fees(("age > 30 and age < 18", "accept")))))
    assert (dead.kind, dead.rule, dead.at.line) == (Flaw.DEAD, "A", 10)


def test_a_condition_on_numbers_that_no_request_may_hold_is_dead() -> None:
    """Numbers of a request are below 10^18."""
    text = fees(("points >= 999999999999999999", "accept"), ("points > 999999999999999999", "emit: x"))
    assert [(kind, rule) for _, kind, rule, _ in said(text)] == [("dead", "B")]


def test_a_rule_behind_others_is_shadowed_by_those_that_suffice() -> None:
    text = fees(
        ("age < 40", "accept"),
        ('plan == "x"', "emit: x"),
        ("age >= 40", "emit: b"),
        ("country == NO", "emit: c"),
        frame="hit: first",
    )
    shadowed = the_only(verify_ruleset(sound(text)))
    assert (shadowed.kind, shadowed.rule) == (Flaw.SHADOWED, "D")
    assert shadowed.message == (
        '"D" never takes effect: "A" (line 10), "C" (line 12) together come first wherever it holds'
    )


def test_a_rule_whose_heir_does_the_same_is_redundant() -> None:
    text = fees(("age < 18", "accept"), ("age < 21", "accept"), ("always", "emit: x"), frame="hit: first")
    redundant = the_only(verify_ruleset(sound(text)))
    assert (redundant.kind, redundant.rule) == (Flaw.REDUNDANT, "A")
    assert '"B" (line 11) would do the same' in redundant.message


def test_setting_a_fact_twice_to_one_value_is_redundant_unless_another_rule_meddles() -> None:
    twice = (("age < 21", "set: fee, to: 1.00"), ("age < 18", "set: fee, to: 1.00"))
    assert [(kind, rule) for _, kind, rule, _ in said(fees(*twice))] == [("redundant", "B")]
    meddling = said(fees(*twice, ("age < 10", "increase: fee, by: 10%")))
    assert "redundant" not in {kind for _, kind, _, _ in meddling}


def test_emitting_twice_is_not_redundant() -> None:
    assert said(fees(("age < 21", "emit: x"), ("age < 18", "emit: x"))) == []


def test_a_rule_that_compares_facts_is_not_analysed_and_makes_no_false_gap() -> None:
    text = fees(("age < points", "accept"), ("not (age < points)", "accept"), frame="must_cover: points > 5")
    findings = verify_ruleset(sound(text))
    assert [(one.kind, one.rule) for one in findings] == [(Flaw.NOT_ANALYSED, "A"), (Flaw.NOT_ANALYSED, "B")]
    assert "it compares a fact with a fact" in findings[0].message


def test_a_declared_value_that_no_rule_names_is_pointed_out_where_all_must_be_covered() -> None:
    rules = (("country in [NO, SE]", "accept"), ("age > 3", "emit: x"), ("age <= 3", "emit: y"))
    value = the_only(verify_ruleset(sound(fees(*rules, frame="must_cover: always"))))
    assert (value.kind, value.severity, value.at.line) == (Flaw.UNKNOWN_VALUE, Severity.WARNING, 5)
    assert value.message.startswith("no rule names DK, declared for country")
    assert said(fees(*rules)) == []


def test_many_findings_of_a_kind_are_counted_after_the_first_ones() -> None:
    rules = [(f"age > {n} and age < {n}", "accept") for n in range(26)]
    findings = verify_ruleset(sound(fees(*rules)))
    assert len(findings) == MAX_SHOWN + 1
    assert findings[-1].message == "and 6 more of this kind (dead rules)"


def test_the_gate_proves_and_says_nothing_twice() -> None:
    text = fees(("age is missing", "accept"), ("age < 5", "accept"), frame="hit: unique\nmust_cover: age < 5")
    checked = gate.check(text)
    assert [(one.kind, one.rule) for one in checked.findings] == [(Flaw.DEAD, "A")]
    assert checked.sound
    assert not gate.check(text.replace("must_cover: age < 5", "must_cover: age < 6")).sound


def test_a_file_is_parsed_before_it_is_proven() -> None:
    assert language.parse(fees(("aje < 5", "accept"))).ruleset is None
