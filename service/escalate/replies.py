"""What a person's reply says: yes, no, for which codes, or nothing that is clear enough to act on.

A YES stops the paging and a NO hands the incident on, so both must be clear; anything else is asked about. The words
of each language are data, in `vocabulary.json`:

- `yes`, `no`: phrases that answer when they come first: "yes, I'm on it" is a yes;
- `unclear`: phrases that only look like an answer: "no problem";
- `polite`: words that change nothing around an answer;
- `goes on`: what may follow a no without a comma: "no I am away"; anything else makes it unclear ("no longer");
- `doubt`: words that take a yes back: "yes but not today";
- `alone`: answers that mean something else inside a sentence: "done with this", "si puedo";
- `elsewhere` (English): doubts of other languages that are ordinary words in English.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import filterfalse

MAX_CHARACTERS = 1600
"""A reply is read up to here: the longest text of one SMS (SendTextMessage)."""

THUMB_UP, THUMB_DOWN = "👍", "👎"

Phrase = tuple[str, ...]


class Answer(StrEnum):
    """A clear answer."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply says. `answer` is None where it is not clear.

    `codes` are the numbers it may name incidents by; where they are not `certain` ("yes 10 minutes"), a number that is
    no code of this phone is only a number.
    """

    answer: Answer | None
    codes: tuple[int, ...] = ()
    certain: bool = False


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, a thumb or a number; `apart` when more than a blank stands before it."""

    text: str
    apart: bool
    number: int | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class _Words:
    """The vocabulary that one reply is read with."""

    yes: frozenset[Phrase]
    no: frozenset[Phrase]
    unclear: frozenset[Phrase]
    polite: frozenset[Phrase]
    goes_on: frozenset[Phrase]
    doubt: frozenset[Phrase]
    alone: frozenset[Phrase]


def understand(text: str, language: str | None) -> Said:
    """Read a reply in the contact's language (BCP 47) and English.

    Where the language is not known, English is read in full and any other language as far as the whole reply is one of
    its answers ("oui", "ja danke"), unless two languages disagree on it.
    """
    tokens = _tokens(text)
    words = [token for token in tokens if token.number is None]
    answer, lead = (None, ()) if _is_question(text) else _answer(words, language)
    codes, certain = _codes(tokens, words, lead, language)
    return Said(answer, codes, certain)


def _is_question(text: str) -> bool:
    return not {"?", "؟"}.isdisjoint(unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]))


def _answer(words: Sequence[_Token], language: str | None) -> tuple[Answer | None, Phrase]:
    if language is not None:
        return _read(words, _vocabulary(_primary(language)))
    answer, lead = _read(words, _english_among_all())
    if answer is not None or lead:
        return answer, lead
    others = {_read_whole(words, _own_vocabulary(code)) for code in _file() if code != "en"} - {(None, ())}
    return others.pop() if len({answer for answer, _ in others}) == 1 else (None, ())


def _read(words: Sequence[_Token], known: _Words) -> tuple[Answer | None, Phrase]:
    """The answer and the phrase that gives it; the phrase alone where something makes it unclear."""
    start = _skip(words, 0, known.polite)
    lead = _longest(words, start, known.yes | known.no | known.unclear)
    rest = words[start + len(lead) :]
    if not lead and words and words[-1].text in (THUMB_UP, THUMB_DOWN):
        lead, rest = (words[-1].text,), words[:-1]
    if not lead or lead in known.unclear:
        return None, lead
    if lead in known.yes:
        return (Answer.YES if _yes_stands(lead, rest, known) else None), lead
    return (Answer.NO if _no_stands(rest, known) else None), lead


def _yes_stands(lead: Phrase, rest: Sequence[_Token], known: _Words) -> bool:
    runs_on = bool(rest) and not rest[0].apart and not _longest(rest, 0, known.polite | known.yes)
    if lead in known.alone and runs_on:
        return False
    return not any(phrase in known.doubt | known.no for phrase in _phrases(rest, known))


def _no_stands(rest: Sequence[_Token], known: _Words) -> bool:
    runs_on = bool(rest) and not rest[0].apart and not _longest(rest, 0, known.polite | known.goes_on | known.no)
    return not runs_on and not any(phrase in known.yes | known.unclear for phrase in _phrases(rest, known))


def _phrases(rest: Sequence[_Token], known: _Words) -> Iterator[Phrase]:
    """The known phrases of `rest`, the longest at each place; after a yes, "no problem" is no doubt but one phrase."""
    at = 0
    while at < len(rest):
        phrase = _longest(rest, at, known.yes | known.no | known.unclear | known.polite | known.doubt)
        if phrase:
            yield phrase
        at += len(phrase) or 1


def _read_whole(words: Sequence[_Token], known: _Words) -> tuple[Answer | None, Phrase]:
    """As `_read`, for a reply that holds nothing but this language's answers and politeness.

    Politeness alone is a phrase without an answer: "tak" thanks in Danish and agrees in Polish.
    """
    found = tuple(_phrases(words, known))
    answers = tuple(phrase for phrase in found if phrase not in known.polite)
    same = known.yes if answers and answers[0] in known.yes else known.no
    understood = known.yes | known.no | known.unclear | known.polite
    if not found or sum(map(len, found)) < len(words) or not understood.issuperset(found):
        return None, ()
    return (None, found[0]) if not answers or not same.issuperset(answers) else _read(words, known)


def _skip(words: Sequence[_Token], at: int, phrases: frozenset[Phrase]) -> int:
    while phrase := _longest(words, at, phrases):
        at += len(phrase)
    return at


