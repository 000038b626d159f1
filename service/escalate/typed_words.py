"""Whether the words that our texts tell people to type ("JA 41") are read as what they are meant for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from service.decide import Finding, Flaw, Place, Severity
from service.replies import POLICIES, Languages, Outcome, decide

_CAPITALS = re.compile(r"[^\W\d_]{2,}(?: [^\W\d_]{2,})*")
_SLOT = re.compile(r"\{[^{}]*\}+")
_TOP = Place(1, 1)

_Meaning = tuple[str, Outcome, bool]
"""The kind of policy, what the word is there, and whether it is about all pages."""

_ANSWERS = frozenset({Outcome.YES, Outcome.NO})


def misread(
    texts: Iterable[tuple[str, str]], language: str, languages: Languages, english: Languages
) -> tuple[Finding, ...]:
    """A finding for each text, given with its English source, whose words in capitals are not read as the source's.

    `english` reads the source: a word that it does not know tells nobody to type it.
    """
    return tuple(finding for source, text in texts for finding in _misread(source, text, language, languages, english))


def _misread(source: str, typed: str, language: str, languages: Languages, english: Languages) -> Iterator[Finding]:
    meant = dict(_meanings(source, "en", english))
    if not meant:
        return
    words, text = dict(_meanings(typed, language, languages)), " ".join(typed.split())
    missing = {meaning for each in meant.values() for meaning in each} - {m for each in words.values() for m in each}
    if missing:
        listing = ", ".join(word for word, each in meant.items() if missing.intersection(each))
        message = f'"{text}" must tell people to type what is read as "{listing}"; it says {_quoted(typed)}'
        yield Finding(Severity.ERROR, Flaw.TEST_FAILED, _TOP, message, hint="add the word to this file")
    for policy, accepts in POLICIES.items():
        if decide(languages.read(_SLOT.sub("41", typed), language), accepts).outcome in _ANSWERS:
            message = f'"{text}", which we send, would be read as an answer to a page ({policy})'
            yield Finding(Severity.ERROR, Flaw.TEST_FAILED, _TOP, message, hint="a word in it has a wrong kind")
            return


def _meanings(text: str, language: str, languages: Languages) -> Iterator[tuple[str, frozenset[_Meaning]]]:
    """The words in capitals with what they mean; those that mean nothing are left out."""
    for word in _capitals(text):
        read = languages.read(word, language)
        decisions = {policy: decide(read, accepts) for policy, accepts in POLICIES.items()}
        known = {
            (name, each.outcome, each.every) for name, each in decisions.items() if each.outcome is not Outcome.ASK
        }
        if known:
            yield word, frozenset(known)


def _capitals(text: str) -> Iterator[str]:
    """Words in capitals, several in a row as one: "YES ALL"."""
    for run in _CAPITALS.finditer(_SLOT.sub("|", text)):
        row = list[str]()
        for word in [*run[0].split(), ""]:
            if word and word.isupper():
                row.append(word)
            elif row:
                yield " ".join(row)
                row = []


def _quoted(text: str) -> str:
    return ", ".join(f'"{word}"' for word in _capitals(text)) or "no word in capitals"
