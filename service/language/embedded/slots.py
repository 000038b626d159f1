"""Dates, times, money, numbers and untranslatable pieces of an English text, as typed slots.

"…will go live by May 10th." becomes "…will go live by {date1}." and the slot says 10. Mai to a German reader, so one
reviewed sentence serves every date. What has two readings (5/10/2026, 1,5) is left as it stands, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Protocol

from babel.core import get_global
from babel.dates import format_date, format_skeleton, format_time, get_day_names
from babel.numbers import format_decimal

from service.core import Tag, placeholders, with_first_of_month
from service.language.embedded.greetings import GREETING, Name, is_name
from service.language.masking import DASH, EMAIL, HALF, PHONE, URL

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
)
_ORDINAL = r"(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(?P<{}>\d{{4}})(?![\d:.,]*\d))?"
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_STARTS = r"(?<![\w.,/:-])"
_ENDS = r"(?![\w/:]|[.,-]?\d)"
_LEAP_YEAR = 2000
"""Any leap year: a day without a year may be 29 February."""


class TypedSlot(Protocol):
    """A typed piece of a sentence."""

    @property
    def kind(self) -> str:
        """What a catalogue calls it: `date`, `time`, `money`, `number`, `url`, `email`, `phone`; "" for a variable."""

    def written(self, reader: Tag, /) -> str:
        """The piece as a reader of that language writes it."""


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A URL, an address, a phone number or a template's placeholder: the same in every language."""

    kind: str
    text: str

    def written(self, _reader: Tag, /) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Day:
    """A day, with or without its year and its weekday (0 is Monday)."""

    date: date
    has_year: bool
    kind: str = "date"
    weekday: int | None = None

    def written(self, reader: Tag, /) -> str:
        locale = reader.locale
        text = (
            format_date(self.date, "long", locale)
            if self.has_year
            else format_skeleton("MMMMd", self.date, locale=locale)
        )
        text = with_first_of_month(text, self.date, reader.language)
        if self.weekday is None:
            return text
        between = " " if reader.language in _WITHOUT_COMMA else ", "
        return f"{get_day_names('wide', 'format', locale)[self.weekday]}{between}{text}"


_WITHOUT_COMMA = frozenset({"es", "fr", "it"})
"""Languages that put no comma between a weekday and its date."""


