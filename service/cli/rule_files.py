"""Rule files as arguments of commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from service.decide import Finding, Grid, Ruleset, Severity, language, report
from service.rulesets import RuleFile, rule_file

RULE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def sound(file: Path) -> Ruleset:
    """The ruleset of a file that parses; else its findings are shown and the command ends with 1."""
    read = rule_file.read(file)
    parsed = language.parse(read.content)
    if parsed.ruleset is None:
        click.echo(rendered(read, parsed.findings), nl=False, err=True)
        sys.exit(1)
    return parsed.ruleset


def rendered(file: RuleFile, findings: Sequence[Finding]) -> str:
    """Findings with the lines they stand in, each in the file where it was written: the rule file or its table."""
    listings: dict[Path, report.Listing] = {}
    shown = []
    for finding in findings:
        path, text, at = file.origin(finding.at)
        if path not in listings:
            listings[path] = report.Listing.of(text, str(path), None if path == file.path else Grid(text))
        listing = listings[path]
        shown.append(listing.show(replace(finding, at=at)))
    return "\n".join(shown)


def as_document(file: RuleFile, findings: Sequence[Finding]) -> dict[str, object]:
    """The entry of a file in `--json`; a finding in its table says so by a `file` of its own."""
    documents = [
        {**finding, "file": str(file.path.with_name(str(finding["file"])))} if "file" in finding else finding
        for finding in file.as_json(findings)
    ]
    return {**report.as_json(findings, str(file.path)), "findings": documents}


def show(file: RuleFile, findings: Sequence[Finding], err: bool = False) -> None:
    """Print findings and how many there are."""
    click.echo(rendered(file, findings), nl=False, err=err)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = len(findings) - errors
    click.echo(f"{file.path}: {counted(errors, 'error')}, {counted(warnings, 'warning')}", err=err)


def counted(number: int, what: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
