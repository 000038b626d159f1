"""Which of many texts are plain numbers, and which numbers they are: all at once, a character at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_DIGITS = 12
"""Digits after the point that a column keeps, as many as a fact may declare."""

MAX_NUMBER = 10**18 - 1
"""The largest number of a column, in its units."""

_LONGEST = 20
"""Characters of a sign, 18 digits and a point."""

_ZERO, _NINE, _POINT, _MINUS = b"09.-"


@dataclass(frozen=True, slots=True)
class Numerals:
    """For each text whether it is a plain number, the number without its point, and the digits after it."""

    plain: NDArray[np.bool_]
    values: NDArray[np.int64]
    digits: NDArray[np.int64]


def numerals(texts: Sequence[str]) -> Numerals:
    """A plain number can be written in one way only: "18", "-5", "300.00"; never "+5", "05", "5.", "-0", "1e3"."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    short = [text if len(text) <= _LONGEST and text.isascii() else "" for text in texts]
    letters = np.array(short, dtype=f"S{_LONGEST}").view(np.uint8).reshape(len(texts), _LONGEST)
    negative = letters[:, 0] == _MINUS
    is_digit, is_point = (letters >= _ZERO) & (letters <= _NINE), letters == _POINT
    count, points = is_digit.sum(axis=1), is_point.sum(axis=1)
    point = np.where(points == 1, is_point.argmax(axis=1), lengths)
    whole = point - negative
    digits = np.where(points == 1, lengths - point - 1, 0)
    values = _values(letters, is_digit)
    plain = (count + points + negative == lengths) & (points <= 1) & (whole >= 1) & (count <= 18)
    plain &= (points == 0) | ((digits >= 1) & (digits <= MAX_DIGITS))
    plain &= (whole == 1) | (letters[np.arange(len(texts)), negative.astype(np.int64)] != _ZERO)
    plain &= ~negative | (values != 0)
    return Numerals(plain, np.where(plain, np.where(negative, -values, values), 0), np.where(plain, digits, 0))


def written(value: int, digits: int, scale: int) -> str:
    """The text of a numeral: `value` is in units of 10 to the power of -`scale`."""
    number = abs(value) // 10 ** (scale - digits)
    sign = "-" if value < 0 else ""
    whole, rest = divmod(number, 10**digits)
    return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"


def _values(letters: NDArray[np.uint8], is_digit: NDArray[np.bool_]) -> NDArray[np.int64]:
    values = np.zeros(len(letters), dtype=np.int64)
    for place in range(letters.shape[1]):
        here = is_digit[:, place]
        if here.any():
            with np.errstate(over="ignore"):  # of what has more digits than fit, and is no plain number
                values = np.where(here, values * 10 + (letters[:, place].astype(np.int64) - _ZERO), values)
    return values
