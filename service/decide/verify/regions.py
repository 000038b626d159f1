"""Regions: sets of requests as products of sets of cells, and the few operations that proofs about rules are made of.

The method is the geometric one of Calvanese, Dumas et al., "Semantics and Analysis of DMN Decision Tables"
(https://arxiv.org/abs/1603.07466), over three-valued conditions: every answer is exact, none needs a solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import and_
from typing import TypeAlias

from service.core import TocsinError
from service.decide.cells import Cells, Dimension
from service.decide.intervals import OrderedDimension
from service.decide.ruleset import Condition, Ruleset, Value
from service.decide.values import LIMIT

Region: TypeAlias = tuple[int, ...]
"""The mask of allowed cells in every dimension; never an empty mask.

`()` is a region too, the whole space where no condition reads a fact: compare with None, never ask for truth.
"""

ANY_REQUEST = "any request"
_MAX_WORDS = 400
_MAX_VALUE = 120


class OutOfSteps(TocsinError):
    """A proof would take longer than it may."""


class Steps:
    """How many regions a proof may still look at: some ten microseconds each among thousands of rules."""

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
        regions = []
        for box in self.cells.boxes(condition):
            region = tuple([mask & box.get(index, mask) for index, mask in enumerate(self.whole)])
            if all(region):
                regions.append(region)
        return tuple(regions)

    def words(self, region: Region) -> str:
        """The region as a sentence's object: `driver.age is under 21 and car.style is SPORTS`."""
        parts = [
            f"{' and '.join(dimension.facts)} is {_cut(dimension.describe(mask), _MAX_VALUE)}"
            for dimension, mask, whole in zip(self.cells.dimensions, region, self.whole, strict=True)
            if mask != whole
        ]
        return _cut(" and ".join(parts), _MAX_WORDS) or ANY_REQUEST

    def where(self, region: Region) -> str:
        """The region as the end of a sentence: `where driver.age is under 21`, `for any request`."""
        return where(self.words(region))


def where(*words: str) -> str:
    """Where something holds, of the words of regions: the end of a sentence."""
    return f"for {ANY_REQUEST}" if ANY_REQUEST in words else f"where {' or where '.join(words)}"


def meet(one: Region, other: Region) -> Region | None:
    """What lies in both; None if nothing does."""
    both = tuple(map(and_, one, other))
    return both if all(both) else None


def joined(regions: Sequence[Region]) -> list[Region]:
    """The same set in fewer regions: those that differ in one dimension only become one."""
    boxes = list(dict.fromkeys(regions))
    for index in range(len(boxes[0]) if boxes else 0):
        masks: dict[Region, int] = {}
        for region in boxes:
            others = (*region[:index], 0, *region[index + 1 :])
            masks[others] = masks.get(others, 0) | region[index]
        boxes = [(*others[:index], mask, *others[index + 1 :]) for others, mask in masks.items()]
    return boxes


def lowest(mask: int) -> int:
    """The number of the lowest bit that is set."""
    return (mask & -mask).bit_length() - 1


def around(region: Region, cover: Region) -> Iterator[Region]:
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
