"""Regions taken away from regions, counted cell by cell."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from service.decide.matcher import bits
from service.decide.verify.covers import Covers
from service.decide.verify.regions import OutOfSteps, Region, Steps

SIZES = (70, 6, 2)
Point = tuple[int, ...]


def masks(size: int) -> st.SearchStrategy[int]:
    """Sets of cells that are not empty: intervals, any sets, and all."""
    whole = (1 << size) - 1
    ends = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).map(sorted)
    intervals = ends.map(lambda pair: (1 << pair[1] + 1) - (1 << pair[0]))
    return st.one_of(intervals, st.integers(1, whole), st.just(whole))


regions = st.tuples(*map(masks, SIZES))


@st.composite
def settled(draw: DrawFn) -> tuple[list[Region], int, Region]:
    """Many covers, some of them chosen, and a region."""
    covers = draw(st.one_of(st.lists(regions, min_size=1, max_size=6), st.lists(regions, min_size=30, max_size=60)))
    return covers, draw(st.integers(0, (1 << len(covers)) - 1)), draw(regions)


def points(region: Region) -> set[Point]:
    return set(product(*map(bits, region)))


@settings(max_examples=150, deadline=None)
@given(settled())
def test_what_covers_leave_of_a_region_is_what_no_cover_holds_and_nothing_twice(
    drawn: tuple[list[Region], int, Region],
) -> None:
    given_covers, chosen, region = drawn
    covers = Covers(given_covers)
    pieces = [points(piece) for piece in covers.uncovered(region, chosen, Steps(100_000))]
    held = set[Point]().union(*(points(given_covers[number]) for number in bits(chosen)))
    assert set[Point]().union(*pieces) == points(region) - held
    assert sum(map(len, pieces)) == len(points(region) - held)
    covering = covers.covering(region, chosen, Steps(100_000))
    assert (covering is None) == bool(points(region) - held)
    assert covering is None or points(region) <= set[Point]().union(*(points(covers[n]) for n in bits(covering)))
    assert list(bits(covers.meeting(region, chosen))) == [
        number for number in bits(chosen) if points(region) & points(given_covers[number])
    ]


def test_a_search_that_takes_too_long_is_given_up() -> None:
    covers = Covers([(1 << cell, 1 << side) for cell in range(60) for side in range(60) if cell != side])
    with pytest.raises(OutOfSteps):
        list(covers.uncovered(((1 << 60) - 1, (1 << 60) - 1), covers.all, Steps(50)))
