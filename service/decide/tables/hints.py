"""What to write instead of a condition cell that cannot be read, or that means something else than it looks like.

For administrators who know Excel, DMN or plain English: `18–25`, `> 18 and < 25`, `A or B`, `not (A, B)`, `21,5`.
Each of `_WRITINGS` knows one way of writing; the first that fits says what to write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.decide.numerals import doubtful_thousands, plain
from service.decide.ruleset import ORDERED, Fact, FactType

LONGEST = 200
"""Characters of a cell that is looked at for a hint."""

_NUMBERS = frozenset({FactType.INTEGER, FactType.DECIMAL})
_DATES = frozenset({FactType.DATE, FactType.DATETIME})
_EVERY = frozenset(FactType)
_TEXTS = frozenset({FactType.TEXT})
_TRUTHS = frozenset({FactType.BOOLEAN})

_N = r"[-+−]?[0-9][0-9.,:TZ+-]{0,40}"
"""A number or a date, however it is written; not by itself a sound one."""

_ANYTHING = frozenset(
    {"*", "any", "any value", "all", "else", "otherwise", "egal", "alle", "sonst", "–", "—", "- any -"}
)
_NOTHING = frozenset({"null", "nil", "none", "empty", "blank", "n/a", "na", "is missing", "is null", "is empty"})
_SOMETHING = frozenset({"not missing", "is not missing", "not null", "not empty", "not blank", "is present", "not n/a"})
_TRUE = frozenset({"yes", "y", "x", "1", "ja", "wahr", "true", "on"})
_FALSE = frozenset({"no", "n", "0", "nein", "falsch", "false", "off"})
_SIGNS = {"≤": "<=", "=<": "<=", "⩽": "<=", "≥": ">=", "=>": ">=", "⩾": ">=", "≠": "!=", "<>": "!=", "!": "!="}
_SIGNS_OF_ORDER = ("<", ">", "≤", "≥")
_ERRORS = frozenset({"#n/a", "#ref!", "#value!", "#div/0!", "#name?", "#num!", "#null!", "#getting_data", "#spill!"})
_ONE = "a cell holds one condition"
_OPENING, _CLOSING = "“”„‟«»‘’‚'‹›", "“”‟«»‘’'‹›"


@dataclass(frozen=True, slots=True)
class _Writing:
    """One way of writing, for facts of some types; `says` answers what to write, or None."""

    types: frozenset[FactType]
    says: Callable[[Fact, str], str | None]


def advice(fact: Fact, text: str) -> str | None:
    """What to write instead of a cell that cannot be read."""
    if len(text) > LONGEST:
        return None
    hints = (writing.says(fact, text) for writing in _WRITINGS if fact.type in writing.types)
    return next((hint for hint in hints if hint is not None), None)


def doubt(fact: Fact, text: str) -> str | None:
    """What to write instead of a cell that can be read, but hardly means what is read; None if it is plain."""
    if len(text) > LONGEST:
        return None
    if '"' in text:  # whoever quotes knows what is read, unless a quote is missing
        return _amiss_in_quotes(fact, text)
    if fact.type in _NUMBERS:
        return _decimal_comma(fact, text) or doubtful_thousands(fact, text.lstrip("<>=! "))
    if fact.type is not FactType.TEXT or fact.values is not None:
        return None
    hint = next((hint for says in _DOUBTFUL if (hint := says(fact, text)) is not None), None)
    return None if hint is None else f'{hint}; if it is this very text, write it in quotes: "{text}"'


_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_QUOTED_ALTERNATIVES = re.compile(r"Q\s?(?:or|OR|oder|ou|and|;|[|]|/)\s?Q")
_OPENS = re.compile(r'(?:^|, ?|not )"')


def _amiss_in_quotes(fact: Fact, text: str) -> str | None:
    """Quotes that do not close, and texts in quotes with something else than a comma between them."""
    if fact.type is not FactType.TEXT:
        return None
    rest = _QUOTED.sub("Q", text)
    if _OPENS.search(rest) is not None:
        return "a quote is missing: close it, or leave it out"
    if _QUOTED_ALTERNATIVES.search(rest) is not None:
        return f"write {', '.join(_QUOTED.findall(text))}"
    return None


def _any_value(_: Fact, text: str) -> str | None:
    return "leave the cell empty for any value" if text.lower() in _ANYTHING else None


def _error_of_excel(_: Fact, text: str) -> str | None:
    return "this is an error of the spreadsheet: mend its formula there" if text.lower() in _ERRORS else None


def _presence(_: Fact, text: str) -> str | None:
    if text.lower() in _SOMETHING:
        return "write present"
    return "write missing for no value, or leave the cell empty for any value" if text.lower() in _NOTHING else None


def _sign(_: Fact, text: str) -> str | None:
    sign = next((sign for sign in _SIGNS if text.startswith(sign)), None)
    rest = "" if sign is None else text.removeprefix(sign).strip()
    if sign is None or not rest or rest.startswith("="):
        return None
    return f"write {_SIGNS[sign]} {_sound(rest)}"


_OPEN_RANGE = re.compile(rf"(?P<first>{_N})?\s?(?P<dots>\.\.|…|\+|and more|or more)\s?(?P<last>{_N})?")


def _open_range(_: Fact, text: str) -> str | None:
    match = _OPEN_RANGE.fullmatch(text)
    if match is None or (match["first"] is None) == (match["last"] is None):
        return None
    number = (match["first"] or match["last"]).rstrip(".+")
    return f"write >= {_sound(number)}" if match["first"] else f"write <= {_sound(number)}"


_RANGE = re.compile(
    rf"(?:between |from |von )?(?P<first>{_N})\s?(?:–|—|−|-|to|bis|until|through|\.\.\.|…|and|und)\s?(?P<last>{_N})",
    re.IGNORECASE,
)
_DAY = re.compile(r"[<>=!]{0,2} ?[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}(?:[T ][0-9:.]{0,20}(?:Z|[+-][0-9:]{1,6})?)?")
_DASHED = re.compile(r"(?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})")


def _range(fact: Fact, text: str) -> str | None:
    if fact.type in _DATES and _DAY.fullmatch(text):  # the signs inside a date are none of a range
        return None
    match = _DASHED.fullmatch(text) or _RANGE.fullmatch(text)
    return None if match is None else f"write {_sound(match['first'].rstrip('.'))}..{_sound(match['last'])}"


_BRACKETED = re.compile(rf"[\[(\]](?P<first>{_N})\s?(?:\.\.|,|;)\s?(?P<last>{_N})[\])\[]")


def _half_open(_: Fact, text: str) -> str | None:
    """DMN's ranges, which exclude an end by a round bracket."""
    match = _BRACKETED.fullmatch(text)
    if match is None or (text[0] == "[" and text[-1] == "]" and "," in text):
        return None
    first, last = _sound(match["first"].rstrip(".")), _sound(match["last"])
    if text[0] == "[" and text[-1] == "]":
        return f"write {first}..{last}"
    low, high = ">=" if text[0] == "[" else ">", "<=" if text[-1] == "]" else "<"
    return f"give the fact two columns: {low} {first} in one, {high} {last} in the other"


