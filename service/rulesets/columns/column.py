"""One member of very many requests: an array of numbers, or of codes into the texts that occur."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from functools import cache, partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.decide import EXACT
from service.rulesets.columns.numerals import MAX_DIGITS, MAX_NUMBER, numerals
from service.rulesets.columns.packing import Packed, pack, pack_texts, unpack, unpack_texts

Integers: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

MAX_KEPT = 200
"""Characters of a text that a column keeps; a longer one stands in the audit alone."""


class CellTag(IntEnum):
    """What a row holds."""

    MISSING = 0
    """Nothing, or null: no version tells them apart."""
    NUMBER = 1
    """A JSON number."""
    NUMERAL = 2
    """A text that is a plain number such as "18" or "300.00"."""
    TRUTH = 3
    TEXT = 4
    LONG = 5
    """A text that is too long to be kept here."""
    OBJECT = 6
    OTHER = 7
    """A list, a number of very many digits, half a character: only the audit entry tells."""


@dataclass(frozen=True, slots=True)
class Column:
    """The rows of one member; `values` are what `tags` say: scaled numbers, truths as 0 and 1, codes into `texts`.

    `scale` is how many digits of `values` stand after the point, `digits` how many of them a numeral was written with.
    What a version does not need is not unpacked: these are functions.
    """

    tags: NDArray[np.int64]
    scale: int
    values: Callable[[], Integers]
    digits: Callable[[], Integers]
    texts: Callable[[], Sequence[str]]

    def packed(self) -> Mapping[str, Packed]:
        """As an item keeps it."""
        return {
            "tags": pack(self.tags),
            "scale": self.scale,
            "values": pack(self.values()),
            "digits": pack(self.digits()),
            "texts": pack_texts(self.texts()),
        }


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one Python type, encoded."""

    tags: Integers
    values: Integers
    digits: Integers
    scale: int = 0
    texts: Sequence[str] = ()


def unpacked(packed: Mapping[str, Packed], rows: int) -> Column:
    """The column that `packed` wrote."""
    return Column(
        unpack(packed["tags"], rows),
        int(str(packed["scale"])),
        cache(partial(unpack, packed["values"], rows)),
        cache(partial(unpack, packed["digits"], rows)),
        cache(partial(unpack_texts, packed["texts"])),
    )


def column(raws: Sequence[object]) -> Column:
    """The column of these members, None where a request lacks it."""
    kinds = set(map(type, raws))
    if len(kinds) <= 1:
        return _column(_encoded(kinds.pop() if kinds else type(None), raws))
    types = np.fromiter(map(id, map(type, raws)), dtype=np.int64, count=len(raws))
    parts = []
    for kind in sorted(kinds, key=lambda kind_of_value: kind_of_value.__name__):
        rows = np.flatnonzero(types == id(kind))
        parts.append((rows, _encoded(kind, [raws[row] for row in rows.tolist()])))
    return _column(_joined(parts, len(raws)))


def _column(part: _Part) -> Column:
    return Column(part.tags, part.scale, lambda: part.values, lambda: part.digits, lambda: part.texts)


def _joined(parts: Iterable[tuple[Integers, _Part]], rows: int) -> _Part:
    """Parts in their rows, all numbers in the largest scale."""
    known = list(parts)
    scale = max(part.scale for _, part in known)
    tags, values, digits = (np.zeros(rows, dtype=np.int64) for _ in range(3))
    for where, part in known:
        scaled = _rescaled(part, scale)
        tags[where], values[where], digits[where] = scaled.tags, scaled.values, scaled.digits
    texts = next((part.texts for _, part in known if part.texts), ())
    return _Part(tags, values, digits, scale, texts)


def _rescaled(part: _Part, scale: int) -> _Part:
    factor = 10 ** (scale - part.scale)
    numbers = (part.tags == CellTag.NUMBER) | (part.tags == CellTag.NUMERAL)
    if factor == 1 or not numbers.any():
        return part
    fits = np.abs(part.values) <= MAX_NUMBER // factor
    values = np.where(numbers & fits, part.values * factor, np.where(numbers, 0, part.values))
    return _Part(np.where(numbers & ~fits, CellTag.OTHER, part.tags), values, part.digits, scale, part.texts)


