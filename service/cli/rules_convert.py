"""`tocsin rules import` and `export`: rules from and to other notations."""

from __future__ import annotations

import re
from pathlib import Path

import click

from service.cli.rule_files import RULE_FILE, sound
from service.cli.spreadsheets import as_csv
from service.decide import drl
from service.decide.tables import export


@click.command("import")
@click.argument("file", type=RULE_FILE)
@click.option("--sheet", help="Which sheet of an Excel workbook; the first if left out.")
@click.option("--name", help="What the ruleset is called; the file's name if left out.")
def import_rules(file: Path, sheet: str | None, name: str | None) -> None:
    """Convert a Drools file or an Excel sheet.

    A Drools file (.drl) is printed as a rule file, an Excel sheet (.xlsx) as the CSV of a decision table.
    """
    match file.suffix.lower():
        case ".drl":
            click.echo(drl.rule_file(_text(file), name or _name(file)), nl=False)
        case ".xlsx":
            click.echo(as_csv(file, sheet), nl=False)
        case other:
            raise click.BadParameter(f"{file} ends with {other!r}; what can be imported: .drl, .xlsx")


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not UTF-8 (byte {error.start}): save it as UTF-8") from error


def _name(file: Path) -> str:
    """`AutoInsurancePremium.drl` is the ruleset `auto-insurance-premium`."""
    return (
        re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", file.stem).lower()).strip("-") or "imported"
    )


@click.command("export")
@click.argument("file", type=RULE_FILE)
@click.option("--csv", "as_table", is_flag=True, required=True, expose_value=False, help="As a decision table.")
def export_rules(file: Path) -> None:
    """Print the rules of a file as a decision table."""
    click.echo(export.as_csv(sound(file)), nl=False)
