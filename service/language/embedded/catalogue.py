"""Translations that a person reviewed: one gettext file a language, `templates/catalogues/<language>.po`.

A msgid is an English sentence (or whole text) in the spelling of `slots`: `The shop closes on {date1}.` Its msgstr uses
the same slots and placeholders, in any order. Entries marked fuzzy are not reviewed and are not used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polib

from service.core import (
    CannotRead,
    Tag,
    TocsinError,
    UnknownTag,
    best_match,
    parse_tag,
    placeholders,
    plain_files,
    serves,
)
from service.language.embedded.slots import CatalogueSentence, Slotted, find_slots, is_wordless, placeholder, plainly
from service.language.masking import OF_EMOJI
from service.language.protocols import CATALOGUE, NotTranslated, Translation

WRITTEN_IN = Tag("en")
"""The language of every msgid."""

MAX_BYTES = 64 * 1024 * 1024
"""Size of one catalogue."""

_SLOT = re.compile(rf"{placeholders.PATTERN}|\{{[a-z]+\d+\}}")
_LINE = re.compile(r'(?:#.*|(?:(?:msgid|msgstr)\s+)?"(?:[^"\\]|\\.)*")?')
_BETWEEN_SENTENCES = re.compile(r"((?<=[.!?])\s+|(?<!\s)\s*\n\s*)")
_BULLET = re.compile(r"\s*+(?:(?:[-*•‣▪–]|[\ue000-\uf8ff][.)])[ \t]++)?+")
_GREETED = re.compile(r"((?:Hello|Hi|Dear) [\ue000-\uf8ff],)(\s+)(.+)", re.DOTALL)
_GREETS_A_VARIABLE = re.compile(rf"(Hello|Hi|Dear) ({placeholders.PATTERN}),")
_ITALIAN_ARTICLE = re.compile(r"\b(I|i|a|da|de|ne|su)l (?=(?:8|11)\b)")
_ITALIAN_WEEKDAY = re.compile(r"\b(il|al|dal) (?=(?:lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica)\b)")
_PORTUGUESE_WEEKDAY = re.compile(r"\bem (?=(?:(segunda|terça|quarta|quinta|sexta)-feira|sábado|domingo)\b)")


class CatalogueError(TocsinError):
    """Catalogues hold faults; every one is told as file:line."""


@dataclass(slots=True)
class Catalogues:
    """`Translator` from reviewed sentences, by language."""

    by_language: Mapping[Tag, Mapping[str, str]]

    def over(self, others: Catalogues) -> Catalogues:
        """These sentences, and those of the others that are not among them."""
        languages = {**others.by_language, **self.by_language}
        return Catalogues(
            {tag: {**others.by_language.get(tag, {}), **self.by_language.get(tag, {})} for tag in languages}
        )

    def replace_with(self, others: Catalogues) -> None:
        """Be these sentences from now on: the folder was edited."""
        self.by_language = others.by_language

    def translate(self, text: str, source: Tag, target: Tag, /) -> Translation | NotTranslated:
        """The reviewed whole text, or all its sentences if every one is known; else what is unknown."""
        by_language = self.by_language  # the same ones to the end, whatever is edited meanwhile
        language = best_match(target, by_language)
        if language is None or not serves(source, WRITTEN_IN):
            return NotTranslated(f"there is no catalogue from {source} to {target}")
        slotted = find_slots(text)
        if slotted is None:
            return NotTranslated("the text holds private-use characters")
        known = by_language[language]
        whole = _fill(slotted.sentence(slotted.coded), known, target)
        if whole is not None:
            return Translation(whole, language, CATALOGUE)
        return self._by_sentence(slotted, known, language, target)

    def keys(self, text: str, source: Tag, /) -> Sequence[str]:
        """Under what the sentences of a text, and the whole, may be known; none for a language that is not read."""
        return sentences(text) if serves(source, WRITTEN_IN) else ()

    def generalised(self, text: str, translation: str, source: Tag, target: Tag, /) -> tuple[str, str] | None:
        """A text and its translation with slots for what is in both; None where the translation says it otherwise."""
        slotted = find_slots(text) if serves(source, WRITTEN_IN) else None
        return None if slotted is None else _generalised(slotted.sentence(slotted.coded), translation, target)

    def translate_with(
        self, known: Mapping[str, str], text: str, source: Tag, target: Tag, /
    ) -> Translation | NotTranslated:
        """Translate as if these sentences stood in the catalogue of the reader's language too."""
        language = best_match(target, self.by_language) or target
        more = {target: {**self.by_language.get(language, {}), **known}}
        return Catalogues(more).translate(text, source, target)

    def _by_sentence(
        self, slotted: Slotted, known: Mapping[str, str], language: Tag, reader: Tag
    ) -> Translation | NotTranslated:
        parts: list[str] = []
        unknown: list[str] = []
        for coded in _BETWEEN_SENTENCES.split(slotted.coded):
            translation = slotted.written(coded, reader) if is_wordless(coded) else _said(coded, slotted, known, reader)
            if translation is None:
                unknown.append(slotted.sentence(coded).key)
            else:
                parts.append(translation)
        if unknown:
            return NotTranslated(f"not in the {language} catalogue: {' | '.join(unknown)}")
        return Translation("".join(parts), language, CATALOGUE)


