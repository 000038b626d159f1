"""`tocsin recipients`: bringing people in from files, and finding them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from service import config
from service.cli.arguments import country
from service.core import exact_json, timestamp
from service.notify import lists
from service.recipients import (
    CheckedProfiles,
    ImportProgress,
    ProfileRules,
    Recipient,
    check_profiles,
    read_file,
    refused_rows,
    store_profiles,
)
from service.wiring import Messaging, Service


@click.group()
def recipients() -> None:
    """Import and find people, and see what they were sent."""


@recipients.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--audience", help="Whom rows without an `audience` of their own belong to.")
@click.option("--country", callback=country, help="Whose national phone numbers are read, such as GB.")
@click.option("--partial", is_flag=True, help="Store the rows that fit although others do not.")
@click.option("--dry-run", is_flag=True, help="Look at every row and store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_file(
    file: Path, audience: str | None, country: str | None, partial: bool, dry_run: bool, as_json: bool
) -> None:
    """Store the profiles of a spreadsheet or a JSON list.

    A spreadsheet is a .csv, .tsv or .xlsx file. Exits with 1 if a row was refused.

    The first line names the columns: user_id, first_name, email, phone, language, preference, voice_locale, timezone,
    audience. Commas, semicolons and tabs, UTF-8, UTF-16 and Windows-1252 are read. Nothing is stored unless every row
    fits, or with --partial what does. Importing a file twice changes nothing.
    """
    messaging = Service(config.load()).messaging
    looked = looked_at(file, messaging.profiles, country, quiet=as_json)
    stores = not dry_run and (partial or not looked.refused)
    if stores:
        with _bar("Storing", len(looked.rows), quiet=as_json) as advance:
            store_profiles(looked.rows, messaging.directory, audience, advance)
    report(looked, len(looked.rows) if stores else 0, dry_run=dry_run, as_json=as_json)
    if looked.refused:
        raise SystemExit(1)


@recipients.command("list")
@click.option("--search", help="Only those whose id or first name holds this, in any case.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_recipients(search: str | None, limit: int, as_json: bool) -> None:
    """List recipients, by id."""
    people = _found(_messaging(), search, limit)
    if as_json:
        click.echo(exact_json.dumps({"items": [person.as_json() for person in people]}))
        return
    for person in people:
        click.echo(f"{person.user_id}  {person.first_name or '-'}  {person.language}  {person.preference}")


@recipients.command()
@click.argument("user_id")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many at most.")
def deliveries(user_id: str, limit: int) -> None:
    """List what one person was sent, newest first."""
    page = lists.deliveries_to(_messaging().store, user_id, None, limit)
    for delivery in page.items:
        at = timestamp(delivery.changed_at) if delivery.changed_at else "-"
        detail = f"  {delivery.detail}" if delivery.detail else ""
        click.echo(f"{at}  {delivery.status:<17}  {delivery.channel or '-':<5}  {delivery.notification_id}{detail}")
    if not page.items:
        click.echo("Nothing was sent to them.", err=True)


def looked_at(file: Path, rules: ProfileRules, country: str | None, *, quiet: bool) -> CheckedProfiles:
    """Every row of a file, with a bar while it is read."""
    raw = file.read_bytes()
    with _bar("Checking", raw.count(b"\n"), quiet=quiet) as advance:
        return check_profiles(read_file(file.name, raw, rules, country), advance)


def report(looked: CheckedProfiles, stored: int, *, dry_run: bool, as_json: bool) -> None:
    """Say what was stored, and what is wrong with the rows that do not fit."""
    if as_json:
        click.echo(exact_json.dumps(_document(looked, stored)))
        return
    for row in looked.refused:
        for fault in row.faults:
            click.echo(f"row {row.number}: {fault.path}: {fault.message}", err=True)
    click.echo(f"Read as {looked.read_as}.", err=True)
    click.echo(f"rows stored: {stored}, refused: {len(looked.refused)}")
    if dry_run:
        click.echo(f"This was a dry run: {len(looked.rows)} rows fit, and nothing is stored.", err=True)
    elif looked.refused and not stored:
        hint = f"{len(looked.rows)} rows fit, but nothing is stored: mend the others, or say --partial."
        click.echo(hint, err=True)


def _document(looked: CheckedProfiles, stored: int) -> Mapping[str, object]:
    fit = len(looked.rows)
    return {"read_as": looked.read_as, "fit": fit, "stored": stored, "refused": refused_rows(looked.refused)}


@contextmanager
def _bar(what: str, total: int, *, quiet: bool) -> Iterator[ImportProgress]:
    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task(what, total=total or None)
        yield lambda rows: progress.advance(task, rows)


def _messaging() -> Messaging:
    return Service(config.load()).messaging


def _found(messaging: Messaging, search: str | None, limit: int) -> Sequence[Recipient]:
    people, cursor = list[Recipient](), None
    while True:
        page = messaging.directory.search(search, cursor, limit - len(people))
        people += page.items
        cursor = page.cursor
        if cursor is None or len(people) >= limit:
            return people
