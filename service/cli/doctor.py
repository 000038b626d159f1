"""`tocsin doctor`: is everything there, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from service import config
from service.cli.checks import CheckFinding, CheckLevel, broken, here
from service.config import Backend, ExaminedSettings, SettingsError
from service.core import exact_json
from service.wiring import SYSTEM_CLOCK, open_store

_COLOURS = {CheckLevel.OK: "green", CheckLevel.WARN: "yellow", CheckLevel.FAIL: "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(as_json: bool) -> None:
    """Check that everything works.

    It looks at settings, store, models and, on AWS, at the account. Exits with 1 if anything cannot work.
    """
    findings: list[CheckFinding] = []
    for finding in _findings():
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        click.echo(exact_json.dumps({"checks": [asdict(finding) for finding in findings]}))
    if any(finding.level is CheckLevel.FAIL for finding in findings):
        raise click.exceptions.Exit(1)


def _findings() -> Iterator[CheckFinding]:
    yield from here.references()
    examined = _examined()
    for fault in examined.faults:
        yield broken("settings", str(fault), "Correct it; docs/settings.md lists every setting.")
    settings = examined.settings
    if settings is None:
        return
    store = open_store(settings)
    yield from here.look(settings, store, SYSTEM_CLOCK)
    store.close()
    if settings.backend is Backend.AWS:
        from service.cli.checks import amazon

        yield from amazon.look(settings, SYSTEM_CLOCK)
    if settings.twilio_account or settings.twilio_tokens:
        from service.cli.checks import twilio

        yield from twilio.look(settings)


def _examined() -> ExaminedSettings:
    try:
        return config.examine(service=True)
    except SettingsError as error:  # not one of them can be read
        return ExaminedSettings(None, error.faults)


def _show(finding: CheckFinding) -> None:
    level = click.style(f"{finding.level.value:4}", fg=_COLOURS[finding.level])
    click.echo(f"{level}  {finding.subject}: {finding.found}")
    if finding.do:
        click.echo(f"      {finding.do}")
