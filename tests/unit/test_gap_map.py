"""Which rules hold for each pair of two facts' cells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decide import language
from service.decide.gap_map import MOST, NoSuchAxis, rule_map
from service.decide.ruleset import Ruleset

ROOT = Path(__file__).parents[2]


def ruleset(text: str) -> Ruleset:
    parsed = language.parse(text).ruleset
    assert parsed is not None
    return parsed


PREMIUM = ruleset((ROOT / "rules" / "premium.yaml").read_text())


def drawn(found: Mapping[str, Any]) -> list[list[str]]:
    return [["GAP" if cell["gap"] else "+".join(cell["rules"]) or "." for cell in row] for row in found["cells"]]


def test_the_gap_at_age_21_is_seen_beside_its_neighbours() -> None:
    found: Mapping[str, Any] = rule_map(PREMIUM, "driver.age", "car.color")
    assert found["columns"] == ["under 21", "21", "22 or more"]
    assert found["rows"] == ["RED", "any other text"]
    assert found["others"] == [{"fact": "car.style", "cells": ["SPORTS", "any other text"], "at": 0}]
    assert drawn(found) == [["High Risk", "GAP", "Med Risk"], [".", ".", "."]]
    assert found["cells"][0][1]["example"] == {"driver.age": "21", "car.style": "SPORTS", "car.color": "RED"}


def test_another_cell_of_the_other_facts_is_another_map() -> None:
    assert drawn(rule_map(PREMIUM, "driver.age", "car.color", [1])) == [[".", ".", "."], [".", ".", "."]]
    assert drawn(rule_map(PREMIUM, "driver.age", "car.color", [99])) == [[".", ".", "."], [".", ".", "."]]


def test_axes_that_are_none_are_refused_by_name() -> None:
    for x, y in (("driver.name", None), ("driver.age", "driver.age"), ("car.style", "nothing")):
        with pytest.raises(NoSuchAxis, match=r"driver\.age, car\.style, car\.color"):
            rule_map(PREMIUM, x, y)
    always = ruleset("ruleset: all\nfacts: {a: {type: integer}}\nrules: [{name: All, when: always, then: accept}]\n")
    with pytest.raises(NoSuchAxis, match="no rule compares any"):
        rule_map(always, "a")
    found = rule_map(always)
    assert (found["x"], found["y"], drawn(found)) == (None, None, [["All"]])


HOLDS = "{{name: {}, when: {}, then: accept}}"


def of_one(hit: str, *conditions: str) -> Ruleset:
    rules = ", ".join(HOLDS.format(f"R{number}", condition) for number, condition in enumerate(conditions))
    return ruleset(f"ruleset: one\nfacts: {{a: {{type: integer, min: 0, max: 999}}}}\nhit: {hit}\nrules: [{rules}]\n")


def test_one_fact_is_a_row_and_the_hit_policy_says_who_wins() -> None:
    conditions = ("a < 5", "a < 9")
    assert drawn(rule_map(of_one("first", *conditions))) == [["R0", "R1", "."]]
    assert drawn(rule_map(of_one("all", *conditions))) == [["R0+R1", "R1", "."]]
    assert rule_map(of_one("all", *conditions))["y"] is None


def test_more_cells_than_fit_are_merged_and_lose_no_rule() -> None:
    found: Mapping[str, Any] = rule_map(of_one("all", *(f"a == {number * 3}" for number in range(100))))
    assert len(found["columns"]) == MOST
    (row,) = found["cells"]
    assert {name for cell in row for name in cell["rules"]} == {f"R{number}" for number in range(100)}


@given(st.integers(0, 130), st.sampled_from(["SPORTS", "SEDAN"]), st.sampled_from(["RED", "BLUE"]))
def test_each_cell_says_what_deciding_a_request_in_it_says(age: int, style: str, colour: str) -> None:
    at = [0 if style == "SPORTS" else 1]
    found: Mapping[str, Any] = rule_map(PREMIUM, "driver.age", "car.color", at)
    column = 0 if age < 21 else 1 if age == 21 else 2
    cell = found["cells"][0 if colour == "RED" else 1][column]
    held = [rule.name for rule in PREMIUM.rules if _holds(rule.name, age, style, colour)]
    assert cell["rules"] == held


def _holds(name: str, age: int, style: str, colour: str) -> bool:
    """The two rules, written out once more by hand."""
    return style == "SPORTS" and colour == "RED" and (age < 21 if name == "High Risk" else age > 21)
