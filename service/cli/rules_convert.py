"""`tocsin rules import` and `export`: rules from and to other notations."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.rule_files import RULE_FILE, sound
from service.cli.spreadsheets import as_csv
from service.decide.tables import export


@click.command("import")
@click.argument("file", type=RULE_FILE)
@click.option("--sheet", help="Which sheet of an Excel workbook; the first if left out.")
def import_rules(file: Path, sheet: str | None) -> None:
    """Print an Excel sheet (.xlsx) as the CSV that a rule file's table: names."""
    match file.suffix.lower():
        case ".xlsx":
            click.echo(as_csv(file, sheet), nl=False)
        case other:
            raise click.BadParameter(f"{file} ends with {other!r}; what can be imported: .xlsx")


@click.command("export")
@click.argument("file", type=RULE_FILE)
@click.option("--csv", "as_table", is_flag=True, required=True, expose_value=False, help="As a decision table.")
def export_rules(file: Path) -> None:
    """Print the rules of a file as a decision table."""
    click.echo(export.as_csv(sound(file)), nl=False)
