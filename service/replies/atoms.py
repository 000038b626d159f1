"""A text as atoms: the smallest parts that phrases are made of.

A word is one atom. Where a script has no dependable blanks (Han, kana, Hangul, Thai, Lao, Khmer, Burmese) each
character with its marks is one, so that one matcher serves every language. Texts and vocabularies are folded alike.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto

from service.core import fold

MAX_ATOMS = 160
"""A longer text is never a YES."""


class AtomType(Enum):
    """What an atom is."""

    WORD = auto()
    NUMBER = auto()
    RANGE = auto()  # 41-45
    FIGURE = auto()  # a time, a date, a decimal, an amount or a long number: never a code
    EMOJI = auto()
    BREAK = auto()  # the end of a clause
    QUESTION = auto()


@dataclass(frozen=True, slots=True)
class Atom:
    """`text` is folded. A number that "#" stands before is `marked`: certainly a code."""

    text: str
    sort: AtomType = AtomType.WORD
    marked: bool = False

    @property
    def key(self) -> str:
        """What phrases match it by; a number by the name of its place."""
        return NUMBER_KEY if self.sort in (AtomType.NUMBER, AtomType.RANGE) else self.text


NUMBER_KEY = "{n}"
"""Stands for a number in a phrase."""

BREAK, QUESTION = Atom("·", AtomType.BREAK), Atom("?", AtomType.QUESTION)

_SINGLE = re.compile(
    "[\u3040-\u30ff\u3105-\u312f\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f"
    "\uac00-\ud7af\u3130-\u318f\u1100-\u11ff\U00020000-\U0003ffff]"
)
"""Letters of scripts without dependable blanks."""

_DRAWN_OUT = "ー"
"""The sign of a long vowel: はーーい is はい."""

JOINING = "+&/"
"""Signs that join codes: 41+42."""

_QUESTIONS = "?؟՞⁇"
_SIGNS_OF_TEXT = "=<>|^$€£¥°%"
_SHORT_WORD_DOT = re.compile(r"(?<!\w)([^\W\d_]{1,4})\. ?(?=#?\d)")
"""The dot of "no. 41" and "ca. 15" ends no clause."""
_FIGURE = re.compile(r"\d+(?:[.:]\d+)+|\d{7,}|\d{1,6} ?[%$€£¥°]")
_RANGE = re.compile(r"(\d{1,6}) ?[-–] ?(\d{1,6})(?!\d)")
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-‐‑](?=[^\W\d_])")


def is_single(letter: str) -> bool:
    """Whether a letter is of a script without dependable blanks, where each letter is an atom."""
    return _SINGLE.match(letter) is not None


def folded_word(text: str, *, accents: bool = False) -> str | None:
    """The one atom of a plain word, folded: what `atoms_of` finds, sooner; None for anything else."""
    if not text.isalpha() or _SINGLE.search(text):
        return None
    folded = text.lower() if text.isascii() else fold(text, accents=accents)
    return folded if folded.isalpha() else None


def atoms_of(text: str, *, greek: bool = False, accents: bool = False, most: int | None = None) -> tuple[Atom, ...]:
    """The atoms of a text, `most` of them. In Greek a semicolon asks. Breaks at either end are left out."""
    folded = _SHORT_WORD_DOT.sub(r"\1 ", _HYPHEN.sub(" ", fold(text, accents=accents)))
    atoms = _Atoms(greek=greek)
    at = 0
    while at < len(folded) and (most is None or len(atoms) < most):
        at = atoms.take(folded, at)
    return atoms.trimmed()


class _Atoms:
    """Atoms as they are collected, character by character."""

    def __init__(self, *, greek: bool) -> None:
        self._questions = _QUESTIONS + (";" if greek else "")
        self._atoms: list[Atom] = []
        self._word: list[str] = []
        self._marked = False

    def __len__(self) -> int:
        return len(self._atoms)

    def take(self, text: str, at: int) -> int:
        """Take the character at `at`, or the whole number or the plain letters that begin there; the place after."""
        if letters := _PLAIN.match(text, at):
            self._take_letter(letters.group())
            return letters.end()
        character = text[at]
        if character.isdecimal():
            return self._take_number(text, at)
        category = unicodedata.category(character)[0]
        if category == "L":
            self._take_letter(character)
        elif category == "M":
            self._word.append(character)
        else:
            self._take_sign(character, category)
        return at + 1

    def _take_letter(self, letter: str) -> None:
        """Take a letter, or several that are plain."""
        if letter == _DRAWN_OUT:
            return
        if self._word and (_SINGLE.match(letter) or _SINGLE.match(self._word[0])):
            self._end_word()
        self._word.append(letter)

    def trimmed(self) -> tuple[Atom, ...]:
        """All atoms, without breaks at either end."""
        self._end_word()
        while self._atoms and self._atoms[-1].sort is AtomType.BREAK:
            self._atoms.pop()
        return tuple(self._atoms)

    def _take_number(self, text: str, at: int) -> int:
        self._end_word()
        if match := _FIGURE.match(text, at):
            self._atoms.append(Atom(match.group(), AtomType.FIGURE))
        elif match := _RANGE.match(text, at):
            self._atoms.append(Atom(f"{_plain(match[1])}-{_plain(match[2])}", AtomType.RANGE, self._marked))
        else:
            match = _DIGITS.match(text, at)
            assert match is not None
            self._atoms.append(Atom(_plain(match.group()), AtomType.NUMBER, self._marked))
        self._marked = False
        return match.end()

    def _take_sign(self, character: str, category: str) -> None:
        self._end_word()
        self._marked = character == "#" or (self._marked and character in " \t")
        if character in " \t\u00a0#~":
            return
        if character in self._questions:
            self._atoms.append(QUESTION)
        elif character in JOINING:
            self._atoms.append(Atom(character))
        elif category == "S" and character not in _SIGNS_OF_TEXT:
            self._atoms.append(Atom(character, AtomType.EMOJI))
        elif self._atoms and self._atoms[-1].sort is not AtomType.BREAK:
            self._atoms.append(BREAK)

    def _end_word(self) -> None:
        if self._word:
            self._marked = False
            self._atoms.append(Atom("".join(self._word)))
            self._word.clear()


_DIGITS = re.compile(r"\d{1,6}")
_PLAIN = re.compile(r"[a-z]+")


def _plain(digits: str) -> str:
    """The number in the digits of ASCII, without leading zeros."""
    return str(int(digits))


def spelled_out(atoms: tuple[Atom, ...]) -> tuple[Atom, ...]:
    """ "Y E S" is one word: a text that holds only single letters of a script with words."""
    letters = [atom.text for atom in atoms if atom.sort is not AtomType.BREAK]
    single = all(len(text) == 1 and text.isalpha() and not _SINGLE.match(text) for text in letters)
    return (Atom("".join(letters)),) if len(letters) > 1 and single else atoms
