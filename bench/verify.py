"""Proving 10, 100 and 1,000 rules beside the solver z3, and everything that publishing 1,000 rules takes.

Tables are complete and free of overlaps, as administrators write them; random rules overlap in every way and are the
worst that a verifier can meet. Both verifiers are asked the same: dead, shadowed, and whether there is a gap.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from time import perf_counter

from bench.report import table
from service.decide import canary, language
from service.decide.decision import Compiled
from service.decide.findings import Flaw
from service.decide.ruleset import Ruleset
from service.decide.verify import verify_ruleset
from service.decide.verify.world import MAX_SHOWN
from tests.unit.z3_oracle import Solver

SIZES = (10, 100, 1_000)
TABLE_TARGET, CHECK_TARGET = 1.0, 2.0
"""Seconds for a table of 1,000 rows, and for parse, verify, compile and canary of 1,000 rules."""

_STYLES = 10


def run(quick: bool = False) -> Mapping[str, object]:
    """Seconds by kind and size, z3's beside them, the parts of a whole check, and whether the targets are met."""
    beside_z3 = {("table", 10), ("table", 100), ("random", 10)} | (
        set() if quick else {("table", 1_000), ("random", 100)}
    )
    figures: dict[str, dict[str, float | None]] = {}
    for kind, write in (("table", _table), ("random", _random)):
        for size in SIZES:
            figures[f"{kind} {size}"] = _measured(write(size), with_z3=(kind, size) in beside_z3)
    rows = [[name, *(_shown(seconds) for seconds in figure.values())] for name, figure in figures.items()]
    table("seconds to verify (best of 3; z3 once)", ["rules", "tocsin", "z3", "z3 / tocsin"], rows)
    parts = _check(_table(1_000))
    whole = sum(parts.values())
    table("seconds to check 1,000 rules", ["part", "seconds"], [[n, _shown(s)] for n, s in parts.items()])
    print(f"  whole check {whole:.2f} s (target < {CHECK_TARGET:g})")
    taken = figures["table 1000"]["tocsin"] or 0.0
    return {"verify": figures, "check": parts, "met": taken < TABLE_TARGET and whole < CHECK_TARGET}


def _measured(text: str, *, with_z3: bool) -> dict[str, float | None]:
    ruleset = _parsed(text)
    ours = min(_seconds(ruleset) for _ in range(3))
    if not with_z3:
        return {"tocsin": ours, "z3": None, "ratio": None}
    began = perf_counter()
    theirs = _asked_of_z3(ruleset)
    taken = perf_counter() - began
    if (found := _found(ruleset)) != theirs:
        raise AssertionError(f"tocsin finds {found}, z3 {theirs}")
    return {"tocsin": ours, "z3": taken, "ratio": taken / ours}


def _seconds(ruleset: Ruleset) -> float:
    began = perf_counter()
    verify_ruleset(ruleset)
    return perf_counter() - began


def _found(ruleset: Ruleset) -> tuple[int, int, bool]:
    """How many rules are dead and shadowed, as far as they are shown one by one, and whether there is a gap."""
    kinds = [one.kind for one in verify_ruleset(ruleset) if one.rule is not None or one.kind is Flaw.GAP]
    return kinds.count(Flaw.DEAD), kinds.count(Flaw.SHADOWED), Flaw.GAP in kinds


def _asked_of_z3(ruleset: Ruleset) -> tuple[int, int, bool]:
    solver = Solver(ruleset)
    numbers = range(len(ruleset.rules))
    dead = {number for number in numbers if solver.holds_nowhere(number)}
    late = [number for number in numbers if number not in dead and solver.comes_too_late(number)]
    assert ruleset.must_cover is not None
    return min(MAX_SHOWN, len(dead)), min(MAX_SHOWN, len(late)), solver.leaves_a_gap(ruleset.must_cover)


def _check(text: str) -> dict[str, float]:
    """The parts of publishing, each timed alone, and the canary: all of them in a process of its own."""
    parts = {}
    began = perf_counter()
    ruleset = _parsed(text)
    parts["parse"] = perf_counter() - began
    parts["verify"] = _seconds(ruleset)
    began = perf_counter()
    Compiled(ruleset)
    parts["compile"] = perf_counter() - began
    began = perf_counter()
    assert canary.check(text).findings == ()
    parts["canary"] = perf_counter() - began
    return parts


def _parsed(text: str) -> Ruleset:
    ruleset = language.parse(text).ruleset
    assert ruleset is not None
    return ruleset


def _table(size: int) -> str:
    """A complete table: styles by bands of age by bands of amount."""
    ages = 10 if size >= 100 else 1
    amounts = max(1, size // _STYLES // ages)
    rules = [
        f"  - {{name: R{style}-{age}-{amount}, when: 'style == S{style} and {_band('age', age, ages)} and "
        f"{_band('amount', amount, amounts)}', then: [{{set: fee, to: {amount % 7}.00}}]}}"
        for style in range(_STYLES)
        for age in range(ages)
        for amount in range(amounts)
    ]
    styles = ", ".join(f"S{style}" for style in range(_STYLES))
    facts = (
        f"{{style: {{type: text, values: [{styles}]}}, age: {{type: integer, min: 0}}, "
        "amount: {type: decimal, scale: 2, min: 0}, fee: {type: decimal, scale: 2}}"
    )
    return _file(facts, rules)


def _band(fact: str, band: int, bands: int) -> str:
    low = f"{fact} >= {band * 10}"
    return low if band == bands - 1 else f"{low} and {fact} < {band * 10 + 10}"


def _random(size: int) -> str:
    drawn = random.Random(size)
    texts = ", ".join(f"t{n}: {{type: text, values: [A, B, C, D, E]}}" for n in range(4))
    numbers = ", ".join(f"n{n}: {{type: integer, min: 0, max: 100, optional: true}}" for n in range(4))
    rules = [
        f"  - {{name: R{number}, when: '{_condition(drawn)}', then: [{{set: fee, to: {number % 5}.00}}]}}"
        for number in range(size)
    ]
    return _file(f"{{{texts}, {numbers}, fee: {{type: decimal, scale: 2}}}}", rules)


def _condition(drawn: random.Random) -> str:
    both = " and ".join(_atom(drawn) for _ in range(drawn.randrange(1, 5)))
    either = f"({both}) or ({_atom(drawn)} and {_atom(drawn)})" if drawn.random() < 0.3 else both
    return f"not ({either})" if drawn.random() < 0.1 else either


def _atom(drawn: random.Random) -> str:
    text, number, value = f"t{drawn.randrange(4)}", f"n{drawn.randrange(4)}", drawn.randrange(1, 100)
    return drawn.choice(
        [
            f"{text} == {drawn.choice('ABCDE')}",
            f"{text} in [{drawn.choice('AB')}, {drawn.choice('CDE')}]",
            f"{number} < {value}",
            f"{number} >= {value}",
            f"{number} between {value // 2} and {value}",
        ]
    )


def _file(facts: str, rules: list[str]) -> str:
    return f"ruleset: bench\nfacts: {facts}\nhit: first\nmust_cover: always\nrules:\n" + "\n".join(rules) + "\n"


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3f}"
