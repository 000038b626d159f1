"""Texts in the one form in which they are compared, read, judged or sent: a function for each purpose.

The forms NFC, NFD, NFKC and NFKD are those of Unicode (https://www.unicode.org/reports/tr15/).
"""

from __future__ import annotations

import re
import unicodedata

_LETTERS = str.maketrans(
    {
        "ı": "i",
        "ł": "l",
        "ø": "o",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ħ": "h",
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ة": "ه",
        "ؤ": "و",
        "ئ": "ي",
        "ک": "ك",
        "ی": "ي",
        "ـ": None,
    }
)
"""Letters that Unicode's decomposition leaves alone and people type in either form. Tatweel is only a line."""

_DECORATION = re.compile("['’‘`´ʼ′]|(?<=[א-ת])[\"״](?=[א-ת])|[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\u20e3]|\u200d[♀♂]")
"""Apostrophes, the marks of a Hebrew abbreviation, variation selectors, skin tones, key caps, and the sex of an
emoji's person."""

_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")
"""Accents and points of Latin, Greek, Cyrillic, Hebrew and Arabic. Never all marks: kana voicing, Thai tones and the
vowel signs of Indian scripts spell the word."""

_LATIN_ACCENTS = re.compile("[\u0300-\u036f]")

_ZERO_WIDTH = re.compile("[\u00ad\u200b\u2060\ufeff]")
"""Soft hyphens, blanks without a width, byte order marks: they mean nothing in any script."""

_DIRECTIONS = "\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks of direction. What they change shows only beside letters of scripts that are written from right to left."""

_DIRECTION = re.compile(f"[{_DIRECTIONS}]")
_JOINERS = re.compile(f"[\u200c\u200d{_DIRECTIONS}\ufe00-\ufe0f]")

_WIDE_BLANKS = str.maketrans({"\u00a0": " ", "\u202f": " "})


def caseless(text: str) -> str:
    """The text without case, to compare names and addresses. Lookup keys of stored addresses are made of it."""
    return text.casefold()


def composed(text: str) -> str:
    """The text with each accent in its letter (NFC): a reader sees the same."""
    return unicodedata.normalize("NFC", text)


def compatible(text: str) -> str:
    """The text with wide, small and joined forms of letters as plain letters (NFKC)."""
    return unicodedata.normalize("NFKC", text)


def with_plain_blanks(text: str) -> str:
    """The text with no-break spaces, which CLDR puts into numbers, as plain blanks."""
    return text.translate(_WIDE_BLANKS)


def without_zero_width(text: str) -> str:
    """The text without characters that have no width and no meaning in any script."""
    return _ZERO_WIDTH.sub("", text)


def without_directions(text: str) -> str:
    """The text without marks of direction."""
    return _DIRECTION.sub("", text)


def without_joiners(text: str) -> str:
    """The text without joiners, marks of direction and variation selectors, which plain Latin letters do not need."""
    return _JOINERS.sub("", text)


def without_format_characters(text: str) -> str:
    """The text without every character that only formats others (Unicode's category Cf): it could hide a word."""
    return "".join(character for character in text if unicodedata.category(character) != "Cf")


def without_latin_accents(text: str) -> str:
    """The text without case, width and the accents of Latin letters, decomposed (NFKD): "Arrêter" is "arreter"."""
    return _LATIN_ACCENTS.sub("", unicodedata.normalize("NFKD", caseless(compatible(text))))


def fold(text: str, *, accents: bool = False) -> str:
    """The text as replies are read: without case, width and invisible characters, in letters that people type.

    Without accents too, unless `accents` are kept.
    """
    folded = caseless(compatible(text)).translate(_LETTERS)
    visible = folded if folded.isalpha() else without_format_characters(_DECORATION.sub("", folded))
    if accents:
        return composed(visible.replace("\u0307", ""))
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", visible))
    return composed(plain).translate(_LETTERS).replace("đ", "d")