def _two_conditions(_: Fact, text: str) -> str | None:
    for word in (" and ", " AND ", " & "):
        first, separator, second = text.partition(word)
        if separator and first[:1] in (*_SIGNS_OF_ORDER, "=", "!"):
            return f"{_ONE}: give the fact two columns, {first.strip()} in one, {second.strip()} in the other"
    parts = [part.strip() for part in text.replace(" or ", ",").replace(";", ",").split(",")]
    if len(parts) > 1 and all(part[:1] in _SIGNS_OF_ORDER for part in parts):
        return f"{_ONE}: write a row for {parts[0]} and another one for {parts[1]}"
    negated = text.removeprefix("not ")
    if negated != text and ".." in negated:
        first, _dots, last = negated.partition("..")
        return f"{_ONE}: write a row for < {_sound(first.strip())} and another one for > {_sound(last.strip())}"
    return None


def _list(fact: Fact, text: str) -> str | None:
    """Lists in brackets, with other signs between their items, or with `or`."""
    negated, inner = ("not ", text[4:].strip()) if text.lower().startswith("not ") else ("", text)
    bare = inner.removeprefix("in ").removeprefix("IN ").strip()
    if bare[:1] in tuple("([{") and bare[-1:] in tuple(")]}") and len(bare) > 2:
        bare = bare[1:-1]
    for sign in (";", "|", " or ", " OR ", " oder ", " ou "):
        if sign in bare:
            bare = ",".join(bare.split(sign))
    if bare == inner or not bare.strip(", "):
        return None
    items = [item.strip() for item in bare.split(",") if item.strip()]
    if fact.type in _NUMBERS and not all(item[:1].isdigit() or item[:1] in "+-" for item in items):
        return None
    return f"write {negated}{', '.join(items)}"


