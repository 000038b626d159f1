"""`tocsin rules`: checking, trying, publishing and rolling back rule files."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from service import config, exact_json
from service.cli import checked
from service.cli.arguments import instant
from service.cli.rule_files import RULE_FILE, as_document, as_json_option, counted, rendered, sound
from service.cli.rules_backtest import backtest
from service.cli.rules_compare import diff
from service.cli.rules_convert import export_rules, import_rules
from service.cli.rules_events import test_events
from service.cli.rules_pages import PAGES
from service.cli.rules_tests import run_tests, write_tests
from service.decide import explain, facts
from service.decide.decision import ActionRefused, Compiled, NotUnique
from service.decide.findings import Finding, Severity
from service.decide.ruleset import Facts, Ruleset
from service.rulesets import gate, rule_file
from service.rulesets.library import Library
from service.rulesets.publishing import passed
from service.rulesets.rule_file import RuleFile
from service.rulesets.versions import Activation, Version

effective_from_option = click.option(
    "--effective-from", callback=instant, help="When it takes over (RFC 3339); now if left out."
)


@click.group()
def rules() -> None:
    """Check, try, publish and roll back rule files."""


for command in (run_tests, write_tests, test_events, diff, import_rules, export_rules, backtest, *PAGES):
    rules.add_command(command)


@rules.command()
@click.argument("files", nargs=-1, required=True, type=RULE_FILE)
@as_json_option
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Show everything there is to say about rule files, their own tests included, about policies and events.

    Ends with 0 (clean, or only warnings), 1 (errors) or 2 (wrong usage).
    """
    read = [rule_file.read(file) for file in files]
    findings = [checked.findings(one) for one in read]
    if as_json:
        documents = [as_document(one, found) for one, found in zip(read, findings, strict=True)]
        click.echo(exact_json.dumps({"files": documents}))
    else:
        for one, found in zip(read, findings, strict=True):
            _show(one, found)
    sys.exit(1 if any(one.severity is Severity.ERROR for found in findings for one in found) else 0)


@rules.command("explain")
@click.argument("file", type=RULE_FILE)
@click.option("--request", required=True, help="The request as JSON, or @FILE that holds it.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day that `today` is; today in UTC if left out.")
@as_json_option
def explain_request(file: Path, request: str, as_of: datetime | None, as_json: bool) -> None:
    """Say for every rule of a file why it fires on a request, or why not."""
    ruleset = sound(file)
    asked = _request(request, ruleset)
    try:
        given = _derived(ruleset, facts.read(ruleset, asked, (as_of or datetime.now(UTC)).date()))
        decision = Compiled(ruleset).decide(given)
    except facts.FactsRefused as error:
        raise click.ClickException("\n".join(f"{one.path}: {one.message}" for one in error.errors)) from error
    except (ActionRefused, NotUnique) as error:
        raise click.ClickException(str(error)) from error
    why = explain.explain(ruleset, given, decision)
    result = facts.write(ruleset, asked, decision.facts)
    outcomes = [outcome.as_json() for outcome in decision.outcomes]
    if as_json:
        answer = {"fired": decision.fired, "result": result, "outcomes": outcomes, "explanation": why.as_json()}
        click.echo(exact_json.dumps(answer))
        return
    click.echo(why.as_text())
    click.echo(f"\nfired: {', '.join(decision.fired) or 'nothing'}\nresult: {exact_json.dumps(result)}")
    if outcomes:
        click.echo(f"outcomes: {exact_json.dumps(outcomes)}")


