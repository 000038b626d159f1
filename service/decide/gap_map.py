"""Which rules hold for each pair of two facts' cells, the other facts staying as they are: a picture's data.

The verifier's gaps are the same cells; here a person sees them beside each other. More than `MOST` cells of a fact are
merged to ranges: a merged cell names every rule that holds somewhere in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from service.core import TocsinError
from service.decide.cells import Box, Cells, TooManyAlternatives
from service.decide.declarations import TODAY
from service.decide.dimensions import Dimension
from service.decide.ruleset import Hit, Ruleset
from service.decide.values import canonical

MOST = 40
"""Columns, and rows, of a map."""

MOST_RULES = 8
"""Rules that one cell names; `rules_in_all` counts them."""

MOST_CHOICES = 200
"""Cells of another fact that are listed to choose from."""


class NoSuchAxis(TocsinError):
    """A fact that no condition of the ruleset uses by itself, or one for both axes."""

    def __init__(self, fact: str, known: Sequence[str]) -> None:
        super().__init__(
            f"{fact!r} is no axis: choose two of {', '.join(known) or 'no facts, for no rule compares any'}"
        )


@dataclass(frozen=True, slots=True)
class _Area:
    """Where a rule holds, the other facts being as they are: a product of columns and rows, as masks of cells."""

    rule: str
    columns: int
    rows: int


def rule_map(
    ruleset: Ruleset, x: str | None = None, y: str | None = None, others: Sequence[int] = ()
) -> Mapping[str, object]:
    """The map of `x` to the right and `y` down; without them, of the facts with most cells.

    `others` are the numbers of the other facts' cells, in the order of the answer's `others`; what is left out is where
    the first rule holds. Raises `NoSuchAxis`.
    """
    space = _Space.of(ruleset)
    column, row = space.axes(x, y)
    rest = [index for index in range(len(space.cells.dimensions)) if index not in (column, row)]
    at = space.fixed(rest, others)
    columns, rows = _groups(space.size(column)), _groups(space.size(row))
    areas, unknown = space.areas(column, row, at)
    gaps = space.gaps(column, row, at, areas)
    return {
        "facts": space.names(),
        "x": space.name(column),
        "y": space.name(row),
        "columns": space.labels(column, columns),
        "rows": space.labels(row, rows),
        "others": [space.other(index, at[index]) for index in rest],
        "cells": [
            [
                _cell(space, across, down, in_row, gaps, {**at, column: _first(across), row: _first(down)})
                for across in columns
            ]
            for down in rows
            for in_row in [[area for area in areas if area.rows & down]]
        ],
        "not_shown": unknown,
    }


@dataclass(frozen=True, slots=True)
class _Space:
    ruleset: Ruleset
    cells: Cells

    @classmethod
    def of(cls, ruleset: Ruleset) -> _Space:
        return cls(ruleset, Cells.cut(ruleset))

    def names(self) -> list[str]:
        """The facts that an axis can show."""
        return [dimension.facts[0] for dimension in self.cells.dimensions if len(dimension.facts) == 1]

    def axes(self, x: str | None, y: str | None) -> tuple[int | None, int | None]:
        """The dimensions of the axes; None for one that there is not."""
        by_size = sorted(self.names(), key=lambda name: -self.cells.dimensions[self._index(name)].size)
        column = x or next((name for name in by_size if name != y), None)
        row = y or next((name for name in by_size if name != column), None)
        if column is not None and column == row:
            raise NoSuchAxis(column, self.names())
        return self._given(column), self._given(row)

    def _given(self, name: str | None) -> int | None:
        return None if name is None else self._index(name)

    def _index(self, name: str) -> int:
        for index, dimension in enumerate(self.cells.dimensions):
            if dimension.facts == (name,):
                return index
        raise NoSuchAxis(name, self.names())

    def name(self, index: int | None) -> str | None:
        return None if index is None else self.cells.dimensions[index].facts[0]

    def size(self, index: int | None) -> int:
        return 1 if index is None else self.cells.dimensions[index].size

    def labels(self, index: int | None, groups: Sequence[int]) -> list[str]:
        if index is None:
            return [""]
        return [self.cells.dimensions[index].describe(group) for group in groups]

    def fixed(self, rest: Sequence[int], others: Sequence[int]) -> dict[int | None, int]:
        """The cell of each other dimension: as chosen, else where the first rule holds."""
        first = next(iter(self._boxes_of_rules()), {})
        at: dict[int | None, int] = {index: _first(first.get(index, 1)) for index in rest}
        for index, chosen in zip(rest, others, strict=False):
            at[index] = min(max(0, chosen), self.size(index) - 1)
        return at

    def _boxes_of_rules(self) -> Iterator[Box]:
        for rule in self.ruleset.rules:
            try:
                yield from self.cells.boxes(rule.when)
            except TooManyAlternatives:
                continue

    def areas(self, column: int | None, row: int | None, at: Mapping[int | None, int]) -> tuple[list[_Area], list[str]]:
        """Where each rule holds, and the rules with more alternatives than can be drawn."""
        areas, unknown = list[_Area](), list[str]()
        for rule in self.ruleset.rules:
            try:
                boxes = self.cells.boxes(rule.when)
            except TooManyAlternatives:
                unknown.append(rule.name)
            else:
                areas += (_Area(rule.name, *plane) for plane in self._planes(boxes, column, row, at))
        return areas, unknown[:MOST]

    def _planes(
        self, boxes: Sequence[Box], column: int | None, row: int | None, at: Mapping[int | None, int]
    ) -> Iterator[tuple[int, int]]:
        """Those boxes that hold for the other facts, as masks of columns and rows."""
        for box in boxes:
            if all(index is None or box.get(index, -1) >> cell & 1 for index, cell in at.items()):
                yield self._mask(box, column), self._mask(box, row)

    def _mask(self, box: Box, index: int | None) -> int:
        return 1 if index is None else box.get(index, self.cells.dimensions[index].full)

    def gaps(
        self, column: int | None, row: int | None, at: Mapping[int | None, int], areas: Sequence[_Area]
    ) -> Sequence[int]:
        """For each row's cell, the columns in which no rule holds though one should."""
        cover = self.ruleset.must_cover or self.ruleset.should_cover
        if cover is None:
            return [0] * self.size(row)
        wanted = list(self._planes(self.cells.boxes(cover), column, row, at))
        held = [(area.columns, area.rows) for area in areas]
        return [_union(wanted, cell) & ~_union(held, cell) for cell in range(self.size(row))]

    def other(self, index: int, cell: int) -> Mapping[str, object]:
        dimension = self.cells.dimensions[index]
        cells = [dimension.describe(1 << number) for number in range(min(dimension.size, MOST_CHOICES))]
        return {"fact": " and ".join(dimension.facts), "cells": cells, "at": cell}

    def example(self, signature: Mapping[int | None, int]) -> Mapping[str, str]:
        """Values that lie in these cells, as far as a request gives them."""
        values = {}
        for index, cell in signature.items():
            dimension = None if index is None else self.cells.dimensions[index]
            if dimension is not None and self._is_given(dimension):
                value = dimension.sample(cell)
                fact = self.ruleset.facts[dimension.facts[0]]
                if value is not None:
                    values[fact.path] = str(canonical(fact, value))
        return values

    def _is_given(self, dimension: Dimension) -> bool:
        path = dimension.facts[0]
        derived = any(path.startswith(f"{fact.path}.") for fact in self.ruleset.derived)
        return len(dimension.facts) == 1 and path != TODAY and not derived


