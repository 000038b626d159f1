"""What a million evaluations and a thousand reloads leave behind: resident memory before and after."""

from __future__ import annotations

import gc
import random
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from bench.report import table
from service.decide import language
from service.decide.decision import MEMO_ENTRIES, Compiled, DecidedBy
from service.decide.ruleset import Ruleset

FLAT_KIB = 10 * 1024
"""What a million evaluations may leave: the memo is bounded, and an allocator keeps some pages."""

RELOAD_KIB = 100
"""What one reload of 100 rules may leave: the C library's own leak."""

NUMBERS, PRICE = ("a.x", "a.y", "a.z"), "a.price"
LIMITS_BELOW, DRAWN_BELOW = 200, 220
"""Three facts with some eighty limits each: half a million kinds of request, of which the memo holds an eighth."""


def run(quick: bool = False) -> Mapping[str, object]:
    """KiB of resident memory gained by evaluations in all, and by each reload."""
    evaluations, reloads = (100_000, 100) if quick else (1_000_000, 1_000)
    ruleset = _ruleset(100)
    gained = _evaluated(ruleset, evaluations)
    each = _reloaded(ruleset, reloads)
    rows = [
        (f"{evaluations:,} evaluations, 100 rules", f"{gained:+} KiB in all", f"{FLAT_KIB} KiB"),
        (f"{reloads:,} reloads of 100 rules", f"{each:+.1f} KiB each", f"{RELOAD_KIB} KiB"),
    ]
    table("resident memory (VmRSS)", ("", "gained", "at most"), rows)
    met = gained <= FLAT_KIB and each <= RELOAD_KIB
    return {"evaluations_kib": gained, "reload_kib": each, "rss_kib": _resident(), "met": met}


def _evaluated(ruleset: Ruleset, times: int) -> int:
    """KiB gained by requests most of which were never asked before, so that the engine answers and not the memo."""
    compiled, random_ = Compiled(ruleset), random.Random(1)

    def evaluate(times: int) -> int:
        return sum(compiled.decide(_drawn(random_)).decided_by is DecidedBy.ENGINE for _ in range(times))

    evaluate(2 * MEMO_ENTRIES)
    gc.collect()
    before = _resident()
    by_engine = evaluate(times)
    gc.collect()
    assert by_engine > times // 2, f"the memo answered {times - by_engine:,} of {times:,}"
    return _resident() - before


def _drawn(random_: random.Random) -> Mapping[str, int | Decimal]:
    numbers = {path: random_.randrange(DRAWN_BELOW) for path in NUMBERS}
    return {**numbers, PRICE: Decimal(random_.randrange(100_000)).scaleb(-2)}


def _reloaded(ruleset: Ruleset, times: int) -> float:
    _reload(ruleset, 10)
    before = _resident()
    _reload(ruleset, times)
    return (_resident() - before) / times


def _reload(ruleset: Ruleset, times: int) -> None:
    for _ in range(times):
        Compiled(ruleset).decide({**dict.fromkeys(NUMBERS, 1), PRICE: Decimal(1)})
    gc.collect()


def _ruleset(rules: int) -> Ruleset:
    random_ = random.Random(0)
    lines = []
    for number in range(rules):
        when = " and ".join(f"{path} >= {random_.randrange(LIMITS_BELOW)}" for path in NUMBERS)
        lines.append(f"  - {{name: R{number}, when: {when}, then: [{{increase: {PRICE}, by: {number % 9 + 1}%}}]}}")
    facts = "facts:\n" + "".join(f"  {path}: {{type: integer}}\n" for path in NUMBERS)
    facts += f"  {PRICE}: {{type: decimal, scale: 2}}\n"
    parsed = language.parse("ruleset: memory\n" + facts + "rules:\n" + "\n".join(lines))
    assert parsed.ruleset is not None, parsed.findings
    return parsed.ruleset


def _resident() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
