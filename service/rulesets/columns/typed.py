"""A column read as a declared fact: what `facts.read` makes of each row, for all rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from service.decide import ORDERED, TODAY, Fact, FactType, Ruleset, UnfitValue, Value, scale_of, values
from service.rulesets.columns.column import CellTag, Column, Integers, Mask
from service.rulesets.columns.numerals import MAX_NUMBER, written
from service.rulesets.columns.segment import Segment

NONE = -1
"""The code of a text that a column does not keep."""


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A text fact's values as codes into `names`; `NONE` where only the audit entry knows the text."""

    codes: Integers
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class TypedColumn:
    """One fact of all rows.

    `present` where it has a value, `refused` where `facts.read` certainly refuses it, `unclear` where only the audit
    entry tells. `numbers` are values in the fact's scale (truths 0 and 1), `texts` those of a text fact.
    """

    fact: Fact
    present: Mask
    refused: Mask
    unclear: Mask
    numbers: Callable[[], Integers]
    texts: Callable[[], TextColumn]


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of all rows, as one ruleset declares them; `refused` and `unclear` are those of the request."""

    by_path: Mapping[str, TypedColumn]
    refused: Mask
    unclear: Mask


def typed(ruleset: Ruleset, segment: Segment) -> Facts:
    """What the ruleset reads in the requests of a segment."""
    nothing = np.zeros(segment.rows, dtype=np.bool_)
    prefixes = tuple(f"{derivation.path}." for derivation in ruleset.derived)
    by_path = {
        path: _fact(fact, segment)
        for path, fact in ruleset.facts.items()
        if not (prefixes and path.startswith(prefixes))
    }
    refused, unclear = nothing.copy(), _holders(ruleset, segment)
    for derivation in ruleset.derived:
        silent = _absent(segment, derivation.path)
        has_text = by_path[derivation.source].present & silent
        unclear |= ~silent
        for path in (path for path in ruleset.facts if path.startswith(f"{derivation.path}.")):
            by_path[path] = column = _computed(ruleset.facts[path], segment, has_text)
            unclear |= column.unclear
    for column in by_path.values():
        refused |= column.refused
        unclear |= column.unclear
    return Facts(by_path, refused, unclear & ~refused)


def _fact(fact: Fact, segment: Segment) -> TypedColumn:
    column = segment.columns.get(fact.path)
    nothing = np.zeros(segment.rows, dtype=np.bool_)
    if column is None:
        typed = _nowhere(fact, nothing)
        unclear = nothing if segment.whole else ~nothing
        typed = replace(typed, unclear=unclear)
    else:
        typed = _READERS[fact.type](fact, column)
    if fact.path == TODAY:
        return _today(typed, segment)
    missing = ~(typed.present | typed.refused | typed.unclear)
    return typed if fact.optional else replace(typed, refused=typed.refused | missing)


def _nowhere(fact: Fact, nothing: Mask) -> TypedColumn:
    zeros = nothing.astype(np.int64)
    return TypedColumn(fact, nothing, nothing, nothing, lambda: zeros, lambda: TextColumn(zeros, ("",)))


def _today(given: TypedColumn, segment: Segment) -> TypedColumn:
    """The day that a request gives, else that of the evaluation."""
    here = given.present

    def numbers() -> Integers:
        return np.where(here, given.numbers(), segment.day())

    return replace(given, present=~(given.refused | given.unclear), numbers=numbers)


def _holders(ruleset: Ruleset, segment: Segment) -> Mask:
    """Rows in which a member that holds facts is not an object."""
    unclear = np.zeros(segment.rows, dtype=np.bool_)
    for holder in {above for path in ruleset.facts for above in _above(path)}:
        column = segment.columns.get(holder)
        if column is not None:
            unclear |= (column.tags != CellTag.OBJECT) & (column.tags != CellTag.MISSING)
        elif not segment.whole:
            unclear[:] = True
    return unclear


def _above(path: str) -> Iterator[str]:
    """The objects that hold a member: `a` and `a.b` of `a.b.c`."""
    parts = path.split(".")
    return (".".join(parts[:depth]) for depth in range(1, len(parts)))


def _absent(segment: Segment, path: str) -> Mask:
    column = segment.columns.get(path)
    if column is None:
        return np.full(segment.rows, segment.whole)
    return column.tags == CellTag.MISSING  # type: ignore[no-any-return]  # numpy's comparison is typed as anything


def _computed(fact: Fact, segment: Segment, wanted: Mask) -> TypedColumn:
    """A computed fact as it was recorded; where it is wanted and was not, the entry says why."""
    column, nothing = segment.computed.get(fact.path), np.zeros_like(wanted)
    if column is None:
        return replace(_nowhere(fact, nothing), unclear=wanted)
    typed = _READERS[fact.type](fact, column)
    return replace(typed, present=typed.present & wanted, refused=nothing, unclear=wanted & ~typed.present)


def _read_numbers(fact: Fact, column: Column) -> TypedColumn:
    """Whole numbers and decimals: numerals and JSON numbers at once, other texts one by one."""
    tags, raw, digits = column.tags, column.values(), fact.scale
    numeral = tags == CellTag.NUMERAL
    number = (tags == CellTag.NUMBER) | numeral
    if column.scale >= digits:
        step = 10 ** (column.scale - digits)
        scaled, rest = (raw, np.zeros_like(raw)) if step == 1 else np.divmod(raw, step)
        exact, beyond = rest == 0, np.zeros_like(number)
    else:
        factor = 10 ** (digits - column.scale)
        beyond = np.abs(raw) > MAX_NUMBER // factor
        scaled, exact = np.where(beyond, 0, raw) * factor, np.ones_like(number)
    if fact.type is FactType.INTEGER:
        exact = exact & (~numeral | (column.digits() == 0))
    numbers, texts = _each_text(fact, column, np.where(number, scaled, 0))
    fits = number & exact & ~beyond & _within(fact, numbers)
    present = fits | (texts.fits & ~texts.beyond)
    unclear = (tags == CellTag.OTHER) | (tags == CellTag.LONG) | (number & beyond) | texts.beyond
    refused = ~(present | unclear | (tags == CellTag.MISSING))
    return TypedColumn(fact, present, refused, unclear, lambda: numbers, _no_texts)


def _read_others(fact: Fact, column: Column) -> TypedColumn:
    """Truths, days and instants: JSON truths at once, texts one by one."""
    tags = column.tags
    truth = (tags == CellTag.TRUTH) & (fact.type is FactType.BOOLEAN)
    numbers, texts = _each_text(fact, column, np.where(truth, column.values(), 0))
    present, unclear = truth | texts.fits, tags == CellTag.OTHER
    refused = ~(present | unclear | (tags == CellTag.MISSING))
    return TypedColumn(fact, present, refused, unclear, lambda: numbers, _no_texts)


def _read_texts(fact: Fact, column: Column) -> TypedColumn:
    tags = column.tags
    texty = (tags == CellTag.TEXT) | (tags == CellTag.NUMERAL) | (tags == CellTag.LONG)
    fits, unclear = texty, tags == CellTag.OTHER
    if fact.values is not None:
        known = texts_of(column)
        allowed = np.array([name in fact.values for name in known.names] + [False], dtype=np.bool_)
        fits = texty & allowed[known.codes]
    refused = ~(fits | unclear | (tags == CellTag.MISSING))
    zeros = np.zeros_like(tags)
    return TypedColumn(fact, fits, refused, unclear, lambda: zeros, partial(texts_of, column))


_READERS: Mapping[FactType, Callable[[Fact, Column], TypedColumn]] = {
    FactType.INTEGER: _read_numbers,
    FactType.DECIMAL: _read_numbers,
    FactType.TEXT: _read_texts,
    FactType.BOOLEAN: _read_others,
    FactType.DATE: _read_others,
    FactType.DATETIME: _read_others,
}


def texts_of(column: Column) -> TextColumn:
    """The texts of a column, numerals as they were written."""
    tags, raw = column.tags, column.values()
    codes = np.where(tags == CellTag.TEXT, raw, NONE)
    names = list(column.texts())
    rows = np.flatnonzero(tags == CellTag.NUMERAL)
    if len(rows):
        distinct, where = _distinct_pairs(raw[rows], column.digits()[rows])
        codes[rows] = where + len(names)
        names += [written(int(value), int(digits), column.scale) for value, digits in distinct]
    return TextColumn(codes, names)


def _distinct_pairs(values: Integers, digits: Integers) -> tuple[Integers, Integers]:
    pairs = np.stack([values, digits], axis=1)
    if (digits == digits[0]).all():
        distinct, where = np.unique(values, return_inverse=True)
        return np.stack([distinct, np.full_like(distinct, digits[0])], axis=1), where
    pairs_once, inverse = np.unique(pairs, axis=0, return_inverse=True)
    return pairs_once, inverse.reshape(-1)


@dataclass(frozen=True, slots=True)
class _Fitting:
    """Rows whose text fits; `beyond` where its number is too large for a column."""

    fits: Mask
    beyond: Mask


def _each_text(fact: Fact, column: Column, numbers: Integers) -> tuple[Integers, _Fitting]:
    """`numbers` with the values of the texts that are no numerals, each distinct one typed by `values.fit`."""
    rows = (
        (column.tags == CellTag.TEXT)
        if fact.type in _NUMBERS
        else (column.tags == CellTag.TEXT) | (column.tags == CellTag.NUMERAL)
    )
    if not rows.any():
        nowhere = np.zeros_like(rows)
        return numbers, _Fitting(nowhere, nowhere)
    texts = texts_of(column)
    codes = np.where(rows, texts.codes, NONE)
    fits, beyond, known = (np.zeros(len(texts.names) + 1, dtype=kind) for kind in (np.bool_, np.bool_, np.int64))
    for code in np.unique(codes[rows]):
        value = values.fit(fact, texts.names[code])
        if not isinstance(value, UnfitValue):
            number = number_of(fact, value)
            fits[code], beyond[code] = True, abs(number) > MAX_NUMBER
            known[code] = 0 if beyond[code] else number
    return np.where(rows, known[codes], numbers), _Fitting(fits[codes] & rows, beyond[codes] & rows)


_NUMBERS = (FactType.INTEGER, FactType.DECIMAL)


def number_of(fact: Fact, value: Value) -> int:
    """A value as the whole number that columns hold."""
    return scale_of(fact).number(value) if fact.type in ORDERED else int(value is True)


def _within(fact: Fact, numbers: Integers) -> Mask:
    scale = scale_of(fact)
    low = -MAX_NUMBER if scale.low is None else max(scale.low, -MAX_NUMBER - 1)
    high = MAX_NUMBER if scale.high is None else min(scale.high, MAX_NUMBER + 1)
    return (numbers >= low) & (numbers <= high)


def _no_texts() -> TextColumn:
    raise TypeError("only a text fact has texts")