def _cell(
    space: _Space,
    across: int,
    down: int,
    areas: Sequence[_Area],
    gaps: Sequence[int],
    signature: Mapping[int | None, int],
) -> Mapping[str, object]:
    rules = _rules(areas, across, down, space.ruleset.hit)
    return {**rules, "gap": _has_gap(gaps, across, down), "example": space.example(signature)}


def _rules(areas: Sequence[_Area], across: int, down: int, hit: Hit) -> Mapping[str, object]:
    """The rules that hold in a cell; of a single cell under `hit: first` the first of them alone."""
    names = list(dict.fromkeys(area.rule for area in areas if area.columns & across))
    is_single = across.bit_count() == down.bit_count() == 1
    if hit is Hit.FIRST and is_single:
        names = names[:1]
    return {"rules": names[:MOST_RULES], "rules_in_all": len(names)}


def _has_gap(gaps: Sequence[int], across: int, down: int) -> bool:
    return any(gap & across and down >> row & 1 for row, gap in enumerate(gaps))


def _union(planes: Sequence[tuple[int, int]], row: int) -> int:
    columns = 0
    for mask, rows in planes:
        if rows >> row & 1:
            columns |= mask
    return columns


def _groups(size: int) -> list[int]:
    """The cells of an axis as masks, neighbours merged where there are more than `MOST`."""
    count = min(size, MOST)
    bounds = [size * number // count for number in range(count + 1)]
    return [(1 << end) - (1 << begin) for begin, end in pairwise(bounds)]


def _first(mask: int) -> int:
    """The lowest cell of a mask."""
    return (mask & -mask).bit_length() - 1
