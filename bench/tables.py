"""A decision table of 16,369 rows: decisions a second by memo, by engine and cross-check, and by either alone.

OpenRules publishes 100,000 decisions a second for a table of that size, on a machine of its own
(https://openrules.com/performance.htm). The floor is what a programmer would write by hand for this one table: a `dict`
of the keys and a bisection of each key's bands, no decision, no reason and no action. zen-engine, a rule engine in
Rust, answers the same rows.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from time import process_time

from bench import decide_peers as peers
from bench.decide import ruleset_of
from bench.decide_peers import Peer, Request, Row
from bench.report import interleaved, table
from service.decide.branches import branches_of
from service.decide.cells import Signature
from service.decide.decision import Compiled
from service.decide.engine import Engine
from service.decide.matcher import Matcher
from service.decide.ruleset import Facts
from service.decide.verify import verify_ruleset

ROWS, BANDS, OLDEST = 16_369, 40, 130
OPENRULES = 100_000
"""Decisions a second that it publishes."""

WARM, COLD, ENGINE, MATCHER, FLOOR, ZEN = (
    "tocsin, memo warm",
    "tocsin, memo cold",
    "engine alone",
    "matcher alone",
    "written by hand",
    "zen-engine",
)
_SLOW = 50
"""Requests that zen-engine is asked, which looks at every row."""


def run(quick: bool = False) -> Mapping[str, object]:
    """Seconds to compile and verify, decisions a second, and whether the warm memo reaches what OpenRules publishes."""
    random_ = random.Random(ROWS)
    rows = _rows(random_)
    asked: list[Request] = [_request(random_) for _ in range(500 if quick else 2_000)]
    prepared, compiled = _prepared(rows)
    zen = peers.zen_engine(rows)
    _assert_equal(compiled, asked, _by_hand(rows), zen)
    seconds = interleaved(_candidates(compiled, rows, asked, zen), 3 if quick else 9, process_time)
    rates = {name: (_SLOW if name == ZEN else len(asked)) / taken for name, taken in seconds.items()}
    shown = [[name, f"{rate:,.0f}", f"{1e6 / rate:.1f}", f"{rates[FLOOR] / rate:.1f}"] for name, rate in rates.items()]
    table(f"{ROWS:,} rows, by CPU time of one thread", ["", "decisions/s", "µs", "times the floor's"], shown)
    table("CPU seconds", ["part", "seconds"], [[name, f"{taken:.2f}"] for name, taken in prepared.items()])
    print(f"  OpenRules publishes {OPENRULES:,} decisions/s for {ROWS:,} rows on a machine of its own")
    return {"decisions_per_second": rates, "seconds": prepared, "met": rates[WARM] >= OPENRULES}


def _rows(random_: random.Random) -> list[Row]:
    """Keys in file order, each with bands of its own that leave no gap."""
    rows: list[Row] = []
    while len(rows) < ROWS:
        style = f"S{len(rows) // BANDS}"
        bounds = [0, *sorted(random_.sample(range(1, OLDEST), BANDS - 1)), OLDEST + 1]
        rows += [Row(f"r{style}-{low}", style, low, high) for low, high in pairwise(bounds)]
    return rows[:ROWS]


def _request(random_: random.Random) -> Request:
    return {"style": f"S{random_.randrange(ROWS // BANDS)}", "age": random_.randrange(OLDEST + 1)}


def _prepared(rows: Sequence[Row]) -> tuple[dict[str, float], Compiled]:
    ruleset = ruleset_of(rows)
    began = process_time()
    assert not verify_ruleset(ruleset)
    proven = process_time()
    compiled = Compiled(ruleset)
    return {"verify": proven - began, "compile": process_time() - proven}, compiled


def _candidates(
    compiled: Compiled, rows: Sequence[Row], asked: Sequence[Request], zen: Peer
) -> dict[str, Callable[[], None]]:
    forgetting = Compiled(compiled.ruleset)
    branches = branches_of(compiled.ruleset, compiled.cells)
    facts = [_facts(request) for request in asked]
    signatures = [compiled.cells.signature(given) for given in facts]

    def cold() -> None:
        forgetting.forget()
        _each(forgetting.decide, facts)

    return {
        WARM: lambda: _each(compiled.decide, facts),
        COLD: cold,
        ENGINE: _asking(Engine(branches).fired, signatures),
        MATCHER: _asking(Matcher(branches).match, signatures),
        FLOOR: _peer(_by_hand(rows), asked),
        ZEN: _peer(zen, asked[:_SLOW]),
    }


def _by_hand(rows: Sequence[Row]) -> Peer:
    lows: dict[int | str, list[int]] = {}
    names: dict[int | str, list[str]] = {}
    for row in rows:
        lows.setdefault(row.style, []).append(row.low)
        names.setdefault(row.style, []).append(row.name)

    def ask(request: Request) -> Sequence[str]:
        style, age = request["style"], request["age"]
        return [names[style][bisect_right(lows[style], int(age)) - 1]]

    return ask


def _assert_equal(compiled: Compiled, asked: Sequence[Request], by_hand: Peer, zen: Peer) -> None:
    for number, request in enumerate(asked):
        ours = list(compiled.decide(_facts(request)).fired)
        if ours != list(by_hand(request)) or (number < _SLOW and ours != list(zen(request))):
            raise AssertionError(f"Tocsin answers {ours} to {request}, the others {by_hand(request)}")


def _facts(request: Request) -> Facts:
    return {**request, "premium": Decimal("300.00")}


def _each(decide: Callable[[Facts], object], facts: Sequence[Facts]) -> None:
    for given in facts:
        decide(given)


def _asking(fired: Callable[[Signature], object], signatures: Sequence[Signature]) -> Callable[[], None]:
    def ask() -> None:
        for signature in signatures:
            fired(signature)

    return ask


def _peer(peer: Peer, asked: Sequence[Request]) -> Callable[[], None]:
    def ask() -> None:
        for request in asked:
            peer(request)

    return ask
