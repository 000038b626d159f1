"""Ordered types as whole numbers, exactly: a decimal by its scale, a day by its ordinal, an instant in microseconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal

from service.decide.ruleset import Fact, FactType, Value

EXACT = Context(prec=64)
"""Room for every product of two values (18 digits before the point, 12 after it) without rounding."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values of one fact as whole numbers and back. `low` and `high` are the numbers of its range, None without one."""

    kind: type[Value]
    number: Callable[[Value], int]
    value: Callable[[int], Value]
    low: int | None
    high: int | None
    usual: int
    """The number of a value that a reader would find ordinary: for examples."""


def scale_of(fact: Fact) -> Scale:
    """The scale of a fact of an ordered type."""
    match fact.type:
        case FactType.DECIMAL:
            digits = fact.scale
            return _ranged(fact, Decimal, lambda value: _scaled(value, digits), lambda n: _unscaled(n, digits), 0)
        case FactType.DATE:
            usual = date(2026, 1, 1).toordinal()
            return _ranged(fact, date, _ordinal, date.fromordinal, usual, date.min, date.max)
        case FactType.DATETIME:
            usual = _microseconds(datetime(2026, 1, 1, tzinfo=UTC))
            return _ranged(fact, datetime, _microseconds, _instant, usual, _FIRST, _LAST)
        case _:
            return _ranged(fact, int, _whole, int, 0)


def _ranged(
    fact: Fact,
    kind: type[Value],
    number: Callable[[Value], int],
    value: Callable[[int], Value],
    usual: int,
    first: Value | None = None,
    last: Value | None = None,
) -> Scale:
    low = first if fact.minimum is None else fact.minimum
    high = last if fact.maximum is None else fact.maximum
    return Scale(
        kind, number, value, None if low is None else number(low), None if high is None else number(high), usual
    )


def _whole(value: Value) -> int:
    if type(value) is int:
        return value
    raise TypeError(f"not a whole number: {type(value).__name__}")


def _scaled(value: Value, digits: int) -> int:
    if not isinstance(value, Decimal):
        return _whole(value) * int(10**digits)
    scaled = value.scaleb(digits, EXACT)
    number = int(scaled)
    if number != scaled:
        raise TypeError(f"more than {digits} digits after the point")
    return number


def _unscaled(number: int, digits: int) -> Decimal:
    return Decimal(number).scaleb(-digits, EXACT)


def _ordinal(value: Value) -> int:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.toordinal()
    raise TypeError(f"not a day: {type(value).__name__}")


def _microseconds(value: Value) -> int:
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    raise TypeError(f"not an instant: {type(value).__name__}")


def _instant(number: int) -> datetime:
    return _EPOCH + number * _MICROSECOND
