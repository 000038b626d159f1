"""Reading a value by the declared type of its fact: one set of rules for requests, conditions, actions and tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, localcontext

from service.decide.findings import Flaw
from service.decide.ruleset import Fact, FactType, Value

LIMIT = 10**18
"""Numbers are smaller than this, either side of zero."""

MAX_SCALE = 12
"""Digits after the point that a decimal fact may declare."""

MAX_TEXT = 1_000_000
"""Characters of a text fact."""

Raw = bool | int | Decimal | str
"""A value before it is read by type: as it comes from JSON or YAML."""

NOUN = {
    FactType.INTEGER: "a whole number",
    FactType.DECIMAL: "a decimal number",
    FactType.TEXT: "a text",
    FactType.BOOLEAN: "true or false",
    FactType.DATE: "a date such as 2026-05-10",
    FactType.DATETIME: "an instant such as 2026-05-10T09:00:00Z",
}

_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})(?P<fraction>\.[0-9]{1,99})?(?P<exponent>[eE][-+]?[0-9]{1,9})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,100}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,100}(?:\.[0-9]{1,100})?(?:[eE][+-]?[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_DATETIME = re.compile(rf"{_DATE.pattern}[Tt ]{_TIME}(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])")
_EXACT = Context(prec=64)


@dataclass(frozen=True, slots=True)
class UnfitValue:
    """Why a value does not fit its fact: a sentence's predicate that begins with the value."""

    kind: Flaw
    message: str


def fit(fact: Fact, raw: Raw) -> Value | UnfitValue:
    """`raw` as a value of `fact`; numbers, dates and truth may be given as text, nothing else is converted."""
    value = typed(fact, raw)
    return value if isinstance(value, UnfitValue) else outside(fact, value) or value


def typed(fact: Fact, raw: Raw) -> Value | UnfitValue:
    """`fit` without the range."""
    match fact.type:
        case FactType.INTEGER:
            return _integer(raw)
        case FactType.DECIMAL:
            return _decimal(raw, fact.scale)
        case FactType.TEXT:
            return _text(raw, fact)
        case FactType.BOOLEAN:
            return _boolean(raw)
        case FactType.DATE:
            return _date(raw)
        case FactType.DATETIME:
            return _datetime(raw)


def constant(fact: Fact, raw: Raw) -> Value | UnfitValue:
    """`typed` for a constant in a rule file, where a number or a truth in quotes is a mistake."""
    quoted_number = isinstance(raw, str) and fact.type in (FactType.INTEGER, FactType.DECIMAL, FactType.BOOLEAN)
    return (
        UnfitValue(Flaw.TYPE, f"{_shown(raw)} is a text, not {NOUN[fact.type]}") if quoted_number else typed(fact, raw)
    )


def number(text: str) -> int | Decimal | None:
    """An exact number as rule files write it, whole ones as int: never `012` or `1_000`; None for another text."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    return Decimal(text) if match["fraction"] or match["exponent"] else int(text)


def outside(fact: Fact, value: Value) -> UnfitValue | None:
    """Why a value of the right type is outside the fact's range; None within it."""
    if below(fact, value) or above(fact, value):
        return UnfitValue(Flaw.OUT_OF_RANGE, f"{canonical(fact, value)} is outside {range_of(fact)}")
    return None


def below(fact: Fact, value: Value) -> bool:
    """Whether `value` is under the fact's minimum."""
    return fact.minimum is not None and _before(value, fact.minimum)


def above(fact: Fact, value: Value) -> bool:
    """Whether `value` is over the fact's maximum."""
    return fact.maximum is not None and _before(fact.maximum, value)


def _before(one: Value, other: Value) -> bool:
    """Whether `one` comes before `other`; both are of one fact's type."""
    match one, other:
        case datetime(), datetime():
            return one < other
        case date(), date():
            return one < other
        case ((int() | Decimal()), (int() | Decimal())):
            return one < other
        case _:
            return False


def later(one: Value, other: Value) -> bool:
    """Whether `one` is greater than `other`; both are of one fact's type."""
    return _before(other, one)


def range_of(fact: Fact) -> str:
    """The fact's range in words."""
    low = "" if fact.minimum is None else str(canonical(fact, fact.minimum))
    high = "" if fact.maximum is None else str(canonical(fact, fact.maximum))
    return f"the range of {fact.path} ({low}..{high})"


