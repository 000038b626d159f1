"""Files for translators, written from what waits and read back: by HTTP and by command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.core import TocsinError
from service.messages.translation_files import (
    ExportedText,
    ReturnedText,
    TranslationFormat,
    nearest_translation,
    read_translations,
    written_translations,
)
from service.messages.translations import TRANSLATION_SUPPLIED, Translations, WantedTranslation, check_pieces

MAX_KNOWN = 5_000
"""Translations of people among which similar texts are looked for."""

MAX_TEXTS = 10_000
"""Texts of one file."""

Pair = tuple[str, str]
"""The language of the texts, and that of the readers."""


class DoesNotFit(TocsinError):
    """Translations of a file that cannot be supplied; `faults` are all of them, by the id of the text."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{name}: {fault}" for name, fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class TranslationExport:
    """A file, and how many texts it holds."""

    content: str
    texts: int


@dataclass(frozen=True, slots=True)
class TranslationImport:
    """How many translations of a file are supplied, and how many nobody has looked at."""

    supplied: int
    left_out: int


def export_texts(translations: Translations, status: str, pair: Pair, form: TranslationFormat) -> TranslationExport:
    """What waits, or what people supplied, from one language into one other: at most `MAX_TEXTS`."""
    known = [text for _, text in _all(translations, TRANSLATION_SUPPLIED, pair, MAX_KNOWN)]
    texts = [
        ExportedText(
            name, text, None if status == TRANSLATION_SUPPLIED else nearest_translation(text.source_text, known)
        )
        for name, text in _all(translations, status, pair, MAX_TEXTS)
    ]
    return TranslationExport(written_translations(texts, *pair, form), len(texts))


def import_texts(translations: Translations, content: bytes, by: str, *, dry_run: bool = False) -> TranslationImport:
    """Supply the translations of a file, unless one of them does not fit: `NotReadable`, `DoesNotFit`.

    Those that are fuzzy (.po) or initial (XLIFF) are left out: nobody has looked at them.
    """
    entries = read_translations(content)
    sure = [each for each in entries if not each.in_doubt]
    faults = [(each.id, fault) for each in sure if (fault := _fault(translations, each)) is not None]
    if faults:
        raise DoesNotFit(faults)
    if not dry_run:
        for each in sure:
            translations.supply(each.id, each.text, by)
    return TranslationImport(len(sure), len(entries) - len(sure))


def _fault(translations: Translations, returned: ReturnedText) -> str | None:
    wanted = translations.wanted(returned.id) if returned.id else None
    if not returned.id:
        return f"{returned.source_text[:40]!r} has no msgctxt, which says what it translates: keep that of the export"
    if wanted is None:
        return "there is no text with this id: export the file from this installation"
    if " ".join(returned.source_text.split()) != " ".join(wanted.source_text.split()):
        return "the text in the file is not the one that waits: translate what was exported"
    try:
        check_pieces(wanted.source_text, returned.text)
    except TocsinError as error:
        return str(error)
    return None


def _all(translations: Translations, status: str, pair: Pair, most: int) -> Iterator[tuple[str, WantedTranslation]]:
    cursor: str | None = None
    while most > 0:
        page = translations.listed(status, cursor=cursor, limit=500)
        of_pair = [(name, text) for name, text in page.items if (text.source, text.target) == pair][:most]
        yield from of_pair
        most -= len(of_pair)
        cursor = page.cursor
        if cursor is None:
            return
