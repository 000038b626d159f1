"""What an administrator is told that a new version changes, and that nothing is left out."""

from __future__ import annotations

from dataclasses import replace
from itertools import product, starmap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from service.decide import facts
from service.decide.cells import atoms
from service.decide.diff import ChangedRequests, RulesetDifference, diff_rulesets
from service.decide.ruleset import (
    Accept,
    Action,
    Always,
    CompareFacts,
    Condition,
    Emit,
    Fact,
    Facts,
    FactType,
    Hit,
    Rule,
    Ruleset,
    Value,
)
from tests.unit.rule_files import sound
from tests.unit.rule_worlds import HERE, TODAY, conditions, truth

PREMIUM = Path("rules/premium.yaml").read_text(encoding="utf-8")
THENS: tuple[tuple[Action, ...], ...] = ((Accept(HERE),), (Emit("a", HERE),), (Emit("b", HERE),))
SMALL = {
    "age": Fact("age", FactType.INTEGER, HERE, minimum=0, maximum=4, optional=True),
    "plan": Fact("plan", FactType.TEXT, HERE, values=("NO", "SE", "DK")),
    "adult": Fact("adult", FactType.BOOLEAN, HERE),
}
"""Facts with few enough values to ask for every request."""


def request(age: int | None, plan: str, adult: bool) -> Facts:
    present: dict[str, Value] = {"plan": plan, "adult": adult}
    return present if age is None else {**present, "age": age}


REQUESTS = tuple(starmap(request, product((None, 0, 1, 2, 3, 4), ("NO", "SE", "DK"), (False, True))))


def premium(*replaced: tuple[str, str]) -> Ruleset:
    """The shipped file with some of its text replaced."""
    text = PREMIUM
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return sound(text)


def test_a_version_is_equivalent_to_itself_and_to_another_spelling_of_it() -> None:
    assert diff_rulesets(premium(), premium()).equivalent
    assert diff_rulesets(premium(), premium(("driver.age < 21", "not (driver.age >= 21)"))).equivalent
    assert diff_rulesets(premium(), premium()).as_text() == "no request is decided differently"


def test_closing_the_gap_is_told_as_its_region_with_a_request() -> None:
    difference = diff_rulesets(premium(), premium(("driver.age > 21", "driver.age >= 21")))
    (change,) = difference.changes
    assert change.before is None
    assert (change.after and change.after.rule, change.where) == (
        "Med Risk",
        ("driver.age is 21 and car.style is SPORTS and car.color is RED",),
    )
    assert change.example["driver"] == {"age": 21}
    assert 'no rule → "Med Risk" (increase policy.premium by 10%)' in difference.as_text()
    assert difference.as_json()["equivalent"] is False


def test_another_amount_is_told_where_the_rule_holds() -> None:
    (change,) = diff_rulesets(premium(), premium(("20%", "25%"))).changes
    assert (change.before and change.before.does, change.after and change.after.does) == (
        "increase policy.premium by 20%",
        "increase policy.premium by 25%",
    )
    assert change.where == ("driver.age is under 21 and car.style is SPORTS and car.color is RED",)


def test_changed_declarations_and_hit_policies_are_notes() -> None:
    notes = diff_rulesets(premium(), premium(("min: 0, max: 130", "min: 16"), ("hit: all", "hit: first"))).notes
    assert notes == (
        "fact driver.age was integer 0..130 and is integer 16..",
        "hit: all became hit: first; requests that several rules match are decided by another policy",
    )


def test_rules_on_a_retyped_fact_are_named_as_not_compared() -> None:
    old = premium()
    retyped = {**old.facts, "driver.age": Fact("driver.age", FactType.DECIMAL, HERE, scale=1)}
    assert "not compared: High Risk, Med Risk" in diff_rulesets(old, replace(old, facts=retyped)).notes


@st.composite
def versions(draw: DrawFn) -> tuple[Ruleset, Ruleset]:
    """Two versions that share some rules, in orders of their own."""
    simple = draw(st.sampled_from([conditions(SMALL).filter(_against_constants)] * 4 + [st.just(Always(HERE))]))
    pool = [f"rule {number}" for number in range(5)]
    shared = {name: (draw(simple), draw(st.sampled_from(THENS))) for name in pool}
    hit = draw(st.sampled_from([Hit.FIRST, Hit.ALL]))

    def version() -> Ruleset:
        names = draw(st.permutations(pool))[: draw(st.integers(1, 5))]
        rules = [Rule(name, *shared[name], HERE) for name in names]
        other = draw(st.integers(0, len(names) - 1))
        if draw(st.booleans()):
            rules[other] = replace(rules[other], when=draw(simple))
        if draw(st.booleans()):
            rules[other] = replace(rules[other], then=draw(st.sampled_from(THENS)))
        return Ruleset("drawn", SMALL, tuple(rules), hit)

    return version(), version()


def _against_constants(condition: Condition) -> bool:
    return not any(isinstance(atom, CompareFacts) for atom in atoms(condition))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(versions())
def test_every_change_is_told_and_none_is_invented(versions: tuple[Ruleset, Ruleset]) -> None:
    old, new = versions
    expected = {change for request in REQUESTS for change in changes_at(old, new, request)}
    found = diff_rulesets(old, new)
    assert {told(change) for change in found.changes} == expected
    for change in found.changes:
        assert told(change) in changes_at(old, new, facts.read(new, change.example, TODAY))


def told(change: ChangedRequests) -> tuple[object, object]:
    before, after = change.before, change.after
    return (before and (before.rule, before.does), after and (after.rule, after.does))


def changes_at(old: Ruleset, new: Ruleset, request: Facts) -> set[tuple[object, object]]:
    """By brute force: how one request is decided in two versions, where that differs."""
    before, after = ([shown(rule) for rule in one.rules if truth(rule.when, request) is True] for one in (old, new))
    if old.hit is Hit.FIRST:
        pair = (next(iter(before), None), next(iter(after), None))
        return {pair} if pair[0] != pair[1] else set()
    was, now = dict(before), dict(after)
    return {
        ((name in was and (name, was[name])) or None, (name in now and (name, now[name])) or None)
        for name in {*was, *now}
        if was.get(name) != now.get(name)
    }


def shown(rule: Rule) -> tuple[str, str]:
    action = rule.then[0]
    return rule.name, f"emit {action.event}" if isinstance(action, Emit) else "accept"


def test_a_moved_rule_is_a_change_only_where_it_decides_otherwise() -> None:
    text = PREMIUM.replace("hit: all", "hit: first")
    old = sound(text)
    assert diff_rulesets(old, replace(old, rules=old.rules[::-1])) == RulesetDifference((), ())


@pytest.mark.parametrize(
    "action", ['{notify: due, audience: staff, variables: {fee: "{{ fee }}"}}', '{emit: due, with: {fee: "{{ fee }}"}}']
)
def test_actions_that_carry_values_are_compared(action: str) -> None:
    file = "ruleset: fees\nfacts:\n  fee: {type: integer}\nrules:\n  - {name: Due, when: fee > 1, then: [ACTION]}\n"
    old, new = file.replace("ACTION", action), file.replace("ACTION", action).replace("> 1", "> 2")
    (change,) = diff_rulesets(sound(old), sound(new)).changes
    assert change.example is not None
