"""Numbers as people write them: with a decimal comma, signs between thousands, a currency. What was probably meant."""

from __future__ import annotations

import re
from decimal import Decimal

from service.decide.ruleset import Fact, FactType

_GROUPED = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:(?P<sign>[.,' ])[0-9]{3})(?:(?P=sign)[0-9]{3}){0,4})"
    r"(?:(?P<point>[.,])(?P<fraction>[0-9]{1,12}))?"
)
_SIMPLE = re.compile(r"(?P<whole>[0-9]{1,18})(?:[.,](?P<fraction>[0-9]{1,12}))?")
_THOUSANDS = re.compile(r"[-+]?(?P<whole>[0-9]{1,3})\.(?P<group>[0-9]{3})")


def plain(text: str) -> str | None:
    """The number without signs between thousands and with a decimal point, as far as it can be told."""
    sign, digits = (text[0], text[1:]) if text[:1] in ("-", "+", "−") else ("", text)
    sign = "-" if sign in ("-", "−") else ""
    grouped = _GROUPED.fullmatch(digits)
    if grouped is not None and grouped["sign"] != grouped["point"]:
        whole = grouped["whole"].replace(grouped["sign"], "")
        return f"{sign}{whole}.{grouped['fraction']}" if grouped["fraction"] else f"{sign}{whole}"
    simple = _SIMPLE.fullmatch(digits)
    if simple is None:
        return None
    return f"{sign}{simple['whole']}.{simple['fraction']}" if simple["fraction"] else f"{sign}{simple['whole']}"


def doubtful_thousands(fact: Fact, text: str) -> str | None:
    """What to write instead of `1.000`, which is 1 here and a thousand to most of Europe; None for a plain number.

    Where a fact has three digits after the point or more, nobody means thousands by them.
    """
    if fact.type not in (FactType.INTEGER, FactType.DECIMAL) or fact.scale >= 3:
        return None
    match = _THOUSANDS.fullmatch(text)
    if match is None or match["group"][fact.scale :].strip("0"):
        return None
    small = text.rstrip("0").rstrip(".")
    return f"write {text.replace('.', '')} or {small}: a point is never a sign between thousands"


def doubtful_share(fact: Fact, text: str) -> str | None:
    """What to write instead of `by: 0.2`, which adds 0.2 here and is a fifth in a spreadsheet; None for other amounts.

    Nobody doubts an amount that is written with all the digits of its fact: 0.20 for money.
    """
    match = _FRACTION.fullmatch(text)
    if fact.type is not FactType.DECIMAL or match is None or len(match["digits"]) >= fact.scale:
        return None
    return f"write {percent(text)}% for a share, {text.ljust(fact.scale + 2, '0')} for the amount"


def is_fraction(text: str) -> bool:
    """Whether a number is a fraction of one."""
    return _FRACTION.fullmatch(text) is not None


def percent(text: str) -> str:
    """The percentage of a fraction of one: 20 for 0.2, 2.5 for 0.025."""
    return f"{(Decimal(text) * 100).normalize():f}"


def day(text: str) -> str | None:
    """A day that is written `01.03.2026`, as 2026-03-01."""
    match = _DAY_FIRST.fullmatch(text)
    return None if match is None else f"{match['year']}-{int(match['month']):02d}-{int(match['day']):02d}"


_FRACTION = re.compile(r"0\.(?P<digits>[0-9]{1,12})")
_DAY_FIRST = re.compile(r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})")
