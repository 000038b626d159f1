"""Signatures of all rows at once: the cell of each value by `searchsorted`, then one number for all cells of a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from service.decide import (
    Cells,
    Dimension,
    FactType,
    NamedDimension,
    OrderedDimension,
    PairDimension,
    Reader,
    Signature,
    Value,
    scale_of,
)
from service.rulesets.columns.column import Integers, Mask
from service.rulesets.columns.numerals import MAX_NUMBER
from service.rulesets.columns.typed import NONE, Facts, TypedColumn

ROOM = 2**62
"""How many different combinations one number may stand for."""


@dataclass(frozen=True, slots=True)
class RowCells:
    """The cell of each row in each dimension; `unclear` where only the audit entry tells."""

    cells: Sequence[Integers]
    sizes: Sequence[int]
    unclear: Mask


@dataclass(frozen=True, slots=True)
class RowGroups:
    """Rows with equal cells: each group's cells, and the group of each row."""

    signatures: Sequence[Signature]
    group: Integers


def located(cells: Cells, facts: Facts) -> RowCells:
    """The cells of the rows; rows that the facts refuse or leave unclear have any cell."""
    unclear = facts.unclear.copy()
    cells_of_each: list[Integers] = []
    for dimension in cells.dimensions:
        here, cannot = _cells_in(dimension, [facts.by_path[path] for path in dimension.facts])
        cells_of_each.append(here)
        unclear |= cannot
    return RowCells(cells_of_each, [dimension.size for dimension in cells.dimensions], unclear & ~facts.refused)


def grouped(cells: Sequence[Integers], sizes: Sequence[int], rows: int) -> RowGroups:
    """The rows by their cells, groups in no particular order."""
    key, room = np.zeros(rows, dtype=np.int64), 1
    for here, size in zip(cells, sizes, strict=True):
        if room * size >= ROOM:
            _, key = np.unique(key, return_inverse=True)
            room = rows + 1
        key, room = key * size + here, room * size
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    columns = [here[first].tolist() for here in cells]
    return RowGroups(list(zip(*columns, strict=True)) if columns else [()] * len(first), group)


def _cells_in(dimension: Dimension, facts: Sequence[TypedColumn]) -> tuple[Integers, Mask]:
    nowhere = np.zeros_like(facts[0].present)
    match dimension:
        case OrderedDimension():
            return _in_order(dimension, facts[0]), nowhere
        case PairDimension() if facts[0].fact.type in _NAMED:
            return _by_pairs(dimension, *facts)
        case PairDimension():
            return _compared(dimension, *facts)
        case NamedDimension():
            return _named(dimension, facts[0])
        case _:
            raise TypeError(f"{type(dimension).__name__} has no columns")


_NAMED = (FactType.TEXT, FactType.BOOLEAN)


def _in_order(dimension: OrderedDimension, typed: TypedColumn) -> Integers:
    number = scale_of(typed.fact).number
    values = dimension.size - (dimension.missing is not None)
    begins = (dimension.bounds(cell)[0] for cell in range(1, values))
    edges = [min(max(number(begin), -MAX_NUMBER - 1), MAX_NUMBER + 1) for begin in begins if begin is not None]
    cells = np.searchsorted(np.array(edges, dtype=np.int64), typed.numbers(), side="right")
    return _or_missing(dimension, typed.present, cells)


def _named(dimension: NamedDimension, typed: TypedColumn) -> tuple[Integers, Mask]:
    read, (path,) = dimension.reader(), dimension.facts
    codes, names, cannot = _codes(typed)
    cells = np.zeros(len(names) + 1, dtype=np.int64)
    for code in np.unique(codes[typed.present & ~cannot]):
        cells[code] = read({path: names[code]})
    return _or_missing(dimension, typed.present, cells[codes]), cannot


def _codes(typed: TypedColumn) -> tuple[Integers, Sequence[Value], Mask]:
    """The values of a text or a truth as codes, and where a text is not kept in the column."""
    if typed.fact.type is FactType.BOOLEAN:
        return typed.numbers(), (False, True), np.zeros_like(typed.present)
    texts = typed.texts()
    return texts.codes, texts.names, typed.present & (texts.codes == NONE)


def _by_pairs(dimension: PairDimension, left: TypedColumn, right: TypedColumn) -> tuple[Integers, Mask]:
    """Two texts or truths: each pair of values that occurs is compared once."""
    (one, ones, no_one), (other, others, no_other) = _codes(left), _codes(right)
    both, cannot = left.present & right.present, no_one | no_other
    pairs = one * (len(others) + 1) + other
    asked = both & ~cannot
    distinct, where = np.unique(pairs[asked], return_inverse=True)
    cells = np.zeros(len(pairs), dtype=np.int64)
    read = dimension.reader()
    cells_of_pairs = [_pair(read, dimension.facts, ones, others, int(pair)) for pair in distinct]
    cells[asked] = np.array(cells_of_pairs, dtype=np.int64)[where]
    return _or_missing(dimension, both, cells), cannot & both


def _pair(read: Reader, paths: Sequence[str], ones: Sequence[Value], others: Sequence[Value], pair: int) -> int:
    one, other = divmod(pair, len(others) + 1)
    facts: Mapping[str, Value] = {paths[0]: ones[one], paths[1]: others[other]}
    return read(facts)


def _compared(dimension: PairDimension, left: TypedColumn, right: TypedColumn) -> tuple[Integers, Mask]:
    """Two numbers, days or instants, compared in one scale."""
    both = left.present & right.present
    one, other, cannot = aligned(left.numbers(), left.fact.scale, right.numbers(), right.fact.scale)
    return _or_missing(dimension, both, np.sign(one - other) + 1), cannot & both


def aligned(one: Integers, scale: int, other: Integers, other_scale: int) -> tuple[Integers, Integers, Mask]:
    """Two columns of numbers in the larger of their scales, and where they are too large for that."""
    if scale > other_scale:
        other, one, cannot = aligned(other, other_scale, one, scale)
        return one, other, cannot
    factor = 10 ** (other_scale - scale)
    cannot = np.abs(one) > MAX_NUMBER // factor
    return np.where(cannot, 0, one) * factor, other, cannot


def _or_missing(dimension: Dimension, present: Mask, cells: Integers) -> Integers:
    return np.where(present, cells, dimension.missing or 0)
