"""`tocsin translations export|import`: what waits for a translation, as a file that translators work with."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO, get_args

import click

from service import config
from service.core.errors import TocsinError
from service.core.language_tags import UnknownTag, parse_tag
from service.messages import (
    TRANSLATION_MISSING,
    TRANSLATION_SUPPLIED,
    ExportedText,
    NotReadable,
    ReturnedText,
    TranslationFormat,
    Translations,
    WantedTranslation,
    check_pieces,
    nearest_translation,
    read_translations,
    written_translations,
)
from service.wiring import Service

MAX_KNOWN = 5_000
"""Translations of people among which similar texts are looked for."""


@click.command("export")
@click.option("--language", required=True, help="The language of the readers, such as de.")
@click.option("--source", default="en", show_default=True, help="The language of the texts.")
@click.option("--format", "form", type=click.Choice(get_args(TranslationFormat)), default="po", show_default=True)
@click.option(
    "--status",
    type=click.Choice([TRANSLATION_MISSING, TRANSLATION_SUPPLIED]),
    default=TRANSLATION_MISSING,
    show_default=True,
)
@click.option("--output", "-o", type=click.File("w", encoding="utf-8"), default="-", help="Default: standard output.")
def export_translations(language: str, source: str, form: TranslationFormat, status: str, output: TextIO) -> None:
    """Write what waits for a translation into a file: .po, or XLIFF 2.0.

    What a machine says stands in it as a draft (fuzzy, state initial), and a similar text with its translation.
    """
    pair = _tag(source), _tag(language)
    translations = Service(config.load()).messaging.translations
    known = [text for _, text in _all(translations, TRANSLATION_SUPPLIED, pair)][:MAX_KNOWN]
    found = [
        ExportedText(
            name, text, None if status == TRANSLATION_SUPPLIED else nearest_translation(text.source_text, known)
        )
        for name, text in _all(translations, status, pair)
    ]
    output.write(written_translations(found, *pair, form))
    click.echo(f"{len(found)} {status} from {pair[0]} into {pair[1]}.", err=True)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what is wrong with the file, and supply nothing.")
def import_translations(file: Path, dry_run: bool) -> None:
    """Supply the translations of a file that was exported; nothing is supplied unless all of them fit.

    Entries that are fuzzy (.po) or initial (XLIFF) are left out: nobody has looked at them.
    """
    translations = Service(config.load()).messaging.translations
    try:
        entries = read_translations(file.read_bytes())
    except NotReadable as error:
        raise click.ClickException(f"{file}: {error}") from error
    sure = [each for each in entries if not each.in_doubt]
    faults = [f"{each.id}: {fault}" for each in sure if (fault := _fault(translations, each)) is not None]
    if faults:
        raise click.ClickException("\n".join([*faults, "Nothing was supplied."]))
    if not dry_run:
        for each in sure:
            translations.supply(each.id, each.text, getpass.getuser())
    left_out = len(entries) - len(sure)
    said = "fit" if dry_run else "supplied: whoever waits gets their copy now"
    click.echo(f"{len(sure)} {said}." + (f" {left_out} left out, nobody has looked at them." if left_out else ""))


def _fault(translations: Translations, said: ReturnedText) -> str | None:
    wanted = translations.wanted(said.id)
    if wanted is None:
        return "there is no text with this id: export the file from this installation"
    if " ".join(said.source_text.split()) != " ".join(wanted.source_text.split()):
        return "the text in the file is not the one that waits: translate what was exported"
    try:
        check_pieces(wanted.source_text, said.text)
    except TocsinError as error:
        return str(error)
    return None


def _all(translations: Translations, status: str, pair: tuple[str, str]) -> Iterator[tuple[str, WantedTranslation]]:
    cursor: str | None = None
    while True:
        page = translations.listed(status, cursor=cursor, limit=500)
        yield from _of_pair(page.items, pair)
        cursor = page.cursor
        if cursor is None:
            return


def _of_pair(
    items: Sequence[tuple[str, WantedTranslation]], pair: tuple[str, str]
) -> Sequence[tuple[str, WantedTranslation]]:
    return [(name, text) for name, text in items if (text.source, text.target) == pair]


def _tag(name: str) -> str:
    try:
        return str(parse_tag(name))
    except UnknownTag as error:
        raise click.ClickException(f"{name}: {error}") from error