_GROUPED = re.compile(r"(?:[<>=!]=? ?)?(?P<number>[-+]?[0-9]{1,3}(?:,000|,[0-9]{3}\.[0-9]{1,12}|(?:,[0-9]{3}){2,5}))")
_COMMA = re.compile(
    r"(?:[<>=!]=?|not) ?[-+]?(?P<compared>[0-9]{1,18},[0-9]{1,18})|[-+]?(?P<whole>[0-9]{1,18},[0-9]{1,18})"
)


def _decimal_comma(fact: Fact, text: str) -> str | None:
    """`21,5` is a list of two, and yet how most of Europe writes 21.5."""
    if (grouped := _GROUPED.fullmatch(text)) is not None:
        number = grouped["number"]
        return f"write {number.replace(',', '')}, without a sign between thousands; a list has blanks: 1, 234"
    match = _COMMA.fullmatch(text)
    if match is None:
        return None
    number = match["compared"] or match["whole"]
    if fact.type is FactType.INTEGER:
        return f"write {number.replace(',', ', ')} with a blank for either of two; a whole number has no decimals"
    point = f"write {number.replace(',', '.')} with a point"
    return point if match["compared"] else f"{point}, or {number.replace(',', ', ')} with a blank for either of two"


_NUMBER = re.compile(
    r"(?P<sign>[<>=!]{0,2} ?)(?P<before>[€$£]? ?)(?P<number>[-+−]?[0-9][0-9.,']{0,40}) ?(?P<after>[€$£%]?|[A-Z]{3})"
)


