"""What a machine must not translate, hidden from it: each such piece becomes `VAR1`, `VAR2`, … and must come back once.

Of the markers tried on a real neural engine, `VAR1` survived in 27 of 27 slots and `{{ name }}` in none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from service.core import placeholders

URL = r"(?:https?://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]}]"
EMAIL = r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
PHONE = r"(?<![\w.,/:-])(?!\d{4}-\d\d-\d\d)(?:\+|\()?\d(?:[ ().-]{0,2}\d){6,14}(?![\w/:]|[.,-]\d)"

HALF = r"(?:[AaPp][Mm]\b|[ap]\.m(?:\.(?!\s+[A-Z]|\s*$))?)"
DASH = r"\s?[-–—]\s?"
CLOCK = rf"\d{{1,2}}(?::\d\d)?\s?{HALF}"
"""A time of day that says which half of the day it is in."""

_STARTS = r"(?<![\w.,/:-])"
_TIMES = rf"{_STARTS}(?:\d{{1,2}}(?::\d\d)?(?:\s?{HALF})?{DASH})?{CLOCK}"
_SPAN = rf"{_STARTS}\d{{1,4}}(?:[.,:]\d{{1,3}})?{DASH}\d{{1,4}}(?:[.,:]\d{{1,3}})?(?![\w/:]|[.,-]?\d)"
_PICTURES = r"\U0001f000-\U0001faff\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2b00-\u2bff\u3030\u303d"
_JOINERS = r"\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f"
EMOJI = rf"[{_PICTURES}][{_PICTURES}{_JOINERS}]{{0,100}}"
"""Pictures, with what joins and colours them (Unicode Technical Standard 51)."""

LOST_BY_MACHINES = (_TIMES, _SPAN, EMOJI)
"""What engines lose beside what must not be translated."""

OF_EMOJI = re.compile(rf"[{_PICTURES}{_JOINERS}]")
"""One character of them."""

_TAG = r"<[^<>]+>"
_REFERENCE = r"#\w[\w-]*"
_MARKER = re.compile(r"VAR\d+")
_LOOKS_LIKE_A_MARKER = r"(?i:VAR\s?\d+)"
_KEPT = rf"{placeholders.PATTERN}|{_LOOKS_LIKE_A_MARKER}|{URL}|{EMAIL}|{_TAG}|{_REFERENCE}|{PHONE}"

_ADDRESS = re.compile(rf"{URL}|{EMAIL}")
_NUMBER = re.compile(PHONE)


@dataclass(frozen=True, slots=True)
class MarkersBroken:
    """The engine lost, doubled or invented markers, so its answer cannot be used."""

    reason: str


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with markers, what `VAR1`, `VAR2`, … stand for, and how a reader of the answer writes that."""

    text: str
    hidden: tuple[str, ...]
    put_back: tuple[str, ...] = ()

    def restore(self, translated: str) -> str | MarkersBroken:
        """The translated text with everything hidden put back, if each marker is there exactly once."""
        expected = Counter(_marker(number) for number in range(len(self.hidden)))
        markers = Counter(_MARKER.findall(translated))
        if markers != expected:
            return MarkersBroken(_difference(expected, markers))
        pieces = self.put_back or self.hidden
        return _MARKER.sub(lambda match: pieces[int(match[0][3:]) - 1], translated)


def mask(text: str, terms: Iterable[str] = ()) -> Masked:
    """Hide placeholders, URLs, addresses, phone numbers, `#references`, tags and the do-not-translate `terms`.

    A text that itself says `VAR1` has that hidden too. Terms match whole words in exactly their case, longest first.
    """
    return Masked(*_hidden(text, _pattern(tuple(terms))))


def mask_for_machine(text: str, terms: Iterable[str], translated: Callable[[str], str]) -> Masked:
    """Hide also what engines lose: pictures, ranges, and times with AM or PM.

    `translated` writes each of these pieces in the reader's language.
    """
    masked, hidden = _hidden(text, _pattern(tuple(terms), LOST_BY_MACHINES))
    return Masked(masked, hidden, tuple(map(translated, hidden)))


def _hidden(text: str, pattern: re.Pattern[str]) -> tuple[str, tuple[str, ...]]:
    """The text with a marker for each match, and the matches."""
    hidden: list[str] = []

    def hide(match: re.Match[str]) -> str:
        hidden.append(match[0])
        return _marker(len(hidden) - 1)

    return pattern.sub(hide, text), tuple(hidden)


def words_of(text: str) -> str:
    """The text without the pieces that `mask` hides: what is in a language at all."""
    return _pattern(()).sub(" ", text)


def words_to_judge(text: str) -> str:
    """As `words_of`, but with a placeholder's default, `link` for each URL and address and 123 for each phone number.

    So sentences stay whole: "See https://example.com for more." without its URL reads like a threat to the model. Never
    longer than the text.
    """
    return _pattern(()).sub(_stand_in, text)


def _stand_in(match: re.Match[str]) -> str:
    if _ADDRESS.match(match[0]):
        return "link"
    return "123" if _NUMBER.match(match[0]) else placeholders.default_words(match[0]) or " "


def _pattern(terms: tuple[str, ...], others: tuple[str, ...] = ()) -> re.Pattern[str]:
    whole_words = (rf"(?<!\w){re.escape(term)}(?!\w)" for term in sorted(terms, key=len, reverse=True) if term)
    # digits right behind a hidden piece would lengthen its marker: VAR1 and 5 to VAR15
    return re.compile(rf"(?:{'|'.join([_KEPT, *others, *whole_words])})\d{{0,20}}")


def _marker(index: int) -> str:
    return f"VAR{index + 1}"


def _difference(expected: Counter[str], returned: Counter[str]) -> str:
    lost = sorted((expected - returned).elements())
    extra = sorted((returned - expected).elements())
    differences = [f"lost {', '.join(lost)}" if lost else "", f"added {', '.join(extra)}" if extra else ""]
    return "the engine " + " and ".join(filter(None, differences))
