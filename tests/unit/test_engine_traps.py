"""What makes durable_rules crash, hang or answer wrongly when it is used as its manual shows, asked through our doors.

Each trap was seen in version 2.0.28 (docs/adr/0002); the worst of them is the first: it ends the process.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from service.decide.cells import FactsDoNotFit, TooManyAlternatives
from service.decide.chunks import TooManyConditions
from service.decide.decision import Compiled
from service.decide.facts import FactsRefused
from service.decide.ruleset import And, Compare, CompareFacts, Fact, FactType, Operator, Rule, Ruleset, Value
from tests.unit.rule_worlds import HERE, compiled, decide

ONE_OF_EACH = """
ruleset: traps
facts:
  n: {type: integer, optional: true}
  d: {type: decimal, scale: 6, optional: true}
  t: {type: text, optional: true}
  b: {type: boolean, optional: true}
rules:
  - {name: under 21, when: n < 21, then: []}
  - {name: huge, when: n >= 461168601842738790, then: []}
  - {name: five millionths, when: d == 0.000005, then: []}
  - {name: empty text, when: 't == ""', then: []}
  - {name: text 21, when: 't == "21"', then: []}
  - {name: long text, when: 't == "LONG"', then: []}
  - {name: true, when: b == true, then: []}
  - {name: n not 1, when: n != 1, then: []}
  - {name: n missing, when: n is missing, then: []}
""".replace("LONG", "x" * 4_464)


def then_nothing(source: str) -> str:
    """Actions are not the matter here, but a rule must have one."""
    return source.replace("then: []", "then: [accept]")


@pytest.fixture(scope="module")
def traps() -> Compiled:
    return compiled(then_nothing(ONE_OF_EACH))


def test_a_first_evaluation_that_matches_nothing_and_then_a_freed_engine_is_no_crash() -> None:
    for _ in range(20):
        rules = compiled(
            then_nothing("ruleset: r\nfacts: {n: {type: integer}}\nrules: [{name: a, when: n == 1, then: []}]")
        )
        assert decide(rules, {"n": 2}).fired == ()
        del rules
        gc.collect()


@pytest.mark.parametrize(
    ("request_", "fired"),
    [
        ({"n": "9"}, ("under 21", "n not 1")),
        ({"n": "100"}, ("n not 1",)),
        ({"n": 2**53 + 1}, ("n not 1",)),
        ({"n": 461168601842738789}, ("n not 1",)),
        ({"n": 461168601842738790}, ("huge", "n not 1")),
        ({"n": 1, "d": Decimal("5e-06")}, ("under 21", "five millionths")),
        ({"n": 1, "d": Decimal("1e-05")}, ("under 21",)),
        ({"n": 1, "d": Decimal("1e16")}, ("under 21",)),
        ({"n": 1, "t": ""}, ("under 21", "empty text")),
        ({"n": 1, "t": "21"}, ("under 21", "text 21")),
        ({"n": 1, "t": "x" * 4_464}, ("under 21", "long text")),
        ({"n": 1, "t": "x" * (4_464 + 65_536)}, ("under 21",)),
        ({"n": 1, "b": True}, ("under 21", "true")),
        ({"n": 1, "b": False}, ("under 21",)),
        ({"n": 1, "t": "true"}, ("under 21",)),
        ({"n": None}, ("n missing",)),
        ({}, ("n missing",)),
    ],
    ids=str,
)
def test_values_that_the_library_compares_wrongly(
    traps: Compiled, request_: Mapping[str, object], fired: tuple[str, ...]
) -> None:
    assert decide(traps, request_).fired == fired


@pytest.mark.parametrize(
    "request_",
    [{"n": ""}, {"n": 2**63}, {"n": True}, {"n": "１８"}, {"n": "1_8"}, {"d": "NaN"}, {"d": Decimal("inf")}, {"t": 21}],
    ids=str,
)
def test_values_that_fit_no_declaration_are_refused_by_path(traps: Compiled, request_: Mapping[str, object]) -> None:
    with pytest.raises(FactsRefused) as refused:
        decide(traps, request_)
    assert [error.path for error in refused.value.errors] == list(request_)


@pytest.mark.parametrize(
    "facts", [{"n": "9"}, {"n": True}, {"d": Decimal("NaN")}, {"d": 1}, {"t": False}, {"b": 1}], ids=str
)
def test_facts_that_came_past_the_reader_are_refused_too(traps: Compiled, facts: Mapping[str, Value]) -> None:
    with pytest.raises(FactsDoNotFit):
        traps.decide(facts)


def test_integers_beyond_64_bits_are_told_apart() -> None:
    fact = Fact("n", FactType.INTEGER, HERE)
    rules = tuple(Rule(f"{n}", Compare("n", Operator.EQ, n, HERE), (), HERE) for n in (2**63, 2**64, 10**30))
    big = Compiled(Ruleset("big", {"n": fact}, rules))
    assert [big.decide({"n": n}).fired for n in (2**63, 2**64, 10**30, 2**63 - 1)] == [
        (str(2**63),),
        (str(2**64),),
        (str(10**30),),
        (),
    ]


def test_names_that_collide_in_the_library_are_two_facts() -> None:
    rules = compiled(
        then_nothing("""
