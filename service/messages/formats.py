"""How a value is written for its reader: dates, numbers and money as CLDR says for their locale (Babel)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import NoReturn

from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal, is_currency

from service.core import Tag, TocsinError, with_first_of_month

DATE_STYLES = ("short", "medium", "long", "full")
TIME_STYLES = ("short", "medium")

_HAS_TIME = re.compile(r"[T ]\d\d")


class Unformattable(TocsinError):
    """A value that cannot be written the way its slot asks."""


@dataclass(frozen=True, slots=True)
class ValueFilter:
    """One way of writing a value, for a reader's locale and zone (None: the zone in which the value is written).

    `fault` says what is wrong with an option, None if nothing is.
    """

    write: Callable[[object, str | None, Tag, tzinfo | None], str]
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


def _date(value: object, option: str | None, locale: Tag, zone: tzinfo | None) -> str:
    style, day = option or "long", _as_date(value, zone)
    text = format_date(day, format=style, locale=locale.locale)
    return text if style == "short" else with_first_of_month(text, day, locale.language)


def _time(value: object, option: str | None, locale: Tag, zone: tzinfo | None) -> str:
    return _plain_spaces(format_time(_as_moment(value, zone).time(), format=option or "short", locale=locale.locale))


def _datetime(value: object, option: str | None, locale: Tag, zone: tzinfo | None) -> str:
    style, moment = option or "long", _as_moment(value, zone)
    day, at = _date(moment.date(), style, locale, None), _time(moment.isoformat(), None, locale, None)
    pattern = str(locale.locale.datetime_formats[style]).replace("'", "")
    return pattern.replace("{1}", day).replace("{0}", at)


def _number(value: object, _: str | None, locale: Tag, __: tzinfo | None) -> str:
    return format_decimal(_as_decimal(value), locale=locale.locale, decimal_quantization=False)


def _money(value: object, option: str | None, locale: Tag, _: tzinfo | None) -> str:
    return format_currency(_as_decimal(value), option or "", locale=locale.locale)


def _spelled(value: object, _: str | None, __: Tag, ___: tzinfo | None) -> str:
    """Letters and digits one by one, with a pause after each: a voice would read 4170 as one number."""
    return ", ".join(filter(str.isalnum, plainly(value)))


def _as_date(value: object, zone: tzinfo | None) -> date:
    if isinstance(value, date):
        return value
    try:
        return _there(datetime.fromisoformat(str(value)), zone).date()
    except ValueError:
        raise Unformattable("is not a date: write it like 2026-05-10") from None


def _as_moment(value: object, zone: tzinfo | None) -> datetime:
    text = str(value)
    try:
        return _there(datetime.fromisoformat(text), zone) if _HAS_TIME.search(text) else _no_time()
    except ValueError:
        return _no_time()


def _no_time() -> NoReturn:
    raise Unformattable("is not a time: write it like 2026-05-10T09:00:00+02:00")


def _there(moment: datetime, zone: tzinfo | None) -> datetime:
    """A moment by the reader's clock; one that names no zone is by their clock already.

    At the ends of the calendar (`9999-12-31T23:59:59Z` for "never") it stays as it is: their clock does not go there.
    """
    if zone is None or moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def _plain_spaces(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")


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
    return None if option is None else "this filter takes no option"


def _date_fault(option: str | None) -> str | None:
    return None if option in {None, *DATE_STYLES} else f"the filter date takes one of {', '.join(DATE_STYLES)}"


def _time_fault(option: str | None) -> str | None:
    return None if option in {None, *TIME_STYLES} else f"the filter time takes one of {', '.join(TIME_STYLES)}"


def _datetime_fault(option: str | None) -> str | None:
    return None if option in {None, *DATE_STYLES} else f"the filter datetime takes one of {', '.join(DATE_STYLES)}"


def _money_fault(option: str | None) -> str | None:
    if option is None or not is_currency(option):
        return 'the filter money needs a currency (ISO 4217): {{ total | money("EUR") }}'
    return None


FILTERS: Mapping[str, ValueFilter] = {
    "date": ValueFilter(_date, _date_fault),
    "time": ValueFilter(_time, _time_fault),
    "datetime": ValueFilter(_datetime, _datetime_fault),
    "number": ValueFilter(_number, _no_option),
    "money": ValueFilter(_money, _money_fault),
    "spelled": ValueFilter(_spelled, _no_option),
}
