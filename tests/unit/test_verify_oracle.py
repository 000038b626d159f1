"""`verify_ruleset` and the solver z3 agree on random rulesets, and every example is what it claims by brute force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from service.decide import facts, language
from service.decide.cells import atoms
from service.decide.findings import Finding, Flaw, Severity
from service.decide.ruleset import (
    Accept,
    Always,
    CompareFacts,
    Condition,
    Emit,
    Facts,
    Hit,
    Reject,
    Rule,
    Ruleset,
    Text,
    Value,
)
from service.decide.verify import verify_ruleset
from tests.unit.rule_worlds import HERE, allowed, conditions, schemas, truth
from tests.unit.z3_oracle import Solver

EFFECTS = ((Accept(HERE),), (Reject(Text(("no",)), HERE),), (Emit("a", HERE),))


@st.composite
def worlds(draw: DrawFn) -> Ruleset:
    """A few rules over a few facts, with covers, none of which compares a fact with a fact."""
    schema = draw(schemas())
    assume(all(any(map(_is_readable, allowed(fact))) for fact in schema.values()))
    simple = draw(st.sampled_from([conditions(schema).filter(_against_constants)] * 4 + [st.just(Always(HERE))]))
    whens = draw(st.lists(simple, min_size=1, max_size=6))
    rules = tuple(
        Rule(f"rule {number}", when, draw(st.sampled_from(EFFECTS)), HERE) for number, when in enumerate(whens)
    )
    return Ruleset("drawn", schema, rules, draw(st.sampled_from(Hit)), must_cover=draw(simple))


def _is_readable(value: Value) -> bool:
    """Whether a request may hold it: numbers are below 10^18."""
    return not isinstance(value, int | Decimal) or -(10**18) < value < 10**18


def _against_constants(condition: Condition) -> bool:
    return not any(isinstance(atom, CompareFacts) for atom in atoms(condition))


@settings(max_examples=320, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_verify_finds_what_a_solver_finds(ruleset: Ruleset) -> None:
    assert_agreement(ruleset)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_verify_finds_what_a_solver_finds_in_many_rulesets(ruleset: Ruleset) -> None:
    assert_agreement(ruleset)


def assert_agreement(ruleset: Ruleset) -> None:
    """Every finding of the one is a finding of the other, and every example shows what it claims."""
    found = verify_ruleset(ruleset)
    solver = Solver(ruleset)
    numbers = range(len(ruleset.rules))
    dead = {f"rule {n}" for n in numbers if solver.holds_nowhere(n)}
    late = {f"rule {n}" for n in numbers if f"rule {n}" not in dead and solver.comes_too_late(n)}
    assert rules_with(found, Flaw.DEAD) == Counter(dead)
    assert rules_with(found, Flaw.SHADOWED) == (Counter(late) if ruleset.hit is Hit.FIRST else Counter())
    assert rules_with(found, Flaw.OVERLAP) == clashing(ruleset, solver)
    if ruleset.hit is Hit.FIRST:
        spare = {f"rule {n}" for n in numbers if solver.is_inherited(n, alike(ruleset, n))}
        assert rules_with(found, Flaw.REDUNDANT) == Counter(spare - dead - late)
    assert ruleset.must_cover is not None
    assert (Flaw.GAP in {one.kind for one in found}) == solver.leaves_a_gap(ruleset.must_cover)
    for one in found:
        assert shows_what_it_claims(ruleset, one), one


def rules_with(found: tuple[Finding, ...], kind: Flaw) -> Counter[str | None]:
    return Counter(one.rule for one in found if one.kind is kind)


def clashing(ruleset: Ruleset, solver: Solver) -> Counter[str]:
    """The later rules of all pairs that share a request and may not."""
    pairs = [(one, other) for other in range(len(ruleset.rules)) for one in range(other)]
    return Counter(
        f"rule {other}"
        for one, other in pairs
        if may_not_meet(ruleset, ruleset.rules[one], ruleset.rules[other]) and solver.share_a_request(one, other)
    )


def alike(ruleset: Ruleset, number: int) -> list[bool]:
    """Which rules do the same as one of them."""
    return [rule.then == ruleset.rules[number].then for rule in ruleset.rules]


def may_not_meet(ruleset: Ruleset, one: Rule, other: Rule) -> bool:
    """Under unique any two that differ, under all an accept and a reject."""
    if ruleset.hit is Hit.ALL:
        return {type(one.then[0]), type(other.then[0])} == {Accept, Reject}
    return ruleset.hit is Hit.UNIQUE and one.then != other.then


def shows_what_it_claims(ruleset: Ruleset, one: Finding) -> bool:
    """The example is a request that the ruleset reads, and it shows the finding by brute force on the conditions."""
    if one.kind in (Flaw.DEAD, Flaw.UNKNOWN_VALUE):
        return one.example is None
    assert one.example is not None
    request = read(ruleset, one.example)
    true = [rule.name for rule in ruleset.rules if truth(rule.when, request) is True]
    match one.kind:
        case Flaw.GAP:
            assert ruleset.must_cover is not None
            return truth(ruleset.must_cover, request) is True and not true and one.severity is Severity.ERROR
        case Flaw.SHADOWED:
            return one.rule in true[1:]
        case Flaw.OVERLAP:
            return one.rule in true[1:] and one.message.startswith(tuple(f'"{name}"' for name in true))
        case _:
            return one.rule in true


def read(ruleset: Ruleset, example: Mapping[str, object]) -> Facts:
    typed = facts.read(ruleset, example, date(2026, 1, 1))
    return {path: value for path, value in typed.items() if path in ruleset.facts}


def test_the_solver_sees_the_gap_of_the_shipped_file() -> None:
    ruleset = language.parse(Path("rules/premium.yaml").read_bytes()).ruleset
    assert ruleset is not None
    assert ruleset.should_cover is not None
    assert Solver(ruleset).leaves_a_gap(ruleset.should_cover)
