"""A text in the pieces that are judged one by one, so that nothing hides in neutral company.

Each sentence is a passage. A short text is a passage as a whole too, for its sentences may only mean something
together. Where full stops are missing, clauses take the place of sentences, and where commas are missing too, windows
of words that overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.core import compatible, without_format_characters

WHOLE_UP_TO = 200
"""Characters up to which a text of several sentences is judged as a whole too."""

WINDOW, STEP = 22, 11
"""Words of a window, and words from the start of one to the start of the next."""

LONGEST_SENTENCE = 28
"""Words up to which a sentence is judged in one piece."""

SHORTEST_CLAUSE = 4
"""Words that a clause must have to be judged by itself: shorter ones join the next."""

_SENTENCE_ENDS = re.compile(r"(?<=[.!?…])[\"»”’')\]]{0,3}\s+|(?<=[。！？])|\n")
_CLAUSE_ENDS = re.compile(r"(?<=[,;:])\s+|(?<=[，；、])|(?<=\s)[-–—](?=\s)")
_ABBREVIATION = re.compile(r"\w{1,4}\.")
_MOSTLY = 0.7
_FEW_LETTERS = 3


def passages(text: str) -> list[str]:
    """The passages of a text, in its order, a whole one first; none where it holds only blanks."""
    plain = _plain(text)
    sentences = list(_sentences(plain))
    whole = [" ".join(plain.split())] if len(sentences) > 1 and len(plain) <= WHOLE_UP_TO else []
    pieces = [*whole, *(piece for sentence in sentences for piece in _pieces(sentence))]
    return list(dict.fromkeys(map(_lowered, pieces)))


def _plain(text: str) -> str:
    """Compatibility forms made one, and characters that nobody sees left out: they would hide words."""
    return without_format_characters(compatible(text)).strip()


def _sentences(text: str) -> Iterator[str]:
    begun = ""
    for part in _SENTENCE_ENDS.split(text):
        sentence = " ".join(f"{begun} {part}".split())
        begun = ""
        if _ABBREVIATION.fullmatch(sentence):  # "Mr." begins a sentence and is none
            begun = sentence
        elif sentence:
            yield sentence
    if begun:
        yield begun


def _pieces(sentence: str) -> Iterator[str]:
    if len(sentence.split()) <= LONGEST_SENTENCE:
        yield sentence
        return
    for clause in _clauses(sentence):
        yield from _windows(clause)


def _clauses(sentence: str) -> Iterator[str]:
    begun: list[str] = []
    for part in _CLAUSE_ENDS.split(sentence):
        begun += part.split()
        if len(begun) >= SHORTEST_CLAUSE:
            yield " ".join(begun)
            begun = []
    if begun:
        yield " ".join(begun)


def _windows(clause: str) -> Iterator[str]:
    words = clause.split()
    if len(words) <= LONGEST_SENTENCE:
        yield clause
        return
    for start in range(0, len(words) - STEP, STEP):
        yield " ".join(words[start : start + WINDOW])


def _lowered(passage: str) -> str:
    """A passage in capitals as it reads otherwise: the model takes capitals for shouting, and alarms are written so."""
    letters = [sign for sign in passage if sign.isalpha()]
    if len(letters) <= _FEW_LETTERS or sum(map(str.isupper, letters)) <= _MOSTLY * len(letters):
        return passage
    return passage[:1] + passage[1:].lower()
