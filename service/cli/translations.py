"""`tocsin translations`: texts that nothing here translates, and a person's translation of them."""

from __future__ import annotations

import getpass
from typing import Literal

import click

from service import config
from service.cli.translation_files import export_translations, import_translations
from service.cli.translation_models import models
from service.core import exact_json, timestamp
from service.http import lists
from service.messages import TRANSLATION_MISSING, TRANSLATION_SUPPLIED, WantedTranslation
from service.notify import TRANSLATIONS, TranslationQuery
from service.storage import cursors
from service.wiring import Service


@click.group()
def translations() -> None:
    """List what waits for a translation, and supply it."""


translations.add_command(models)
translations.add_command(export_translations)
translations.add_command(import_translations)


@translations.command("list")
@click.option(
    "--status",
    type=click.Choice([TRANSLATION_MISSING, TRANSLATION_SUPPLIED]),
    default=TRANSLATION_MISSING,
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_translations(status: Literal["missing", "supplied"], as_json: bool) -> None:
    """List translations, the oldest first."""
    page = Service(config.load()).messaging.translations.listed(status, limit=500)
    if as_json:
        items = [{"id": name, **_shown(wanted)} for name, wanted in page.items]
        name = lists.name_of(TRANSLATIONS, {}, TranslationQuery(status=status))
        click.echo(exact_json.dumps({"items": items, "next_cursor": cursors.for_list(name, page.cursor)}))
        return
    for name, wanted in page.items:
        click.echo(f"{name}  {wanted.source} → {wanted.target}, wanted since {timestamp(wanted.wanted_at)}")
        click.echo(f"    {wanted.source_text}")
        click.echo(f"    {wanted.text or 'not translated: ' + wanted.reason}")
    click.echo(f"{len(page.items)} {status}.", err=True)


@translations.command()
@click.argument("translation_id")
@click.argument("text")
def supply(translation_id: str, text: str) -> None:
    """Translate a text; everybody who waits for it is sent their copy."""
    supplied = Service(config.load()).messaging.translations.supply(translation_id, text, getpass.getuser())
    click.echo(f"{translation_id} ({supplied.source} → {supplied.target}) goes out now.")


def _shown(wanted: WantedTranslation) -> dict[str, object]:
    return {
        "source_text": wanted.source_text,
        "source": wanted.source,
        "target": wanted.target,
        "reason": wanted.reason,
        "wanted_at": timestamp(wanted.wanted_at),
        "text": wanted.text,
        "supplied_by": wanted.supplied_by,
    }
