"""`tocsin audiences`: listing, replacing and deleting them, and taking people out."""

from __future__ import annotations

from pathlib import Path

import click

from service import config
from service.cli.arguments import country
from service.cli.recipients import looked_at, report
from service.core import exact_json, timestamp
from service.recipients import AudienceRecord
from service.wiring import Messaging, Service


@click.group()
def audiences() -> None:
    """List, replace and delete audiences.

    You can also take people out of one.
    """


@audiences.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_audiences(as_json: bool) -> None:
    """List every audience."""
    directory = _messaging().directory
    records, cursor = list[AudienceRecord](), None
    while True:
        page = directory.audiences.listed(cursor, 200)
        records += page.items
        if (cursor := page.cursor) is None:
            break
    if as_json:
        items = [{"audience": record.name, "size": directory.size(record.name)} for record in records]
        click.echo(exact_json.dumps({"items": items}))
        return
    for record in records:
        changed = f"  since {timestamp(record.changed_at)}" if record.changed_at else ""
        click.echo(f"{record.name}  {directory.size(record.name)} people{changed}")
    if not records:
        click.echo("There are no audiences.", err=True)


@audiences.command()
@click.argument("audience")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--country", callback=country, help="Whose national phone numbers are read, such as GB.")
@click.option("--dry-run", is_flag=True, help="Look at every row and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replace(audience: str, file: Path, country: str | None, dry_run: bool, as_json: bool) -> None:
    """Replace an audience by the people of a file.

    Every row must fit. Exits with 1 if one does not.

    Whoever reads the audience meanwhile finds the old list or the new one, and never a part of either. An `audience`
    column is not looked at.
    """
    messaging = _messaging()
    looked = looked_at(file, messaging.profiles, country, quiet=as_json)
    stores = not dry_run and not looked.refused
    if stores:
        messaging.directory.replace(audience, [row.recipient for row in looked.rows])
    report(looked, len(looked.rows) if stores else 0, dry_run=dry_run, as_json=as_json)
    if looked.refused:
        raise SystemExit(1)


@audiences.command()
@click.argument("audience")
@click.argument("user_ids", nargs=-1, required=True, metavar="ID…")
def remove(audience: str, user_ids: tuple[str, ...]) -> None:
    """Take people out of an audience; their profiles stay.

    Exits with 1 if one does not belong to it.
    """
    directory = _messaging().directory
    strangers = [user_id for user_id in user_ids if not directory.leave(audience, user_id)]
    for user_id in strangers:
        click.echo(f"{user_id!r} does not belong to {audience!r}.", err=True)
    if strangers:
        raise SystemExit(1)


@audiences.command()
@click.argument("audience")
def delete(audience: str) -> None:
    """Delete an audience; the people's profiles stay."""
    if not _messaging().directory.audiences.delete(audience):
        raise click.ClickException(f"there is no audience {audience!r}: `tocsin audiences list` shows those that are")
    click.echo(f"{audience} is deleted.")


def _messaging() -> Messaging:
    return Service(config.load()).messaging
