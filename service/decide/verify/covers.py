"""Many regions at once: which of them meet a region, and what they leave uncovered of it.

Sets of regions are bit masks over their numbers. Per dimension it is looked up which regions a side meets and which
hold all of it; a few `and`s of these masks then answer for all regions together what would take a comparison each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_

import numpy as np
from numpy.typing import NDArray

from service.decide.intervals import runs
from service.decide.verify.regions import Region, Steps, around, lowest

_FEW = 24
"""Different sides that are compared one by one; more are compared by numpy all at once."""

_KEPT = 2_048
"""Answers that are remembered per dimension: a bit per region each, some megabytes for thousands of rules."""


@dataclass(frozen=True, slots=True)
class _Sides:
    """The sides of all regions in one dimension: those that share a cell with a mask, and those that hold all of it."""

    different: int
    meeting: Callable[[int], int]
    holding: Callable[[int], int]


class Covers:
    """A sequence of regions; a set of them is a mask in which bit n stands for region number n."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self._regions = tuple(regions)
        self.all = (1 << len(self._regions)) - 1
        dimensions = range(len(self._regions[0]) if self._regions else 0)
        self._sides = [_sides([region[index] for region in self._regions]) for index in dimensions]
        self._selective_first = sorted(dimensions, key=lambda index: -self._sides[index].different)

    def __getitem__(self, number: int) -> Region:
        return self._regions[number]

    def meeting(self, region: Region, among: int) -> int:
        """Those `among` the regions that share a request with `region`."""
        for index in self._selective_first:
            if not among:
                return 0
            among &= self._sides[index].meeting(region[index])
        return among

    def uncovered(self, region: Region, among: int, steps: Steps) -> Iterator[Region]:
        """Disjoint regions that make up what none of those `among` holds of `region`; raises `OutOfSteps`."""
        return (left for left, cover in self._taken_away(region, among, steps) if cover is None)

    def covering(self, region: Region, among: int, steps: Steps) -> int | None:
        """Some of those `among` that together hold all of `region`; None if they do not. Raises `OutOfSteps`."""
        covers = 0
        for _, cover in self._taken_away(region, among, steps):
            if cover is None:
                return None
            covers |= 1 << cover
        return covers

    def _taken_away(self, region: Region, among: int, steps: Steps) -> Iterator[tuple[Region, int | None]]:
        """Ever smaller parts of `region`, each with the cover that is taken away from it; None where none meets it."""
        waiting = [(region, among)]
        while waiting:
            left, near = waiting.pop()
            steps.take(1)
            near = self.meeting(left, near)
            cover = self._widest(left, near) if near else None
            yield left, cover
            if cover is not None:
                waiting.extend((piece, near) for piece in around(left, self._regions[cover]))

    def _widest(self, region: Region, near: int) -> int:
        """One of those `near` that the fewest sides of `region` reach beyond.

        The sides are counted for all of them together: bit n of `counts[k]` is bit k of region n's count.
        """
        counts: list[int] = []
        for side, mask in zip(self._sides, region, strict=True):
            beyond = near & ~side.holding(mask)
            for place, digit in enumerate(counts):
                counts[place], beyond = digit ^ beyond, digit & beyond
            if beyond:
                counts.append(beyond)
        fewest = near
        for digit in reversed(counts):
            fewest = fewest & ~digit or fewest
        return lowest(fewest)


def _sides(masks: Sequence[int]) -> _Sides:
    return _few_sides(masks) if len(set(masks)) <= _FEW else _many_sides(masks)


def _few_sides(masks: Sequence[int]) -> _Sides:
    """Sides of which few are different, as texts and truths have them."""
    regions: Mapping[int, int] = {
        mask: sum([1 << number for number, its in enumerate(masks) if its == mask]) for mask in set(masks)
    }

    @lru_cache(_KEPT)
    def meeting(mask: int) -> int:
        return reduce(or_, [its for side, its in regions.items() if side & mask], 0)

    @lru_cache(_KEPT)
    def holding(mask: int) -> int:
        return reduce(or_, [its for side, its in regions.items() if not mask & ~side], 0)

    return _Sides(len(regions), meeting, holding)


def _many_sides(masks: Sequence[int]) -> _Sides:
    """Sides as runs of neighbouring cells: one pass over arrays counts the cells that each shares with a mask."""
    numbers = {mask: number for number, mask in enumerate(dict.fromkeys(masks))}
    runs_ = _Runs.of(list(numbers))
    side_of = None if len(numbers) == len(masks) else np.array([numbers[mask] for mask in masks], dtype=np.int32)

    def regions(sides: NDArray[np.bool_]) -> int:
        each = sides if side_of is None else sides[side_of]
        return int.from_bytes(np.packbits(each, bitorder="little").tobytes(), "little")

    @lru_cache(_KEPT)
    def meeting(mask: int) -> int:
        return regions(runs_.shared(mask) > 0)

    @lru_cache(_KEPT)
    def holding(mask: int) -> int:
        return regions(runs_.shared(mask) == mask.bit_count())

    return _Sides(len(numbers), meeting, holding)


@dataclass(frozen=True, slots=True)
class _Runs:
    """The runs of neighbouring cells that some masks consist of; those of mask n are from number `begins[n]` on."""

    first: NDArray[np.int32]
    beyond: NDArray[np.int32]
    begins: NDArray[np.intp]
    cells: int

    @classmethod
    def of(cls, masks: Sequence[int]) -> _Runs:
        each = [list(runs(mask)) for mask in masks]
        ends = np.array([run for its in each for run in its], dtype=np.int32).reshape(-1, 2)
        begins = np.cumsum([0, *(len(its) for its in each[:-1])])
        return cls(ends[:, 0].copy(), ends[:, 1] + 1, begins, max(mask.bit_length() for mask in masks))

    def shared(self, mask: int) -> NDArray[np.int32]:
        """How many cells each of the masks shares with this one."""
        in_runs = self._within(mask)
        return in_runs if len(in_runs) == len(self.begins) else np.add.reduceat(in_runs, self.begins)

    def _within(self, mask: int) -> NDArray[np.int32]:
        """How many cells of a mask lie in each run."""
        first, beyond = lowest(mask), mask.bit_length()
        if mask.bit_count() == beyond - first:
            overlap: NDArray[np.int32] = np.minimum(self.beyond, beyond) - np.maximum(self.first, first)
            return overlap.clip(min=0)
        inside = mask & ((1 << self.cells) - 1)
        packed = np.frombuffer(inside.to_bytes(self.cells // 8 + 1, "little"), dtype=np.uint8)
        up_to = np.zeros(self.cells + 1, dtype=np.int32)
        np.cumsum(np.unpackbits(packed, count=self.cells, bitorder="little"), out=up_to[1:])
        return up_to[self.beyond] - up_to[self.first]