def _encoded(kind: type, raws: Sequence[object]) -> _Part:
    if kind is str:
        return _texts([raw for raw in raws if isinstance(raw, str)])
    if kind in (int, Decimal):
        return _numbers([raw for raw in raws if isinstance(raw, int | Decimal)])
    if kind is bool:
        return _all(CellTag.TRUTH, len(raws), np.array(raws, dtype=np.int64))
    tag = CellTag.MISSING if kind is type(None) else CellTag.OBJECT if kind is dict else CellTag.OTHER
    return _all(tag, len(raws))


def _all(tag: CellTag, rows: int, values: Integers | None = None) -> _Part:
    nothing = np.zeros(rows, dtype=np.int64)
    return _Part(np.full(rows, tag, dtype=np.int64), nothing if values is None else values, nothing)


def _numbers(raws: Sequence[int | Decimal]) -> _Part:
    digits = [_digits_after_the_point(raw) for raw in raws]
    scale = max((many for many in digits if many <= MAX_DIGITS), default=0)
    scaled = [_scaled(raw, many, scale) for raw, many in zip(raws, digits, strict=True)]
    tags = [CellTag.OTHER if number is None else CellTag.NUMBER for number in scaled]
    values = np.array([number or 0 for number in scaled], dtype=np.int64)
    return _Part(np.array(tags, dtype=np.int64), values, np.zeros(len(raws), dtype=np.int64), scale)


def _digits_after_the_point(number: int | Decimal) -> int:
    if isinstance(number, int):
        return 0
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else MAX_DIGITS + 1


def _scaled(number: int | Decimal, digits: int, scale: int) -> int | None:
    """The number in units of the column; None if it has too many digits on either side of the point."""
    if digits > MAX_DIGITS or (isinstance(number, Decimal) and number and number.adjusted() > MAX_DIGITS + 6):
        return None
    whole = int(number.scaleb(digits, EXACT)) if isinstance(number, Decimal) else number
    scaled = whole * int(10 ** (scale - digits)) if abs(whole) <= MAX_NUMBER else None
    return scaled if scaled is not None and abs(scaled) <= MAX_NUMBER else None


def _texts(raws: Sequence[str]) -> _Part:
    """Each distinct text is looked at once."""
    distinct = list(dict.fromkeys(raws))
    codes = dict(zip(distinct, range(len(distinct)), strict=True))
    where = np.fromiter(map(codes.__getitem__, raws), dtype=np.int64, count=len(raws))
    part = _distinct_texts(distinct)
    return _Part(part.tags[where], part.values[where], part.digits[where], part.scale, part.texts)


def _distinct_texts(texts: Sequence[str]) -> _Part:
    numbers = numerals(texts)
    scale = int(numbers.digits.max(initial=0))
    values = numbers.values * 10 ** (scale - numbers.digits)
    tags = np.where(numbers.plain, CellTag.NUMERAL, CellTag.TEXT).astype(np.int64)
    beyond = numbers.plain & (np.abs(numbers.values) > MAX_NUMBER // 10 ** (scale - numbers.digits))
    kept: list[str] = []
    for code in np.flatnonzero(~numbers.plain | beyond).tolist():
        text = texts[code]
        tags[code] = _tag_of(text)
        values[code] = len(kept)
        if tags[code] == CellTag.TEXT:
            kept.append(text)
    return _Part(tags, values, np.where(tags == CellTag.NUMERAL, numbers.digits, 0), scale, kept)


def _tag_of(text: str) -> CellTag:
    try:
        text.encode()
    except UnicodeEncodeError:
        return CellTag.OTHER
    return CellTag.TEXT if len(text) <= MAX_KEPT else CellTag.LONG
