"""How a value is written for its reader: dates, numbers and money as CLDR says for their locale (Babel)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, is_currency

from service.core.errors import TocsinError
from service.core.language_tags import Tag

DATE_STYLES = ("short", "medium", "long", "full")


class Unformattable(TocsinError):
    """A value that cannot be written the way its slot asks."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One way of writing a value. `fault` says what is wrong with an option, None if nothing is."""

    write: Callable[[object, str | None, Tag], str]
    fault: Callable[[str | None], str | None]


def plainly(value: object) -> str:
    """A value as its sender wrote it; `Unformattable` for lists and objects."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | Decimal():
            return str(value)
        case date():
            return value.isoformat()
        case _:
            raise Unformattable("is not a text, a number or a date")


def _date(value: object, option: str | None, locale: Tag) -> str:
    return format_date(_as_date(value), format=option or "long", locale=locale.locale)


def _number(value: object, _: str | None, locale: Tag) -> str:
    return format_decimal(_as_decimal(value), locale=locale.locale, decimal_quantization=False)


def _money(value: object, option: str | None, locale: Tag) -> str:
    return format_currency(_as_decimal(value), option or "", locale=locale.locale)


def _as_date(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError:
        raise Unformattable("is not a date: write it like 2026-05-10") from None


def _as_decimal(value: object) -> Decimal:
    if isinstance(value, bool):
        raise Unformattable("is not a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Unformattable("is not a number: write it like 1234.50") from None
    if not number.is_finite() or number.adjusted() > 20:
        raise Unformattable("is not a number of at most 21 digits")
    return number


def _no_option(option: str | None) -> str | None:
    return None if option is None else "the filter number takes no option"


def _date_fault(option: str | None) -> str | None:
    return None if option in {None, *DATE_STYLES} else f"the filter date takes one of {', '.join(DATE_STYLES)}"


def _money_fault(option: str | None) -> str | None:
    if option is None or not is_currency(option):
        return 'the filter money needs a currency (ISO 4217): {{ total | money("EUR") }}'
    return None


FILTERS: Mapping[str, Filter] = {
    "date": Filter(_date, _date_fault),
    "number": Filter(_number, _no_option),
    "money": Filter(_money, _money_fault),
}