@dataclass(frozen=True, slots=True)
class FromTo:
    """From one day or time to another."""

    first: TypedSlot
    last: TypedSlot

    @property
    def kind(self) -> str:
        return self.first.kind

    def written(self, reader: Tag, /) -> str:
        return f"{self.first.written(reader)} - {self.last.written(reader)}"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of day."""

    time: time
    kind: str = "time"

    def written(self, reader: Tag, /) -> str:
        return _plain_spaces(format_time(self.time, "short", locale=reader.locale))


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written: its decimals are kept, and thousands stay grouped or ungrouped."""

    digits: str
    kind: str = "number"

    def written(self, reader: Tag, /) -> str:
        whole, _, decimals = self.digits.partition(".")
        if "," not in whole and not decimals:
            return self.digits  # an order's number, a year, a code with leading zeros
        pattern = ("#,##0" if "," in whole else "0") + ("." + "0" * len(decimals) if decimals else "")
        return _plain_spaces(format_decimal(Decimal(self.digits.replace(",", "")), pattern, locale=reader.locale))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount and its currency, by sign or ISO code as it was written: `$` does not say whose dollar it is."""

    currency: str
    amount: Number
    kind: str = "money"

    def written(self, reader: Tag, /) -> str:
        amount = self.amount.written(reader)
        before = reader.locale.currency_formats["standard"].pattern.startswith("¤")
        space = " " if self.currency.isalpha() or not before or reader.language == "pt" else ""
        return f"{self.currency}{space}{amount}" if before else f"{amount} {self.currency}"


def _day(match: re.Match[str]) -> TypedSlot | None:
    parts = {name: value for name, value in match.groupdict().items() if value}
    month = parts.get("month1") or parts.get("month2")
    number = int(parts["iso_month"]) if month is None else _MONTHS.index(month[:3]) + 1
    day = parts.get("day1") or parts.get("day2") or parts["iso_day"]
    year = parts.get("year1") or parts.get("year2") or parts.get("iso_year")
    named = parts.get("weekday")
    weekday = None if named is None else _WEEKDAYS.index(named[:3])
    try:
        read_day = date(int(year or _LEAP_YEAR), number, int(day))
    except ValueError:  # 31 June
        return None
    if weekday is not None and year is not None and read_day.weekday() != weekday:
        return None  # which of the two is wrong cannot be guessed
    return Day(read_day, year is not None, weekday=weekday)


def _days(match: re.Match[str]) -> TypedSlot | None:
    month, year = match["month1"] or match["month2"], match["year1"] or match["year2"]
    days = (match["from1"] or match["from2"], match["to1"] or match["to2"])
    number = _MONTHS.index(month[:3]) + 1
    try:
        first, last = (date(int(year or _LEAP_YEAR), number, int(day)) for day in days)
    except ValueError:
        return None
    return FromTo(Day(first, year is not None), Day(last, year is not None)) if first < last else None


def _moment(match: re.Match[str]) -> TypedSlot | None:
    return _at(match["hour"] or match["hour24"], match["minute"] or match["minute24"], match["half"])


def _at(hours: str, minutes: str | None, half: str | None) -> Moment | None:
    hour, minute = int(hours), int(minutes or 0)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    return Moment(time(hour, minute)) if hour < 24 and minute < 60 else None


def _moments(match: re.Match[str]) -> TypedSlot | None:
    """`9-11 AM` has one half for both, unless that would turn the range round: `11-1 PM` begins in the morning."""
    half, first_half = match["half"], match["half1"] or match["half"]
    first, last = _at(match["hour1"], match["minute1"], first_half), _at(match["hour2"], match["minute2"], half)
    if first is None or last is None or (half is None and not (match["minute1"] and match["minute2"])):
        return None
    if match["half1"] is None and half is not None and first.time >= last.time:
        first = _at(match["hour1"], match["minute1"], "am")
    return None if first is None else FromTo(first, last)


def _money(match: re.Match[str]) -> TypedSlot | None:
    currency = match["sign1"] or match["sign2"] or match["code1"] or match["code2"]
    amount = match["amount1"] or match["amount2"]
    known = currency in "$€£" or currency in get_global("all_currencies")
    return Money(currency, Number(amount)) if known else None


def _verbatim(kind: str) -> Callable[[re.Match[str]], TypedSlot | None]:
    return lambda match: Verbatim(kind, match[0])


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKDAY = (
    r"(?:(?P<weekday>(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\b\.?,?\s+"
    r"(?:the\s+)?)?"
)

_TIME_RANGE = re.compile(
    rf"{_STARTS}(?P<hour1>\d{{1,2}})(?::(?P<minute1>\d\d))?(?:\s?(?P<half1>{HALF}))?{DASH}"
    rf"(?P<hour2>\d{{1,2}})(?::(?P<minute2>\d\d))?(?:\s?(?P<half>{HALF}))?{_ENDS}"
)

_RECOGNISED: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], TypedSlot | None]], ...] = (
    (re.compile(placeholders.PATTERN), _verbatim("")),
    (re.compile(URL), _verbatim("url")),
    (re.compile(EMAIL), _verbatim("email")),
    (
        re.compile(
            rf"{_STARTS}(?:(?P<month1>{_MONTH})\s+(?P<from1>\d{{1,2}}){_ORDINAL}{DASH}(?P<to1>\d{{1,2}}){_ORDINAL}"
            rf"{_YEAR.format('year1')}"
            rf"|(?P<from2>\d{{1,2}}){_ORDINAL}{DASH}(?P<to2>\d{{1,2}}){_ORDINAL}\s+(?P<month2>{_MONTH})"
            rf"{_YEAR.format('year2')}){_ENDS}"
        ),
        _days,
    ),
    (
        re.compile(
            rf"{_STARTS}{_WEEKDAY}(?:(?P<iso_year>\d{{4}})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)"
            rf"|(?P<day2>\d{{1,2}}){_ORDINAL}(?:\s+of)?\s+(?P<month2>{_MONTH}){_YEAR.format('year2')}"
            rf"|(?P<month1>{_MONTH})\s+(?P<day1>\d{{1,2}}){_ORDINAL}{_YEAR.format('year1')}){_ENDS}"
        ),
        _day,
    ),
    (_TIME_RANGE, _moments),
    (
        re.compile(
            rf"{_STARTS}(?:(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d))?\s?(?P<half>{HALF})"
            rf"|(?P<hour24>\d{{1,2}}):(?P<minute24>\d\d)){_ENDS}"
        ),
        _moment,
    ),
    (
        re.compile(
            rf"{_STARTS}(?:(?:(?P<sign1>[$€£])\s?|(?P<code1>[A-Z]{{3}})\s)(?P<amount1>{_NUMBER})"
            rf"|(?P<amount2>{_NUMBER})(?:\s?(?P<sign2>[$€£])|\s(?P<code2>[A-Z]{{3}}))){_ENDS}"
        ),
        _money,
    ),
    (re.compile(PHONE), _verbatim("phone")),
    (re.compile(rf"{_STARTS}{_NUMBER}{_ENDS}"), lambda match: Number(match[0])),
)


@dataclass(frozen=True, slots=True)
class CatalogueSentence:
    """A sentence as a catalogue knows it, and what its slots hold: `{date1}` → 10 May."""

    key: str
    slots: Mapping[str, TypedSlot]


@dataclass(frozen=True, slots=True)
class Slotted:
    """A text whose slots stand as single private characters, so that it can be cut into sentences anywhere else."""

    coded: str
    slots: tuple[TypedSlot, ...]

    def sentence(self, coded: str) -> CatalogueSentence:
        """A part of the text in a catalogue's spelling, its slots numbered by kind from 1."""
        named: dict[str, TypedSlot] = {}
        counts: dict[str, int] = {}

        def name(match: re.Match[str]) -> str:
            slot = self.slots[ord(match[0]) - _FIRST_CODE]
            if isinstance(slot, Verbatim) and not slot.kind:
                spelt = placeholder(slot.text)
            else:
                counts[slot.kind] = counts.get(slot.kind, 0) + 1
                spelt = f"{{{slot.kind}{counts[slot.kind]}}}"
            named[spelt] = slot
            return spelt

        return CatalogueSentence(_CODE.sub(name, plainly(coded)), named)

    def written(self, coded: str, reader: Tag) -> str:
        """A part of the text with its slots as the reader writes them."""
        return _CODE.sub(lambda match: self.slots[ord(match[0]) - _FIRST_CODE].written(reader), coded)