ruleset: names
facts: {age: {type: integer}, rbvjmlt: {type: integer}, sid: {type: text}, id: {type: text}}
rules:
  - {name: young, when: age < 21, then: []}
  - {name: small, when: rbvjmlt < 21, then: []}
  - {name: session, when: 'sid == "e" and id == "f"', then: []}
""")
    )
    assert decide(rules, {"age": 50, "rbvjmlt": 1, "sid": "e", "id": "f"}).fired == ("small", "session")
    assert decide(rules, {"age": 1, "rbvjmlt": 50, "sid": "6t38azn", "id": ""}).fired == ("young",)


def test_an_or_with_both_sides_true_surcharges_once() -> None:
    rules = compiled("""
ruleset: surcharge
facts: {age: {type: integer}, color: {type: text}, premium: {type: decimal, scale: 2}}
rules:
  - {name: risky, when: 'age < 21 or color == "RED"', then: [{increase: premium, by: 20%}]}
""")
    decision = decide(rules, {"age": 18, "color": "RED", "premium": 100})
    assert (decision.fired, decision.facts["premium"]) == (("risky",), Decimal("120.00"))


def test_600_rules_that_all_match_all_fire_once_in_file_order() -> None:
    written = "".join(f"  - {{name: rule {n}, when: n < {1000 + n}, then: []}}\n" for n in range(600))
    rules = compiled(then_nothing(f"ruleset: many\nfacts: {{n: {{type: integer}}}}\nrules:\n{written}"))
    assert decide(rules, {"n": 0}).fired == tuple(f"rule {n}" for n in range(600))
    assert decide(rules, {"n": 1300}).fired == tuple(f"rule {n}" for n in range(301, 600))


def test_600_rules_with_one_condition_all_fire_once() -> None:
    written = "".join(f"  - {{name: rule {n}, when: n < 1, then: []}}\n" for n in range(600))
    rules = compiled(then_nothing(f"ruleset: same\nfacts: {{n: {{type: integer}}}}\nrules:\n{written}"))
    assert decide(rules, {"n": 0}).fired == tuple(f"rule {n}" for n in range(600))
    assert decide(rules, {"n": 1}).fired == ()


def test_a_rule_with_512_alternatives_fires_once_and_one_with_more_is_refused() -> None:
    facts = {f"f{n}": Fact(f"f{n}", FactType.BOOLEAN, HERE) for n in range(20)}
    pairs = [" or ".join(f"f{n} == true" for n in (first, first + 1)) for first in range(0, 20, 2)]

    def file(count: int) -> str:
        declared = ", ".join(f"{path}: {{type: boolean}}" for path in facts)
        when = " and ".join(f"({pair})" for pair in pairs[:count])
        return then_nothing(f"ruleset: wide\nfacts: {{{declared}}}\nrules: [{{name: all, when: {when}, then: []}}]")

    rules = compiled(file(9))
    everything = dict.fromkeys(facts, True)
    assert decide(rules, everything).fired == ("all",)
    assert decide(rules, everything | {"f0": False, "f1": False}).fired == ()
    with pytest.raises(TooManyAlternatives, match="split the rule"):
        compiled(file(10))


def test_rule_names_with_any_characters_come_back_as_they_are() -> None:
    names = ['quote " and \\', "$or", "r1", "first", "日本", "'; DROP", " n\u0000l ", "m"]
    fact = Fact("n", FactType.INTEGER, HERE)
    odd = Compiled(
        Ruleset("odd", {"n": fact}, tuple(Rule(name, Compare("n", Operator.GT, 0, HERE), (), HERE) for name in names))
    )
    assert odd.decide({"n": 1}).fired == tuple(names)


def test_one_rule_over_more_facts_than_the_library_holds_is_refused_with_what_to_do() -> None:
    facts = {f"f{n:03}": Fact(f"f{n:03}", FactType.INTEGER, HERE) for n in range(200)}
    conditions = tuple(Compare(path, Operator.GT, 0, HERE) for path in facts)
    fits = Compiled(Ruleset("wide", facts, (Rule("100", And(conditions[:100], HERE), (), HERE),)))
    assert fits.decide(dict.fromkeys(facts, 1)).fired == ("100",)
    with pytest.raises(TooManyConditions, match="split it"):
        Compiled(Ruleset("wide", facts, (Rule("200", And(conditions, HERE), (), HERE),)))


def test_200_facts_in_200_rules_are_cut_into_chunks_that_the_library_can_hold() -> None:
    facts = {f"f{n:03}": Fact(f"f{n:03}", FactType.TEXT, HERE) for n in range(200)}
    rules = tuple(Rule(path, Compare(path, Operator.NE, "no", HERE), (), HERE) for path in facts)
    wide = Compiled(Ruleset("wide", facts, rules))
    assert wide.decide(dict.fromkeys(facts, "no")).fired == ()
    assert wide.decide(dict.fromkeys(facts, "no") | {"f000": "a", "f199": "a"}).fired == ("f000", "f199")


def test_a_table_larger_than_fits_into_memory_at_once_answers_from_every_row() -> None:
    text, number = Fact("code", FactType.TEXT, HERE), Fact("n", FactType.INTEGER, HERE)
    rules = tuple(Rule(f"{n}", Compare("code", Operator.EQ, f"code {n}", HERE), (), HERE) for n in range(9_000))
    last = Rule("last", Compare("n", Operator.GT, 0, HERE), (), HERE)
    table = Compiled(Ruleset("table", {"code": text, "n": number}, (*rules, last)))
    table.build_all()
    for n in (0, 8_999, 4_500, 0, 8_999):
        assert table.decide({"code": f"code {n}", "n": 0}).fired == (f"{n}",)
    assert table.decide({"code": "none", "n": 1}).fired == ("last",)


def test_decimals_and_integers_compare_exactly_at_any_scale() -> None:
    facts = {"n": Fact("n", FactType.INTEGER, HERE), "d": Fact("d", FactType.DECIMAL, HERE, scale=12)}
    rules = tuple(Rule(op.value, CompareFacts("n", op, "d", HERE), (), HERE) for op in Operator)
    pair = Compiled(Ruleset("pair", facts, rules))
    assert pair.decide({"n": 10**17, "d": Decimal(f"{10**17}.000000000000")}).fired == ("==", "<=", ">=")
    assert pair.decide({"n": 10**17, "d": Decimal(f"{10**17}.000000000001")}).fired == ("!=", "<", "<=")


def _many_cells() -> Compiled:
    fact = Fact("n", FactType.INTEGER, HERE)
    rules = tuple(Rule(f"{n}", Compare("n", Operator.EQ, n, HERE), (), HERE) for n in range(2_000))
    return Compiled(Ruleset("many", {"n": fact}, rules))


def test_8_threads_asking_a_cold_engine_each_get_their_own_answer() -> None:
    rules = _many_cells()
    start = threading.Barrier(8)

    def ask(first: int) -> list[int]:
        start.wait()
        order = [(first * 251 + step) % 2_000 for step in range(2_000)]
        return [n for n in order if rules.decide({"n": n}).fired != (str(n),)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [[]] * 8


def test_children_forked_while_threads_evaluate_decide_as_their_parent_does() -> None:
    rules = _many_cells()
    stop = threading.Event()

    def keep_asking() -> None:
        n = 0
        while not stop.is_set():
            n = (n + 7) % 2_000
            rules.fired((n,))

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(keep_asking)
        children = [_forked(rules, number) for number in range(10)]
        stop.set()
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 10


def _forked(rules: Compiled, number: int) -> int:
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # a child that inherited a held lock would wait for ever
        asked = range(number, 2_000, 100)
        os._exit(0 if all(rules.decide({"n": n}).fired == (str(n),) for n in asked) else 1)
    return child
