"""Files for translators over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Blueprint
from pydantic import Field

from service.core import Scope, UnknownTag, parse_tag
from service.http import ANYTHING, Answer, Caller, FieldError, Format, Query, Shown, endpoint, invalid
from service.messages import DoesNotFit, NotReadable, Translations, export_texts, import_texts

MAX_FILE_BYTES = 8 * 1024 * 1024
"""Size of a file that comes back; larger ones by `tocsin translations import`."""

MAX_FAULTS = 100
"""Faults of a file that an answer lists."""

_MEDIA_TYPES = {"po": "text/x-gettext-translation", "xliff": "application/xliff+xml"}


class TranslationExportQuery(Query):
    """Which texts, and the form of the file."""

    language: Annotated[str, Field(max_length=35, description="The language of the readers, such as de.")]
    source: Annotated[str, Field(max_length=35, description="The language of the texts.")] = "en"
    format: Annotated[Literal["po", "xliff"], Field(description="gettext, or XLIFF 2.0.")] = "po"
    status: Literal["missing", "supplied"] = "missing"


class TranslationImportQuery(Query):
    """Whether to supply what fits."""

    dry_run: Annotated[bool, Field(description="Say what is wrong with the file, and supply nothing.")] = False


class ImportedTranslations(Shown):
    """What was supplied (or would be), and how many entries nobody has looked at."""

    supplied: int
    left_out: int


def add_files(routes: Blueprint, translations: Translations) -> None:
    """`GET /v1/translations/export`, `POST /v1/translations/import`."""

    @endpoint(
        routes,
        "GET",
        "/v1/translations/export",
        summary="Export translations as a file",
        scope=Scope.REVIEW,
        query=TranslationExportQuery,
        answers={200: None},
        media_type="application/octet-stream",
    )
    def export_translations(query: TranslationExportQuery) -> Answer:
        """What waits for a translation into one language, for translators: at most 10,000 texts.

        A machine's draft stands in it as fuzzy (state initial), and a similar text that a person translated.
        """
        pair = _tag("source", query.source), _tag("language", query.language)
        content = export_texts(translations, query.status, pair, query.format).content
        return Answer(content, media_type=_MEDIA_TYPES[query.format])

    @endpoint(
        routes,
        "POST",
        "/v1/translations/import",
        summary="Supply the translations of a file",
        scope=Scope.REVIEW,
        body=[Format(media_type, lambda raw: raw) for media_type in (*_MEDIA_TYPES.values(), ANYTHING)],
        body_limit=MAX_FILE_BYTES,
        query=TranslationImportQuery,
        answers={200: ImportedTranslations},
    )
    def import_translations(body: bytes, query: TranslationImportQuery, caller: Caller) -> ImportedTranslations:
        """A file that was exported, .po or XLIFF 2.0. Nothing is supplied unless all of it fits.

        Entries that are fuzzy, or of the state initial, are left out: nobody has looked at them.
        """
        try:
            done = import_texts(translations, body, caller.app, dry_run=query.dry_run)
        except NotReadable as error:
            raise invalid([FieldError("body", str(error))]) from error
        except DoesNotFit as error:
            raise invalid([FieldError(name, fault) for name, fault in error.faults[:MAX_FAULTS]]) from error
        return ImportedTranslations(supplied=done.supplied, left_out=done.left_out)


def _tag(member: str, name: str) -> str:
    try:
        return str(parse_tag(name))
    except UnknownTag as error:
        raise invalid([FieldError(member, str(error))]) from error
