"""`tocsin recipients`: bringing people in from files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from service import config
from service.core import exact_json
from service.recipients import MAX_AT_ONCE, Directory
from service.recipients.files import RefusedRow, Row, read_rows
from service.wiring.app import Service


@click.group()
def recipients() -> None:
    """Bring recipients in."""


@recipients.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--audience", help="Whom rows without an `audience` of their own belong to.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_file(file: Path, audience: str | None, as_json: bool) -> None:
    """Store the profiles of a CSV file (first line: column names) or a JSON list; exit 1 if a row was refused.

    Columns: user_id, first_name, email, phone, language, preference, voice_locale, timezone, audience. Rows that do
    not fit are reported with every fault and left out; the others are stored. Importing a file twice changes nothing.
    """
    messaging = Service(config.load()).messaging
    rows = read_rows(file, messaging.profiles)
    stored, refused = 0, list[RefusedRow]()
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:
        task = progress.add_task(file.name, total=None)
        while batch := list(islice(rows, MAX_AT_ONCE)):
            refused += [row for row in batch if isinstance(row, RefusedRow)]
            stored += _store([row for row in batch if isinstance(row, Row)], messaging.directory, audience)
            progress.advance(task, len(batch))
    _report(stored, refused, as_json)
    if refused:
        raise SystemExit(1)


def _store(rows: list[Row], directory: Directory, audience: str | None) -> int:
    def belongs(row: Row) -> str:
        return row.audience or audience or ""

    for name, group in groupby(sorted(rows, key=belongs), belongs):
        everyone = [row.recipient for row in group]
        if name:
            directory.add(name, everyone)
        else:
            directory.put_all(everyone)
    return len(rows)


def _report(stored: int, refused: list[RefusedRow], as_json: bool) -> None:
    if as_json:
        faults = [{"row": row.number, "errors": list(_faults(row))} for row in refused]
        click.echo(exact_json.dumps({"stored": stored, "refused": faults}))
        return
    for row in refused:
        for fault in row.faults:
            click.echo(f"row {row.number}: {fault.path}: {fault.message}", err=True)
    click.echo(f"rows stored: {stored}, refused: {len(refused)}")


def _faults(row: RefusedRow) -> Iterator[dict[str, object]]:
    return ({"path": fault.path, "message": fault.message} for fault in row.faults)