@rules.command("publish")
@click.argument("file", type=RULE_FILE)
@click.option("--comment", default="", help="Why, for the history.")
@effective_from_option
@click.option("--expect", "expected", help="Only if the active version has this sha256.")
@as_json_option
def publish_file(
    file: Path, comment: str, effective_from: datetime | None, expected: str | None, as_json: bool
) -> None:
    """Check a file and make it the active version of its ruleset, now or later."""
    given = rule_file.read(file)
    checks = gate.check(given.content)
    _show(given, checks.findings, err=True)
    if not checks.sound:
        sys.exit(1)
    version = _library().publish(passed(checks).draft(getpass.getuser(), comment), effective_from, expected)
    if as_json:
        click.echo(exact_json.dumps(_version_document(version)))
    else:
        when = f" from {effective_from.isoformat()}" if effective_from else ""
        click.echo(f"{version.ruleset} version {version.number} is active{when} ({version.sha256[:12]}).")


@rules.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many at most.")
@as_json_option
def history(name: str, limit: int, as_json: bool) -> None:
    """List the newest versions and activations of a ruleset."""
    library = _library()
    found = library.history(name, limit=limit).items
    activations = library.timeline(name).activations[-limit:]
    active = library.timeline(name).active(datetime.now(UTC))
    if as_json:
        documents = [{**_version_document(one), "active": one.number == active} for one in found]
        lines = [_activation_document(one) for one in activations]
        click.echo(exact_json.dumps({"versions": documents, "activations": lines}))
        return
    for one in found:
        mark = "*" if one.number == active else " "
        click.echo(f"{mark} {one.number:>4}  {one.at:%Y-%m-%d %H:%M}  {one.author}  {one.sha256[:12]}  {one.comment}")
    for activation in activations:
        click.echo(f"version {activation.version} from {activation.since:%Y-%m-%d %H:%M:%S} by {activation.by}")


@rules.command()
@click.argument("name")
@click.argument("version", type=int)
@effective_from_option
@as_json_option
def activate(name: str, version: int, effective_from: datetime | None, as_json: bool) -> None:
    """Let a published version decide again: rolling back, or forward."""
    done = _library().activate(name, version, getpass.getuser(), effective_from)
    click.echo(
        exact_json.dumps(_activation_document(done))
        if as_json
        else f"{name} version {version} is active from {done.since:%Y-%m-%d %H:%M:%S} UTC."
    )


def _derived(ruleset: Ruleset, given: Facts) -> Facts:
    if not facts.underived(ruleset, given):
        return given
    from service.app import of_any_language, open_sentiment
    from service.evaluations.sentiment import derived

    settings = config.load()
    return derived(ruleset, given, of_any_language(open_sentiment(settings), settings))


def _library() -> Library:
    from service.stores import SYSTEM_CLOCK, open_store

    return Library(open_store(config.load()), SYSTEM_CLOCK)


def _show(file: RuleFile, findings: Sequence[Finding], err: bool = False) -> None:
    click.echo(rendered(file, findings), nl=False, err=err)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = len(findings) - errors
    click.echo(f"{file.path}: {counted(errors, 'error')}, {counted(warnings, 'warning')}", err=err)


def _request(text: str, ruleset: Ruleset) -> Mapping[str, object]:
    """The facts of a request: bare, or in the body of an evaluation."""
    try:
        content = Path(text[1:]).read_bytes() if text.startswith("@") else text
        document = exact_json.loads(content)
    except (OSError, exact_json.NotJson) as error:
        raise click.BadParameter(f"cannot be read: {error}", param_hint="--request") from error
    if not isinstance(document, dict):
        raise click.BadParameter("must be a JSON object", param_hint="--request")
    inner = document.get("request")
    wrapped = document.keys() <= {"request", "context"} and not any(
        path.startswith("request.") for path in ruleset.facts
    )
    return inner if wrapped and isinstance(inner, dict) else document


def _version_document(version: Version) -> Mapping[str, object]:
    return {
        "ruleset": version.ruleset,
        "version": version.number,
        "sha256": version.sha256,
        "author": version.author,
        "comment": version.comment,
        "published_at": version.at.isoformat(),
    }


def _activation_document(activation: Activation) -> Mapping[str, object]:
    since, at = activation.since.isoformat(), activation.at.isoformat()
    return {"version": activation.version, "from": since, "by": activation.by, "at": at}
