"""`tocsin translations export|import`: what waits for a translation, as a file that translators work with."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TextIO, get_args

import click

from service import config
from service.core import UnknownTag, parse_tag
from service.messages import (
    TRANSLATION_MISSING,
    TRANSLATION_SUPPLIED,
    DoesNotFit,
    NotReadable,
    TranslationFormat,
    export_texts,
    import_texts,
)
from service.wiring import Service


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
    done = export_texts(Service(config.load()).messaging.translations, status, pair, form)
    output.write(done.content)
    click.echo(f"{done.texts} {status} from {pair[0]} into {pair[1]}.", err=True)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what is wrong with the file, and supply nothing.")
def import_translations(file: Path, dry_run: bool) -> None:
    """Supply the translations of an exported file.

    Nothing is supplied unless all of them fit.

    Entries that are fuzzy (.po) or initial (XLIFF) are left out: nobody has looked at them.
    """
    translations = Service(config.load()).messaging.translations
    try:
        done = import_texts(translations, file.read_bytes(), getpass.getuser(), dry_run=dry_run)
    except NotReadable as error:
        raise click.ClickException(f"{file}: {error}") from error
    except DoesNotFit as error:
        raise click.ClickException(f"{error}\nNothing was supplied.") from error
    outcome = "fit" if dry_run else "supplied: whoever waits gets their copy now"
    left_out = f" {done.left_out} left out, nobody has looked at them." if done.left_out else ""
    click.echo(f"{done.supplied} {outcome}.{left_out}")


def _tag(name: str) -> str:
    try:
        return str(parse_tag(name))
    except UnknownTag as error:
        raise click.ClickException(f"{name}: {error}") from error
