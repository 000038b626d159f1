"""`make bench`: every benchmark in one run, ratios printed, figures as JSON in bench/results/.

Absolute times depend on the machine and prove nothing; each benchmark measures its floor and its peers in the same
run, interleaved, and reports ratios. `python -m bench decide http` runs some of them, `--quick` with fewer rounds.
"""

from __future__ import annotations

import json
import platform
import sys
from importlib import import_module
from pathlib import Path

BENCHMARKS = (
    "decide",
    "tables",
    "memory",
    "http",
    "deliveries",
    "storage",
    "verify",
    "escalations",
    "backtest",
    "console",
    "aws",
)
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all; 1 if one missed its target, 2 for a name that is none."""
    quick = "--quick" in arguments
    names = [name for name in arguments if name != "--quick"] or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        print(f"no such benchmark: {', '.join(sorted(unknown))} (there are: {', '.join(BENCHMARKS)})")
        return 2
    RESULTS.mkdir(exist_ok=True)
    missed = [name for name in names if not _run(name, quick)]
    print(f"\ntargets missed in: {', '.join(missed)}" if missed else "\nall targets met")
    return 1 if missed else 0


def _run(name: str, quick: bool) -> bool:
    print(f"\n== {name}")
    figures = import_module(f"bench.{name}").run(quick=quick)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine, **figures}, indent=2, default=str) + "\n")
    return bool(figures.get("met", True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