def canonical(fact: Fact, value: Value) -> bool | int | str:
    """The one way a value is written in an answer: decimals as text with their scale, dates and instants by ISO 8601.

    Instants are written in UTC (RFC 3339).
    """
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:.{fact.scale}f}"
        case _:
            return value


def _integer(raw: Raw) -> int | UnfitValue:
    match raw:
        case int() if not isinstance(raw, bool):
            number = raw
        case Decimal() if raw.is_finite() and (not raw or raw.adjusted() < 30) and raw == raw.to_integral_value():
            number = int(raw)
        case str() if _INTEGER.fullmatch(raw):
            number = int(raw)
        case _:
            return _unfit(raw, FactType.INTEGER)
    return number if abs(number) < LIMIT else UnfitValue(Flaw.OUT_OF_RANGE, f"{_shown(raw)} is not below 10^18")


def _decimal(raw: Raw, scale: int) -> Decimal | UnfitValue:
    number: Decimal
    match raw:
        case int() if not isinstance(raw, bool):
            number = Decimal(raw)
        case Decimal() if raw.is_finite():
            number = raw
        case str() if _DECIMAL.fullmatch(raw):
            number = Decimal(raw)
        case _:
            return _unfit(raw, FactType.DECIMAL)
    if number and number.adjusted() >= 18:
        return UnfitValue(Flaw.OUT_OF_RANGE, f"{_shown(raw)} is not below 10^18")
    return _scaled(number, raw, scale)


def _scaled(number: Decimal, raw: Raw, scale: int) -> Decimal | UnfitValue:
    step = Decimal(1).scaleb(-scale)
    if not number:
        return Decimal(0).quantize(step)
    with localcontext(_EXACT):
        rounded = number.quantize(step)
        if rounded != number:
            return UnfitValue(Flaw.TYPE, f"{_shown(raw)} has more than {scale} digits after the point")
        return rounded


def _text(raw: Raw, fact: Fact) -> str | UnfitValue:
    if not isinstance(raw, str):
        quoted = str(raw).lower() if isinstance(raw, bool) else _shown(raw)
        return UnfitValue(Flaw.TYPE, f'{quoted} is not a text; write it in quotes: "{quoted}"')
    if len(raw) > MAX_TEXT:
        return UnfitValue(Flaw.TYPE, f"this text has {len(raw):,} characters; {MAX_TEXT:,} are allowed")
    if not _encodable(raw):
        return UnfitValue(Flaw.TYPE, "this text holds half of a character (a lone surrogate), which no file can store")
    if fact.values is not None and raw not in fact.values:
        return UnfitValue(Flaw.UNKNOWN_VALUE, f"{_shown(raw)} is not a value of {fact.path} ({listed(fact.values)})")
    return raw


def _boolean(raw: Raw) -> bool | UnfitValue:
    if isinstance(raw, bool):
        return raw
    return raw == "true" if raw in ("true", "false") else _unfit(raw, FactType.BOOLEAN)


def _date(raw: Raw) -> date | UnfitValue:
    if isinstance(raw, str) and _DATE.fullmatch(raw):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            return UnfitValue(Flaw.TYPE, f"{_shown(raw)} is not a day of the calendar")
    return _unfit(raw, FactType.DATE)


def _datetime(raw: Raw) -> datetime | UnfitValue:
    if isinstance(raw, str) and _DATETIME.fullmatch(raw):
        try:
            return datetime.fromisoformat(raw.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            return UnfitValue(Flaw.TYPE, f"{_shown(raw)} is not an instant of the calendar")
    return _unfit(raw, FactType.DATETIME)


def _unfit(raw: Raw, type_: FactType) -> UnfitValue:
    return UnfitValue(Flaw.TYPE, f"{_shown(raw)} is not {NOUN[type_]}")


def _shown(raw: Raw) -> str:
    if isinstance(raw, int) and abs(raw) >= LIMIT**4:
        return "this number"
    shown = f'"{raw}"' if isinstance(raw, str) else str(raw).lower() if isinstance(raw, bool) else str(raw)
    return shown if len(shown) <= 60 else f"{shown[:50]}…"


def listed(values: tuple[str, ...]) -> str:
    """The first declared values, as a message shows them."""
    return ", ".join(values[:10]) + (", …" if len(values) > 10 else "")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
