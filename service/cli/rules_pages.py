"""`tocsin rules docs`, `schema` and `fmt`: rule files for their readers, for editors, and tidied."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service import config
from service.cli.rule_files import RULE_FILE, sound
from service.core import exact_json
from service.decide import describe_page, fmt, schema_json, verify_ruleset
from service.rulesets import UnknownRuleset, rule_file


@click.command("docs")
@click.argument("files", nargs=-1, required=True, type=RULE_FILE)
@click.option("--history", is_flag=True, help="Add the published versions, from the store.")
def print_docs(files: tuple[Path, ...], history: bool) -> None:
    """Print a page about each file, in Markdown.

    It has the facts, the rules in words, the tests, and what is still open.
    """
    for file in files:
        ruleset = sound(file)
        versions = _history(ruleset.name) if history else []
        click.echo(describe_page.page(ruleset, verify_ruleset(ruleset), versions))


@click.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of rule files, for editors.

    Save it as rules.schema.json beside your rule files and begin each with the line
    # yaml-language-server: $schema=rules.schema.json
    """
    click.echo(exact_json.dumps(schema_json.schema()))
    if sys.stdout.isatty():
        click.echo(f"Save this as rules.schema.json; first line of a rule file: {schema_json.EDITOR_LINE}", err=True)


def _history(name: str) -> list[str]:
    from service.rulesets import Library
    from service.wiring import SYSTEM_CLOCK, open_store

    library = Library(open_store(config.load()), SYSTEM_CLOCK)
    try:
        versions = library.history(name, limit=100).items
    except UnknownRuleset:
        return []
    return [
        f"version {version.number}, {version.at:%Y-%m-%d %H:%M} by {version.author}: {version.comment}"
        for version in versions
    ]


@click.command("fmt")
@click.argument("files", nargs=-1, required=True, type=RULE_FILE)
@click.option("--check", is_flag=True, help="Change nothing; end with 1 if a file would change.")
def format_files(files: tuple[Path, ...], check: bool) -> None:
    """Give rule files their canonical layout.

    Sections come in order, facts are aligned, and blanks are where they belong.

    Comments and meaning stay as they are.
    """
    changed = [file for file in files if _format(file, check=check)]
    for file in changed:
        click.echo(f"{file} {'would change' if check else 'formatted'}")
    sys.exit(1 if check and changed else 0)


def _format(file: Path, *, check: bool) -> bool:
    """Whether the layout of a file that parses is not canonical; it is made so unless this is a check."""
    sound(file)
    read = rule_file.read(file)
    tidied = fmt.formatted(read.written, lambda name: read.inlined.rows if name == read.inlined.table else None)
    if tidied != read.written and not check:
        file.write_bytes(tidied.encode())
    return tidied != read.written


PAGES = (print_docs, print_schema, format_files)
"""The commands of this module."""
