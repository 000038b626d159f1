"""`tocsin rules diff`: what changes for requests from one version to another."""

from __future__ import annotations

import re
from pathlib import Path

import click

from service import config
from service.cli.rule_files import as_json_option, sound
from service.core import exact_json
from service.decide import Ruleset, language
from service.decide import diff_rulesets as difference_of

_VERSION = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_-]*)@(?P<number>[0-9]{1,9})")


@click.command()
@click.argument("old")
@click.argument("new")
@as_json_option
def diff(old: str, new: str, as_json: bool) -> None:
    """Compare two versions by what they decide.

    It says for which requests NEW decides differently than OLD, each a file or a published version (premium@3).
    """
    difference = difference_of(_ruleset(old), _ruleset(new))
    click.echo(exact_json.dumps(difference.as_json()) if as_json else difference.as_text())


def _ruleset(named: str) -> Ruleset:
    if Path(named).is_file():
        return sound(Path(named))
    version = _VERSION.fullmatch(named)
    if version is None:
        raise click.BadParameter(f"{named!r} is neither a file nor a version such as premium@3")
    from service.rulesets import Library
    from service.wiring import SYSTEM_CLOCK, open_store

    library = Library(open_store(config.load()), SYSTEM_CLOCK)
    published = library.version(version["name"], int(version["number"]))
    ruleset = language.parse(library.source(published)).ruleset
    if ruleset is None:
        raise click.ClickException(f"{named} was published when the language was another: it does not parse any more")
    return ruleset
