"""Regions: sets of requests as products of sets of cells, and the few operations that proofs about rules are made of.

The method is the geometric one of Calvanese, Dumas et al., "Semantics and Analysis of DMN Decision Tables"
(https://arxiv.org/abs/1603.07466), over three-valued conditions: every answer is exact, none needs a solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import and_, ne
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.decide.cells import Cells, Dimension
from service.decide.intervals import OrderedDimension
from service.decide.ruleset import Condition, Ruleset, Value
from service.decide.values import LIMIT
from service.errors import TocsinError

Region: TypeAlias = tuple[int, ...]
"""The mask of allowed cells in every dimension; never an empty mask."""

_TRIED = 16
"""Covers among which the one is chosen that leaves the fewest pieces; the widest come first."""

_MAX_WORDS = 400
_MAX_VALUE = 120


class OutOfSteps(TocsinError):
    """A proof would take longer than it may."""


class Steps:
    """How many comparisons of two regions a proof may still make: about a microsecond each."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, count: int) -> None:
        """Raises `OutOfSteps` when there are not so many left."""
        self._left -= count
        if self._left < 0:
            raise OutOfSteps("the rules overlap in too many ways to look at them all")


@dataclass(frozen=True, slots=True)
class Space:
    """The cells of a ruleset, and in `whole` those of them that a request can lie in."""

    cells: Cells
    whole: Region

    @classmethod
    def of(cls, ruleset: Ruleset) -> Space:
        """The space that the ruleset's conditions and covers can tell apart."""
        cells = Cells.cut(ruleset)
        return cls(cells, tuple(_reachable(dimension) for dimension in cells.dimensions))

    def regions(self, condition: Condition) -> tuple[Region, ...]:
        """Regions that together hold exactly the requests of which `condition` is true; raises as `Cells.boxes`."""
        found = []
        for box in self.cells.boxes(condition):
            region = tuple([mask & box.get(index, mask) for index, mask in enumerate(self.whole)])
            if all(region):
                found.append(region)
        return tuple(found)

    def words(self, region: Region) -> str:
        """The region as a sentence's object: `driver.age is under 21 and car.style is SPORTS`."""
        parts = [
            f"{' and '.join(dimension.facts)} is {_cut(dimension.describe(mask), _MAX_VALUE)}"
            for dimension, mask, whole in zip(self.cells.dimensions, region, self.whole, strict=True)
            if mask != whole
        ]
        return _cut(" and ".join(parts), _MAX_WORDS) or "any request"


def meet(one: Region, other: Region) -> Region | None:
    """What lies in both; None if nothing does."""
    both = tuple(map(and_, one, other))
    return both if all(both) else None


def uncovered(region: Region, covers: Sequence[Region], steps: Steps) -> Iterator[Region]:
    """Disjoint regions that make up what no cover holds of `region`; raises `OutOfSteps`."""
    steps.take(len(covers))
    waiting = [(region, sorted(covers, key=lambda cover: _sides_beyond(region, cover)))]
    while waiting:
        left, around = waiting.pop()
        steps.take(len(around) + _TRIED)
        near = [cover for cover in around if all(map(and_, left, cover))]
        if not near:
            yield left
            continue
        widest = min(near[:_TRIED], key=lambda cover: _sides_beyond(left, cover))
        waiting.extend((piece, near) for piece in _around(left, widest))


def is_covered(region: Region, covers: Sequence[Region], steps: Steps) -> bool:
    """Whether the covers together hold all of `region`; raises `OutOfSteps`."""
    return next(uncovered(region, covers, steps), None) is None


def joined(regions: Sequence[Region]) -> list[Region]:
    """The same set in fewer regions: those that differ in one dimension only become one."""
    found = list(dict.fromkeys(regions))
    for index in range(len(found[0]) if found else 0):
        masks: dict[Region, int] = {}
        for region in found:
            others = (*region[:index], 0, *region[index + 1 :])
            masks[others] = masks.get(others, 0) | region[index]
        found = [(*others[:index], mask, *others[index + 1 :]) for others, mask in masks.items()]
    return found


class Index:
    """Finds the regions that may meet a given one: by the first and last cell of each side, for all at once."""

    def __init__(self, regions: Sequence[Region], whole: Region) -> None:
        self._count = len(regions)
        self._sides = [_Side(regions, index) for index in range(len(whole))]

    def near(self, region: Region) -> list[int]:
        """The numbers of the regions whose hull meets that of `region`, ascending."""
        near: NDArray[np.bool_] = np.ones(self._count, dtype=np.bool_)
        for side, mask in zip(self._sides, region, strict=True):
            side.narrow(near, mask)
        found: list[int] = np.flatnonzero(near).tolist()
        return found


class _Side:
    """The extent of all regions in one dimension."""

    def __init__(self, regions: Sequence[Region], index: int) -> None:
        extents = [_extent(region[index]) for region in regions]
        self._first = np.array([first for first, _ in extents], dtype=np.int32)
        self._last = np.array([last for _, last in extents], dtype=np.int32)

    def narrow(self, near: NDArray[np.bool_], mask: int) -> None:
        first, last = _extent(mask)
        near &= (self._first <= last) & (self._last >= first)


def _extent(mask: int) -> tuple[int, int]:
    return (mask & -mask).bit_length() - 1, mask.bit_length() - 1


def _sides_beyond(region: Region, cover: Region) -> int:
    """In how many dimensions `region` reaches beyond `cover`."""
    return sum(map(ne, map(and_, region, cover), region))


def _around(region: Region, cover: Region) -> Iterator[Region]:
    """`region` without `cover`, as disjoint regions."""
    inside = list(region)
    for index, its in enumerate(cover):
        beyond = inside[index] & ~its
        if beyond:
            yield (*inside[:index], beyond, *inside[index + 1 :])
            inside[index] &= its


def _reachable(dimension: Dimension) -> int:
    """The cells that hold a value which `facts.read` lets in: numbers are below 10^18 on either side of zero."""
    if not isinstance(dimension, OrderedDimension):
        return dimension.full
    cells = range(dimension.size - (dimension.missing is not None))
    beyond = sum([1 << cell for cell in cells if not _is_readable(*dimension.bounds(cell))])
    return dimension.full & ~beyond


def _is_readable(low: Value | None, high: Value | None) -> bool:
    too_high = isinstance(low, int | Decimal) and low >= LIMIT
    too_low = isinstance(high, int | Decimal) and high <= -LIMIT
    return not (too_high or too_low)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