def _generalised(sentence: CatalogueSentence, translation: str, target: Tag) -> tuple[str, str] | None:
    pattern = translation.strip()
    for spelt, slot in sentence.slots.items():
        written = slot.written(target)
        alone = _alone(written)
        if len(alone.findall(pattern)) != 1:
            return None
        pattern = alone.sub(lambda _: spelt, pattern)  # noqa: B023
    key = sentence.key
    return (key, pattern) if Counter(_SLOT.findall(key)) == Counter(_SLOT.findall(pattern)) else None


def _alone(written: str) -> re.Pattern[str]:
    """A piece where it is no part of a longer word or number."""
    return re.compile(rf"(?<![\w.,]){re.escape(written)}(?!\w|[.,]\d)")


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text in a catalogue's spelling, as they may be looked up."""
    slotted = find_slots(text)
    if slotted is None:
        return ()
    parts = [_around(part)[1] for part in _BETWEEN_SENTENCES.split(slotted.coded) if not is_wordless(part)]
    parts += [greeted[number] for part in parts if (greeted := _GREETED.fullmatch(part)) for number in (1, 3)]
    spelt = (candidate for part in parts for candidate, _ in spellings(part))
    return tuple(dict.fromkeys(slotted.sentence(each).key for each in (slotted.coded, *spelt)))


def _around(coded: str) -> tuple[str, str, str]:
    """What stands before a sentence, such as a bullet, the sentence, and what stands behind it, such as a picture."""
    bullet = _BULLET.match(coded)
    begin = 0 if bullet is None else bullet.end()
    end = len(coded)
    while begin < end and _is_apart(coded[begin]):
        begin += 1
    while end > begin and _is_apart(coded[end - 1]):
        end -= 1
    return coded[:begin], coded[begin:end], coded[end:]


def _is_apart(character: str) -> bool:
    return character.isspace() or OF_EMOJI.match(character) is not None


_SMALL_IN_GERMAN = frozenset(
    (
        "Am",
        "Bitte",
        "Das",
        "Der",
        "Die",
        "Diese",
        "Dieser",
        "Dieses",
        "Ein",
        "Eine",
        "Es",
        "Im",
        "Um",
        "Wir",
        "Zum",
        "Zur",
    )
)
"""Words that German writes small within a sentence. Nouns are not, nor is the polite Sie."""


def spellings(coded: str) -> Iterator[tuple[str, Callable[[str, Tag], str]]]:
    """Ways in which a catalogue may have a sentence, each with what makes its translation that of the sentence."""
    yield coded, lambda translation, _: translation
    mark = coded[-1] if coded[-1] in ".!" else ""
    bare = coded[:-1].rstrip() if mark else coded
    small = coded[:1].islower()
    for written in dict.fromkeys((bare, bare[:1].upper() + bare[1:])):
        for end in (".", "!", ""):
            yield f"{written}{end}", lambda translation, reader: _ended(translation, mark, reader, small=small)


def _ended(translation: str, mark: str, reader: Tag, *, small: bool) -> str:
    """A translation with the mark that its sentence has, or with none; what goes on after a greeting begins small."""
    bare = translation[:-1].rstrip() if translation.endswith((".", "!")) else translation
    if small and reader.language != "de" and translation[1:2].islower():
        bare = bare[:1].lower() + bare[1:]
    return f"{bare} !" if mark == "!" and reader.language == "fr" else f"{bare}{mark}"


def _small_in_german(text: str) -> str:
    return text[:1].lower() + text[1:] if text.split(" ", maxsplit=1)[0] in _SMALL_IN_GERMAN else text


def _said(coded: str, slotted: Slotted, known: Mapping[str, str], reader: Tag) -> str | None:
    """One sentence as a reader reads it, with what stands before and behind it."""
    before, sentence, after = _around(coded)
    translation = _spelt(sentence, slotted, known, reader)
    if translation is None and (greeted := _GREETED.fullmatch(sentence)):
        hello, rest = (_spelt(greeted[number], slotted, known, reader) for number in (1, 3))
        if hello is not None and rest is not None:
            goes_on = _small_in_german(rest) if greeted[3][:1].islower() and reader.language == "de" else rest
            translation = f"{hello}{greeted[2]}{goes_on}"
    return (
        None
        if translation is None
        else f"{slotted.written(before, reader)}{translation}{slotted.written(after, reader)}"
    )


def _spelt(coded: str, slotted: Slotted, known: Mapping[str, str], reader: Tag) -> str | None:
    for candidate, finished in spellings(coded):
        filled = _fill(slotted.sentence(candidate), known, reader)
        if filled is not None:
            return finished(filled, reader)
    return None


