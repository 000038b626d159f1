"""The page that administrators learn from says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.decide.actions import KEYS
from service.decide.language import parse
from service.decide.ruleset import FactType, Hit
from service.rulesets import gate, metrics

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()


def test_the_first_file_of_the_page_passes_the_gate() -> None:
    block = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    assert parse(block[1]).findings == ()
    assert gate.check(block[1]).sound


def test_every_type_hit_policy_and_metric_is_on_the_page() -> None:
    names = [*FactType, *Hit, *(f"{metric}_total" for metric in _metrics())]
    assert [name for name in names if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize("verb", KEYS)
def test_every_verb_and_its_keys_are_on_the_page(verb: str) -> None:
    assert f"`{{{verb}:" in PAGE or f"`{verb}`" in PAGE
    example = re.search(rf"(?m)^.*`\{{{verb}:.*$", PAGE)
    assert [key for key in KEYS[verb] if example is None or f"{key}:" not in example[0]] == []


def _metrics() -> list[str]:
    counters = (metrics.DECISIONS, metrics.FIRED, metrics.DISAGREEMENTS)
    return [family.name for counter in counters for family in counter.collect()]