def _dressed_number(_: Fact, text: str) -> str | None:
    """Currencies, signs between thousands, decimal commas, percent."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    number = plain(match["number"])
    if number is None:
        return None
    sign = f"{match['sign'].strip()} " if match["sign"].strip() else ""
    if match["after"] == "%":
        return f"write the number as requests send it, without a percent sign: {sign}{number}, or a share such as 0.2"
    if match["before"].strip() or match["after"] or number != match["number"]:
        return f"write {sign}{number}"
    return None


_SHORT_DAY = re.compile(r"(?P<sign>[<>=!]{0,2} ?)(?P<year>[0-9]{4})[-./](?P<month>[0-9]{1,2})[-./](?P<day>[0-9]{1,2})")
_DAY_FIRST = re.compile(r"(?P<sign>[<>=!]{0,2} ?)(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})")


def _date(_: Fact, text: str) -> str | None:
    if "today" in text.lower() or "now" in text.lower():
        return (
            "a cell compares with a constant: write a date such as 2026-05-10; only a rule (when: …) can ask for today"
        )
    match = _DAY_FIRST.fullmatch(text) or _SHORT_DAY.fullmatch(text)
    if match is not None and 1 <= int(match["month"]) <= 12 and int(match["day"]) <= 28:
        return f"write {match['sign']}{match['year']}-{int(match['month']):02d}-{int(match['day']):02d}"
    return "write a date as year-month-day: 2026-05-10" if any(sign.isdigit() for sign in text) else None


def _truth(_: Fact, text: str) -> str | None:
    if text.lower() in _TRUE:
        return "write true"
    return "write false" if text.lower() in _FALSE else None


def _odd_quotes(_: Fact, text: str) -> str | None:
    if len(text) > 2 and text[0] in _OPENING and text[-1] in _CLOSING:
        return f"write {text[1:-1]} without these quotes, or in straight double quotes"
    return None


def _wildcard(_: Fact, text: str) -> str | None:
    if len(text) > 1 and (text.endswith("*") or text.startswith("*") or (text[0] == text[-1] == "%")):
        return "there are no wildcards: list the texts, A, B"
    first = text.split(" ", 1)[0].lower()
    if first in ("contains", "like", "matches", "startswith", "starts", "begins", "endswith") and " " in text:
        return "texts are compared as a whole: list them, A, B"
    return None


def _text_range(_: Fact, text: str) -> str | None:
    between = text.lower().startswith("between ") and " and " in text.lower()
    return "texts have no order: list them, A, B, C" if between or ".." in text.strip(".") else None


def _brackets(_: Fact, text: str) -> str | None:
    """A comma inside brackets would cut the text in two."""
    depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth > 0:
            return f"write the list without brackets: {text.translate(_NO_BRACKETS)}"
    return None if depth == 0 else "a bracket is missing"


def _text_sign(_: Fact, text: str) -> str | None:
    if text.startswith(("<>", "≠", "!")) and not text.startswith("!="):
        return f"write != {text.lstrip('<>≠!').strip()}"
    return "compare texts with = and !=, or list them: A, B" if text[:1] in "<>≤≥" else None


_NO_BRACKETS = str.maketrans("", "", "()[]{}")

_WRITINGS: Sequence[_Writing] = (
    _Writing(_EVERY, _error_of_excel),
    _Writing(_EVERY, _any_value),
    _Writing(_EVERY, _presence),
    _Writing(_TRUTHS, _truth),
    _Writing(_TEXTS, _text_sign),
    _Writing(ORDERED, _sign),
    _Writing(_NUMBERS, _decimal_comma),
    _Writing(ORDERED, _open_range),
    _Writing(ORDERED, _half_open),
    _Writing(ORDERED, _two_conditions),
    _Writing(ORDERED, _range),
    _Writing(_NUMBERS, _dressed_number),
    _Writing(_EVERY, _list),
    _Writing(_EVERY, _odd_quotes),
    _Writing(_TEXTS, _wildcard),
    _Writing(_TEXTS, _text_range),
    _Writing(_DATES, _date),
    _Writing(_NUMBERS, lambda *_: "a cell holds a number, < 21, 18..25, or a list: 18, 25"),
    _Writing(_DATES, lambda *_: "a cell holds a date, < 2026-05-10, or 2026-01-01..2026-03-31"),
    _Writing(_TRUTHS, lambda *_: "write true or false"),
)

_DOUBTFUL: Sequence[Callable[[Fact, str], str | None]] = (
    _error_of_excel,
    lambda _, text: "leave the cell empty for any value" if text in ("*", "ANY", "Any", "any", "–", "—") else None,
    lambda _, text: "write present" if text.lower() in _SOMETHING else None,
    lambda fact, text: _presence(fact, text) if text.lower() in _NOTHING - {"none", "na"} else None,
    _odd_quotes,
    _list,
    _brackets,
    _wildcard,
    _text_range,
    lambda fact, text: _text_sign(fact, text) if text[:1] in ("≤", "≥", "≠", "!") and text[:2] != "!=" else None,
    lambda fact, text: _decimal_comma(fact, text) if text[:1].isdigit() else None,
    lambda _, text: f"write not {text[4:].strip()}" if text.startswith(("NOT ", "Not ")) else None,
)


def _sound(number: str) -> str:
    """A number or a date as it should be written, as far as it can be told."""
    day = _DAY_FIRST.fullmatch(number)
    if day is not None:
        return f"{day['year']}-{int(day['month']):02d}-{int(day['day']):02d}"
    return plain(number) or number