def read_catalogues(directory: Path) -> Catalogues:
    """All `*.po` of a directory; `CatalogueError` with every fault of every file."""
    faults: list[str] = []
    by_language: dict[Tag, Mapping[str, str]] = {}
    for path in plain_files.named(directory, ".po"):
        try:
            by_language[parse_tag(path.stem)] = _read(path, faults)
        except UnknownTag as error:
            faults.append(f"{path}:1: {error}")
    if faults:
        raise CatalogueError("\n".join(faults))
    return Catalogues(by_language)


def _read(path: Path, faults: list[str]) -> Mapping[str, str]:
    try:
        content = plain_files.read_text(path, MAX_BYTES)
        _check_lines(path, content)
        file = polib.pofile(content)
    except UnicodeDecodeError as error:
        faults.append(f"{path}:1: not UTF-8: {error}")
        return {}
    except (CatalogueError, CannotRead, OSError) as error:
        line = re.search(r"line (\d+)", str(error))
        faults.append(str(error) if line is None else f"{path}:{line[1]}: not gettext: {error}")
        return {}
    known: dict[str, str] = {}
    first_lines: dict[str, int] = {}
    for entry in file:
        if entry.obsolete or entry.fuzzy or not entry.msgstr:
            continue
        errors = [*_faults(entry.msgid, entry.msgstr)]
        if entry.msgid in known:
            errors.append(f"stands in line {first_lines[entry.msgid]} already: {entry.msgid!r}")
        faults += [f"{path}:{entry.linenum}: {fault}" for fault in errors]
        known[entry.msgid] = entry.msgstr
        first_lines.setdefault(entry.msgid, entry.linenum or 1)
    return known


def _check_lines(path: Path, content: str) -> None:
    """polib reads a string that lacks its closing quote as one character less, so lines are checked first."""
    faulty = [number for number, line in enumerate(content.splitlines(), 1) if not _LINE.fullmatch(line.strip())]
    if faulty:
        message = 'write msgid or msgstr and a text in "…", quotes in it as \\", or # and a comment'
        raise CatalogueError("\n".join(f"{path}:{number}: {message}" for number in faulty))


def _faults(msgid: str, msgstr: str) -> Iterator[str]:
    yield from _spelling_faults(msgid)
    wanted, used = Counter(_SLOT.findall(msgid)), Counter(_SLOT.findall(msgstr))
    if lost := sorted((wanted - used).elements()):
        yield f"the translation lacks {', '.join(lost)}"
    if extra := sorted((used - wanted).elements()):
        yield f"the translation has {', '.join(extra)}, which the source has not (or not as often)"


def _spelling_faults(msgid: str) -> Iterator[str]:
    """Why no text could ever be looked up as this msgid."""
    for literal in _SLOT.split(msgid):
        slotted = find_slots(literal)
        for slot in slotted.slots if slotted else ():
            yield f"write {{{slot.kind}1}} (or 2, 3, …) for {slot.written(WRITTEN_IN)!r}: texts are looked up that way"
    if (plain := plainly(msgid)) != msgid:
        yield f"use straight quotes and single spaces: {plain!r}"
    counts: Counter[str] = Counter()
    for slot in _SLOT.findall(msgid):
        if not slot.startswith("{{"):
            counts[kind := slot.strip("{}0123456789")] += 1
        canonical = placeholder(slot) if slot.startswith("{{") else f"{{{kind}{counts[kind]}}}"
        if canonical != slot:
            yield f"write {canonical} for {slot}: slots are numbered by kind in the order of the source"


def _fill(sentence: CatalogueSentence, known: Mapping[str, str], reader: Tag) -> str | None:
    translated, slots = known.get(sentence.key), sentence.slots
    if translated is None and (greeting := _GREETS_A_VARIABLE.fullmatch(sentence.key)):
        translated, slots = known.get(f"{greeting[1]} {{name1}},"), {"{name1}": slots[greeting[2]]}
    if translated is None:
        return None
    filled = _SLOT.sub(lambda match: slots[match[0]].written(reader), translated)
    return _with_articles(filled, reader)


def _with_articles(text: str, reader: Tag) -> str:
    """The text with the articles that its days want: `il 8 maggio` → `l'8 maggio`, `em sábado` → `no sábado`."""
    match reader.language:
        case "it":
            named = _ITALIAN_WEEKDAY.sub(lambda match: {"il": "", "al": "a ", "dal": "da "}[match[1]], text)
            return _ITALIAN_ARTICLE.sub(_elided, named)
        case "pt":
            return _PORTUGUESE_WEEKDAY.sub(lambda match: "na " if match[1] else "no ", text)
        case _:
            return text


def _elided(article: re.Match[str]) -> str:
    """The Italian article before 8 and 11: `il 8 maggio` → `l'8 maggio`, `dal 11` → `dall'11`."""
    stem = article[1]
    return {"i": "l'", "I": "L'"}.get(stem, f"{stem}ll'")
