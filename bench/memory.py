"""What a million evaluations and a thousand reloads leave behind: resident memory before and after."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from bench.report import table
from service.decide import language
from service.decide.decision import Compiled
from service.decide.ruleset import Ruleset

FLAT_KIB = 10 * 1024
"""What a million evaluations may leave: the memo is bounded, and an allocator keeps some pages."""

RELOAD_KIB = 100
"""What one reload of 100 rules may leave: the C library's own leak."""


def run(quick: bool = False) -> Mapping[str, object]:
    """KiB of resident memory gained by evaluations in all, and by each reload."""
    evaluations, reloads = (100_000, 100) if quick else (1_000_000, 1_000)
    ruleset = _ruleset(100)
    gained = _evaluated(ruleset, evaluations)
    each = _reloaded(ruleset, reloads)
    rows = [
        (f"{evaluations:,} evaluations, 100 rules", f"+{gained} KiB in all", f"{FLAT_KIB} KiB"),
        (f"{reloads:,} reloads of 100 rules", f"+{each:.1f} KiB each", f"{RELOAD_KIB} KiB"),
    ]
    table("resident memory (VmRSS)", ("", "gained", "at most"), rows)
    met = gained <= FLAT_KIB and each <= RELOAD_KIB
    return {"evaluations_kib": gained, "reload_kib": each, "rss_kib": _resident(), "met": met}


def _evaluated(ruleset: Ruleset, times: int) -> int:
    compiled = Compiled(ruleset)
    for number in range(times // 10):
        compiled.decide({"a.n": number % 1_000, "a.price": Decimal(number)})
    before = _resident()
    for number in range(times):
        compiled.decide({"a.n": number % 1_000, "a.price": Decimal(number)})
    return _resident() - before


def _reloaded(ruleset: Ruleset, times: int) -> float:
    _reload(ruleset, 10)
    before = _resident()
    _reload(ruleset, times)
    return (_resident() - before) / times


def _reload(ruleset: Ruleset, times: int) -> None:
    for _ in range(times):
        Compiled(ruleset).decide({"a.n": 1, "a.price": Decimal(1)})
    gc.collect()


def _ruleset(rules: int) -> Ruleset:
    lines = [
        f"  - {{name: R{n}, when: a.n == {n}, then: [{{increase: a.price, by: {n % 9 + 1}%}}]}}" for n in range(rules)
    ]
    facts = "facts:\n  a.n: {type: integer}\n  a.price: {type: decimal, scale: 2}\n"
    parsed = language.parse("ruleset: memory\n" + facts + "rules:\n" + "\n".join(lines))
    assert parsed.ruleset is not None, parsed.findings
    return parsed.ruleset


def _resident() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