_FIRST_CODE, _LAST_CODE = 0xE000, 0xF8FF
_CODE = re.compile("[\ue000-\uf8ff]")


def find_slots(text: str) -> Slotted | None:
    """The slots of a text; None for a text that holds private-use characters (or more slots than there are of them)."""
    if _CODE.search(text):
        return None
    slots: list[TypedSlot] = []
    for pattern, read in _RECOGNISED:

        def take(match: re.Match[str], read: Callable[[re.Match[str]], TypedSlot | None] = read) -> str:
            slot = read(match)
            if slot is None or len(slots) > _LAST_CODE - _FIRST_CODE:
                return match[0]
            slots.append(slot)
            return chr(_FIRST_CODE + len(slots) - 1)

        text = pattern.sub(take, text)
    return Slotted(_joined(_greeted(text, slots), slots), tuple(slots))


_BETWEEN = re.compile(rf"([\ue000-\uf8ff]){DASH}([\ue000-\uf8ff])")


def _joined(text: str, slots: list[TypedSlot]) -> str:
    """Two days or two times with a dash between them, as one range."""

    def join(match: re.Match[str]) -> str:
        first, last = (slots[ord(code) - _FIRST_CODE] for code in match.groups())
        if type(first) is not type(last) or not isinstance(first, Day | Moment):
            return match[0]
        slots[ord(match[1]) - _FIRST_CODE] = FromTo(first, last)
        return match[1]

    return _BETWEEN.sub(join, text)


def _greeted(text: str, slots: list[TypedSlot]) -> str:
    """Whom a line greets, as a slot."""

    def take(match: re.Match[str]) -> str:
        named = match["name"]
        if not is_name(named) or len(slots) > _LAST_CODE - _FIRST_CODE:
            return match[0]
        slots.append(Name(named))
        return f"{match['hello']}{chr(_FIRST_CODE + len(slots) - 1)}"

    return GREETING.sub(take, text)


def times_written(piece: str, reader: Tag) -> str:
    """A time or a range of times as a reader writes it; anything else as it stands."""
    slotted = find_slots(piece)
    if slotted is None or len(slotted.slots) != 1 or len(slotted.coded.removesuffix(".")) != 1:
        return piece
    slot = slotted.slots[0]
    return slot.written(reader) if slot.kind == "time" else piece


def placeholder(text: str) -> str:
    """A template's placeholder with one space between its parts: `{{due|date}}` → `{{ due | date }}`."""
    inner = " ".join(text[2:-2].replace("|", " | ").split())
    return f"{{{{ {inner} }}}}"


def is_wordless(coded: str) -> bool:
    """Whether a part of a slotted text holds slots and signs alone, so that it reads the same in every language."""
    return not any(map(str.isalpha, _CODE.sub("", coded)))


_TYPOGRAPHIC = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "\u00a0": " ", "\u202f": " "})


def plainly(text: str) -> str:
    """One spelling for what looks alike: straight quotes, single spaces."""
    return " ".join(text.translate(_TYPOGRAPHIC).split())


def _plain_spaces(text: str) -> str:
    """Ordinary spaces for CLDR's no-break ones, which would turn an SMS from GSM-7 into UCS-2."""
    return text.translate(_TYPOGRAPHIC)
