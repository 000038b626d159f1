"""Rule files as arguments of commands."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service.decide import language, report
from service.decide.ruleset import Ruleset

RULE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def sound(file: Path) -> Ruleset:
    """The ruleset of a file that parses; else its findings are shown and the command ends with 1."""
    return sound_source(file.read_bytes(), str(file))


def sound_source(content: str | bytes, name: str) -> Ruleset:
    """`sound` for a text that is at hand; findings name it `name`."""
    parsed = language.parse(content)
    if parsed.ruleset is None:
        click.echo(report.render(parsed.findings, content, name), nl=False, err=True)
        sys.exit(1)
    return parsed.ruleset
