"""A rules folder with nothing but what messages and incidents need: publishing every shipped file takes a second."""

from __future__ import annotations

from pathlib import Path

from tests.functional.client import ROOT

NEEDED = ("sentiment.yaml", "escalation/default.yaml")


def few_rules(folder: Path, *more: str) -> Path:
    """Copies of the shipped files in `folder`/rules, and of `more` of them."""
    rules = folder / "rules"
    (rules / "escalation").mkdir(parents=True)
    for name in (*NEEDED, *more):
        (rules / name).write_text((ROOT / "rules" / name).read_text())
    return rules
