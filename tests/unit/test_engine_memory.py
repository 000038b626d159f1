"""Memory: a million evaluations leave it flat, and a reload costs no more than the library leaks."""

from __future__ import annotations

import gc
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from service.decide.decision import Compiled, DecidedBy
from service.decide.ruleset import And, Compare, Fact, FactType, Operator, Rule, Ruleset
from tests.unit.rule_worlds import HERE

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not os.environ.get("TOCSIN_TEST_LONG"), reason="TOCSIN_TEST_LONG is not set"),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the resident size from /proc"),
]


def resident_kib() -> int:
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def hundred_rules(seed: int) -> Ruleset:
    random_ = random.Random(seed)
    facts = {path: Fact(path, FactType.INTEGER, HERE) for path in ("a", "b", "c")}
    rules = []
    for number in range(100):
        tests = [Compare(path, Operator.GE, random_.randrange(200), HERE) for path in facts]
        rules.append(Rule(f"rule {number}", And(tuple(tests), HERE), (), HERE))
    return Ruleset("hundred", facts, tuple(rules))


def test_a_million_evaluations_leave_memory_flat(record_property: Callable[[str, object], None]) -> None:
    compiled, random_ = Compiled(hundred_rules(0)), random.Random(1)
    asked = 0

    def evaluate(times: int) -> None:
        nonlocal asked
        for _ in range(times):
            decision = compiled.decide({path: random_.randrange(220) for path in ("a", "b", "c")})
            asked += decision.decided_by is DecidedBy.ENGINE

    evaluate(200_000)
    before = resident_kib()
    evaluate(1_000_000)
    grown = resident_kib() - before
    record_property("KiB more after 1,000,000 evaluations", grown)
    assert grown < 4_096
    assert asked > 500_000


def test_a_thousand_reloads_of_a_hundred_rules_cost_little_each(
    record_property: Callable[[str, object], None],
) -> None:
    def load(seed: int) -> None:
        compiled = Compiled(hundred_rules(seed))
        for n in range(0, 200, 20):
            compiled.decide({"a": n, "b": n, "c": n})

    for seed in range(20):
        load(seed)
    before = resident_kib()
    for seed in range(1_000):
        load(seed)
    grown = resident_kib() - before
    record_property("KiB more after 1,000 reloads of 100 rules", grown)
    assert grown < 1_000 * 100
