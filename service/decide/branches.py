"""A ruleset's rules as numbered branches over cells: what the engine and the matcher are both built from."""

from __future__ import annotations

from dataclasses import dataclass

from service.decide.cells import Box, Cells
from service.decide.ruleset import Ruleset


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of one rule's condition: rule number `rule`, counted from 0 in file order, holds inside `box`."""

    rule: int
    box: Box


@dataclass(frozen=True, slots=True)
class Branches:
    """All branches in file order, over dimensions of `sizes` cells."""

    sizes: tuple[int, ...]
    branches: tuple[Branch, ...]


def branches_of(ruleset: Ruleset, cells: Cells) -> Branches:
    """The branches of all rules; raises `TooManyAlternatives` for a rule that has more than the limit."""
    sizes = tuple(dimension.size for dimension in cells.dimensions)
    rules = enumerate(ruleset.rules)
    return Branches(sizes, tuple(Branch(number, box) for number, rule in rules for box in cells.boxes(rule.when)))
