"""The engine against an oracle that evaluates conditions on the values."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.decide.branches import Branches, branches_of
from service.decide.cells import Cells, Signature
from service.decide.decision import Compiled, DecidedBy, EngineDisagreement
from service.decide.engine import Engine, EngineFault
from service.decide.matcher import Matcher
from service.decide.outcomes import EventWanted
from service.decide.ruleset import And, Between, Compare, Emit, Fact, FactType, Operator, Rule, Ruleset
from tests.unit.rule_worlds import HERE, oracle, pool, requests, rulesets

PER_RULESET = 50
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def _agrees_with_oracle(ruleset: Ruleset, data: st.DataObject, evaluations: int) -> None:
    """Engine and matcher disagreeing raises; agreeing on something wrong is seen here."""
    compiled = Compiled(ruleset)
    for _ in range(evaluations):
        facts = data.draw(requests(ruleset))
        expected = oracle(ruleset, facts)
        first, again = compiled.decide(facts), compiled.decide(facts)
        assert first.fired == again.fired == expected
        assert first.outcomes == tuple(EventWanted(name, "fired") for name in expected)
        assert again.decided_by is DecidedBy.MEMO


@settings(max_examples=60, deadline=None, suppress_health_check=UNHURRIED)
@given(rulesets(), st.data())
def test_engine_memo_and_matcher_fire_what_the_oracle_fires(ruleset: Ruleset, data: st.DataObject) -> None:
    _agrees_with_oracle(ruleset, data, PER_RULESET)


@pytest.mark.long
@pytest.mark.skipif(not os.environ.get("TOCSIN_TEST_LONG"), reason="TOCSIN_TEST_LONG is not set")
@settings(max_examples=4_000, deadline=None, suppress_health_check=UNHURRIED)
@given(rulesets(), st.data())
def test_engine_memo_and_matcher_fire_what_the_oracle_fires_200_000_times(
    ruleset: Ruleset, data: st.DataObject
) -> None:
    _agrees_with_oracle(ruleset, data, PER_RULESET)


@settings(max_examples=60, deadline=None, suppress_health_check=UNHURRIED)
@given(rulesets(max_rules=12), st.data())
def test_engine_and_matcher_agree_on_signatures_that_no_request_can_have(ruleset: Ruleset, data: st.DataObject) -> None:
    cells = Cells.cut(ruleset)
    branches = branches_of(ruleset, cells)
    engine, matcher = Engine(branches), Matcher(branches)
    every = itertools.product(*[range(dimension.size) for dimension in cells.dimensions])
    for signature in itertools.islice(every, data.draw(st.integers(0, 50)), 500):
        assert engine.fired(signature) == matcher.match(signature)


@st.composite
def tables_by_key(draw: st.DrawFn) -> Ruleset:
    """Rows sorted by a key, for each key bands of its own, so that chunks end at keys and most of them are alike."""
    facts = {path: Fact(path, FactType.INTEGER, HERE, minimum=0, maximum=99) for path in ("key", "n")}
    rules = []
    cuts = draw(st.integers(20, 40))
    for key in range(draw(st.integers(2, 7))):
        bounds = [0, *sorted(draw(st.sets(st.integers(1, 98), min_size=cuts, max_size=cuts))), 100]
        for low, high in itertools.pairwise(bounds):
            tests = (Compare("key", Operator.EQ, key, HERE), Between("n", low, high - 1, HERE))
            name = f"{key}: {low}"
            rules.append(Rule(name, And(tests, HERE), (Emit(name, HERE),), HERE))
    return Ruleset("table", facts, tuple(rules))


@settings(max_examples=15, deadline=None, suppress_health_check=UNHURRIED)
@given(tables_by_key())
def test_every_key_of_a_table_is_decided_by_its_own_rows(table: Ruleset) -> None:
    compiled = Compiled(table)
    for facts in ({"key": key, "n": n} for key in range(8) for n in range(100)):
        assert compiled.decide(facts).fired == oracle(table, facts)


@pytest.mark.parametrize(("written", "mutated"), list(itertools.permutations(Operator, 2)))
def test_one_mutated_operator_is_noticed(written: Operator, mutated: Operator) -> None:
    fact = Fact("n", FactType.INTEGER, HERE)
    rule = Rule("rule", Compare("n", written, 21, HERE), (), HERE)
    meant = Ruleset("meant", {"n": fact}, (rule,))
    compiled = Compiled(replace(meant, rules=(replace(rule, when=Compare("n", mutated, 21, HERE)),)))
    noticed = [value for value in pool(fact) if compiled.decide({"n": value}).fired != oracle(meant, {"n": value})]
    assert noticed


class Liar:
    """An engine that says no rule fires, until it is rebuilt."""

    def __init__(self, branches: Branches) -> None:
        self._honest = Engine(branches)
        self._rebuilt = False

    def fired(self, signature: Signature) -> tuple[int, ...]:
        return self._honest.fired(signature) if self._rebuilt else ()

    def rebuild(self) -> None:
        self._rebuilt = True

    def build_all(self) -> None:
        self._honest.build_all()


def _adults() -> Ruleset:
    fact = Fact("n", FactType.INTEGER, HERE)
    return Ruleset("adults", {"n": fact}, (Rule("adult", Compare("n", Operator.GE, 18, HERE), (), HERE),))


def test_a_disagreement_is_never_answered_and_counted_and_the_engine_rebuilt() -> None:
    compiled = Compiled(_adults(), infer=Liar)
    assert compiled.decide({"n": 17}).fired == ()
    with pytest.raises(EngineDisagreement, match="nothing was decided"):
        compiled.decide({"n": 18})
    assert compiled.disagreements == 1
    assert compiled.decide({"n": 18}).fired == ("adult",)
    assert compiled.disagreements == 1


def test_a_signature_that_the_library_refuses_is_a_fault_and_the_next_question_is_answered() -> None:
    engine = Engine(branches_of(_adults(), Cells.cut(_adults())))
    with pytest.raises(EngineFault, match="ask again"):
        engine.fired(())
    assert engine.fired((1,)) == (0,)
