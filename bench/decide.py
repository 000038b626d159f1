"""A decision at 2, 100 and 1,000 rules, memo cold and warm, beside other engines on the same rules and requests.

Ours is measured from typed facts to the finished decision, its `Decimal` actions included; the peers only name the
rules that match. Cold is a signature that was never asked: engine and cross-check.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from bench import decide_peers as peers
from bench.decide_peers import Peer, Request, Row
from bench.report import interleaved, table
from service.decide.branches import branches_of
from service.decide.cells import Cells
from service.decide.chunks import chunks_of
from service.decide.decision import Compiled
from service.decide.ruleset import (
    Adjustment,
    And,
    Compare,
    Fact,
    Facts,
    FactType,
    Operator,
    Percent,
    Place,
    Rule,
    Ruleset,
)

SIZES = (2, 100, 1_000)
STYLES = 20
COLD, WARM, RAW, ZEN = "tocsin, memo cold", "tocsin, memo warm", "durable_rules", "zen-engine"
HERE = Place(1, 1)
COLD_TARGET, ZEN_TARGET, RAW_TARGET = 1.5, 0.1, 1.0


def run(quick: bool = False) -> Mapping[str, object]:
    """Microseconds a decision by engine and size, the ratios that have a target, and whether all are met."""
    by_size = {size: _measured(size, rounds=5 if quick else 21, requests=50 if quick else 200) for size in SIZES}
    names = list(by_size[SIZES[0]])
    rows = [[name, *(f"{by_size[size][name]:.2f}" for size in SIZES)] for name in names]
    table("µs a decision (medians of interleaved rounds)", ["engine", *(f"{size} rules" for size in SIZES)], rows)
    ratios = {size: _ratios(by_size[size]) for size in SIZES}
    rows = [[name, *(f"{ratios[size][name]:.3f}" for size in SIZES)] for name in ratios[SIZES[0]]]
    table("ratios", ["ratio (target)", *(f"{size} rules" for size in SIZES)], rows)
    return {"microseconds": by_size, "ratios": ratios, "met": all(map(_met, ratios.values()))}


def _ratios(figures: Mapping[str, float]) -> dict[str, float]:
    return {
        f"cold / durable_rules (<= {COLD_TARGET})": figures[COLD] / figures[RAW],
        f"warm / zen-engine (<= {ZEN_TARGET})": figures[WARM] / figures[ZEN],
        f"warm / durable_rules (< {RAW_TARGET})": figures[WARM] / figures[RAW],
    }


def _met(ratios: Mapping[str, float]) -> bool:
    cold, warm_zen, warm_raw = ratios.values()
    return cold <= COLD_TARGET and warm_zen <= ZEN_TARGET and warm_raw < RAW_TARGET


def _measured(size: int, rounds: int, requests: int) -> dict[str, float]:
    random_ = random.Random(size)
    rows = [_row(number, random_) for number in range(size)]
    asked: list[Request] = [
        {"style": f"S{random_.randrange(min(size, STYLES))}", "age": random_.randrange(16, 100)}
        for _ in range(requests)
    ]
    ruleset = ruleset_of(rows)
    forgetting, remembering = Compiled(ruleset), Compiled(ruleset)
    engines: dict[str, Peer] = {
        RAW: peers.durable_rules(rows, _chunk_sizes(ruleset)),
        ZEN: peers.zen_engine(rows),
        "clipspy": peers.clipspy(rows),
        "business-rules": peers.business_rules_package(rows),
        "generated Python ifs": peers.generated_python(rows),
    }
    facts: list[Facts] = [{**request, "premium": Decimal("300.00")} for request in asked]
    _assert_equal(remembering, facts, engines, asked)
    candidates = {COLD: lambda: _cold(forgetting, facts), WARM: lambda: _warm(remembering, facts)}
    candidates |= {name: _asking(peer, asked) for name, peer in engines.items()}
    return {name: seconds / requests * 1e6 for name, seconds in interleaved(candidates, rounds).items()}


def _row(number: int, random_: random.Random) -> Row:
    low = random_.randrange(16, 80)
    return Row(f"r{number}", f"S{number % STYLES}", low, low + 20)


def ruleset_of(rows: Sequence[Row]) -> Ruleset:
    """The same rules as `Row`s, each with an exact increase of a premium for its action."""
    facts = {
        "style": Fact("style", FactType.TEXT, HERE),
        "age": Fact("age", FactType.INTEGER, HERE, minimum=0, maximum=130),
        "premium": Fact("premium", FactType.DECIMAL, HERE, scale=2),
    }
    increase = Adjustment("premium", 1, Percent(Decimal(2)), HERE)
    return Ruleset("bench", facts, tuple(Rule(row.name, _when(row), (increase,), HERE) for row in rows))


def _when(row: Row) -> And:
    style = Compare("style", Operator.EQ, row.style, HERE)
    low, high = Compare("age", Operator.GE, row.low, HERE), Compare("age", Operator.LT, row.high, HERE)
    return And((style, low, high), HERE)


def _chunk_sizes(ruleset: Ruleset) -> list[int]:
    """Chunks like ours for raw durable_rules, so that both ask the library equally often."""
    return [len(chunk.rules) for chunk in chunks_of(branches_of(ruleset, Cells.cut(ruleset)))]


def _assert_equal(
    compiled: Compiled, facts: Sequence[Facts], engines: Mapping[str, Peer], asked: Sequence[Request]
) -> None:
    for given, request in zip(facts, asked, strict=True):
        ours = list(compiled.decide(given).fired)
        for name, peer in engines.items():
            theirs = list(peer(request))
            if theirs != ours:
                raise AssertionError(f"{name} answers {theirs}, Tocsin {ours} to {request}")


def _cold(compiled: Compiled, facts: Sequence[Facts]) -> None:
    for given in facts:
        compiled.forget()
        compiled.decide(given)


def _warm(compiled: Compiled, facts: Sequence[Facts]) -> None:
    for given in facts:
        compiled.decide(given)


def _asking(peer: Peer, asked: Sequence[Request]) -> Callable[[], None]:
    def ask() -> None:
        for request in asked:
            peer(request)

    return ask