def _longest(words: Sequence[_Token], at: int, phrases: frozenset[Phrase]) -> Phrase:
    for length in range(min(_longest_phrase(), len(words) - at), 0, -1):
        phrase = tuple(word.text for word in words[at : at + length])
        if phrase in phrases:
            return phrase
    return ()


def _codes(
    tokens: Sequence[_Token], words: Sequence[_Token], lead: Phrase, language: str | None
) -> tuple[tuple[int, ...], bool]:
    marked = tuple(token.number for token in tokens if token.number is not None and token.marked)
    if marked:
        return _distinct(marked), True
    numbers = tuple(token.number for token in tokens if token.number is not None)
    polite = _vocabulary("en" if language is None else _primary(language)).polite
    nothing_else = _skip(words, _skip(words, 0, polite) + len(lead), polite) >= len(words)
    if nothing_else:
        return _distinct(numbers), bool(numbers)
    return _distinct(_beside(tokens, lead)), False


def _beside(tokens: Sequence[_Token], lead: Phrase) -> tuple[int, ...]:
    """The number just before or just after the answer."""
    texts = tuple(token.text for token in tokens)
    for at in range(len(texts) - len(lead) + 1) if lead else ():
        if texts[at : at + len(lead)] == lead:
            near = [*tokens[max(0, at - 1) : at], *tokens[at + len(lead) : at + len(lead) + 1]]
            return tuple(token.number for token in near if token.number is not None)
    return ()


def _distinct(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(numbers))


_TOKEN = re.compile(
    rf"(?P<other>\d+(?:[.:/-]\d+)+|\d{{7,}})|(?P<mark>#\s*)?(?P<number>\d{{1,6}})|{THUMB_UP}|{THUMB_DOWN}"
    r"|[^\W\d_](?:[^\W\d_]|[\u0900-\u0903\u093a-\u094f])*"  # the vowel signs of Devanagari are marks, not letters
)
_APOSTROPHES = re.compile("['’‘`´ʼ]")
_UNSEEN = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f]")  # skin tones and variation selectors


def _tokens(text: str) -> list[_Token]:
    folded = _folded("\n".join(line for line in text[:MAX_CHARACTERS].splitlines() if not line.startswith(">")))
    found: list[_Token] = []
    end = 0
    for match in _TOKEN.finditer(folded):
        between = folded[end : match.start()]
        end = match.end()
        number = None if match["number"] is None else int(match["number"])
        word = match["number"] or match.group()
        apart = between.strip(" ") != "" or match.group() in (THUMB_UP, THUMB_DOWN)
        found.append(_Token(word, apart, number, marked=match["mark"] is not None))
    return found


def _folded(text: str) -> str:
    """Case, width, accents, apostrophes and invisible characters gone: "Sí" and "si" are one word."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(filterfalse(_is_dropped, unicodedata.normalize("NFKD", folded)))
    return unicodedata.normalize("NFKC", _APOSTROPHES.sub("", _UNSEEN.sub("", plain)))


def _is_dropped(character: str) -> bool:
    """Accents, Arabic and Hebrew points, invisible characters; not Devanagari's signs, which spell the word."""
    return unicodedata.category(character) in ("Mn", "Cf") and not "\u0900" <= character <= "\u097f"


def _primary(language: str) -> str:
    code = language.replace("_", "-").split("-")[0].lower()
    return {"no": "nb", "nn": "nb"}.get(code, code)


@cache
def _file() -> dict[str, dict[str, list[str]]]:
    content: dict[str, dict[str, list[str]]] = json.loads(
        files(__package__).joinpath("vocabulary.json").read_text("utf-8")
    )
    return content


def _phrase_set(languages: Iterable[str], key: str) -> frozenset[Phrase]:
    return frozenset(_phrase(text) for code in languages for text in _file().get(code, {}).get(key, ()))


def _phrase(text: str) -> Phrase:
    return tuple(token.text for token in _tokens(text))


@cache
def _longest_phrase() -> int:
    return max(len(_phrase(text)) for words in _file().values() for phrases in words.values() for text in phrases)


@cache
def _own_vocabulary(*languages: str) -> _Words:
    return _Words(
        yes=_phrase_set(languages, "yes") | {(THUMB_UP,)},
        no=_phrase_set(languages, "no") | {(THUMB_DOWN,)},
        unclear=_phrase_set(languages, "unclear"),
        polite=_phrase_set(languages, "polite"),
        goes_on=_phrase_set(languages, "goes on"),
        doubt=_phrase_set(languages, "doubt"),
        alone=_phrase_set(languages, "alone"),
    )


@cache
def _vocabulary(language: str) -> _Words:
    """The words of a language and English; where they disagree on a word, the language's own meaning counts."""
    both, own = _own_vocabulary(language, "en"), _own_vocabulary(language)
    yes = (both.yes - own.no - own.unclear) | own.yes
    no = (both.no - own.yes - own.unclear) | own.no
    return _Words(yes, no, both.unclear - own.yes, both.polite - own.yes - own.no, both.goes_on, both.doubt, both.alone)


@cache
def _english_among_all() -> _Words:
    """English, wary of the doubts that any other language might add to its words ("ok, pas maintenant")."""
    english = _own_vocabulary("en")
    doubts = _own_vocabulary(*_file()).doubt - _phrase_set(["en"], "elsewhere")
    return _Words(
        english.yes, english.no, english.unclear, english.polite, english.goes_on, doubts | english.doubt, english.alone
    )
