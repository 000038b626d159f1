"""`tocsin rules`: checking, trying, publishing and rolling back rule files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from service import config
from service.cli import checked
from service.cli.rule_files import RULE_FILE, as_document, as_json_option, show, sound
from service.cli.rules_backtest import backtest
from service.cli.rules_compare import diff
from service.cli.rules_convert import export_rules, import_rules
from service.cli.rules_events import test_events
from service.cli.rules_map import draw_map
from service.cli.rules_pages import PAGES
from service.cli.rules_reply import read_reply
from service.cli.rules_tests import run_tests, write_tests
from service.cli.rules_versions import VERSIONS
from service.core import exact_json
from service.decide import ActionRefused, Compiled, Facts, NotUnique, Ruleset, Severity, explain, facts


@click.group()
def rules() -> None:
    """Check, try, publish and roll back rule files."""


for command in (
    run_tests,
    write_tests,
    test_events,
    read_reply,
    diff,
    draw_map,
    import_rules,
    export_rules,
    backtest,
    *VERSIONS,
    *PAGES,
):
    rules.add_command(command)


@rules.command()
@click.argument("files", nargs=-1, required=True, type=RULE_FILE)
@as_json_option
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check rule files, policies and all others of rules/.

    It shows everything there is to say about rule files and their tests, policies, rosters, events and replies.

    Ends with 0 (clean, or only warnings), 1 (errors) or 2 (wrong usage).
    """
    looked_at = [checked.look(file) for file in files]
    if as_json:
        click.echo(exact_json.dumps({"files": [as_document(written, findings) for written, findings in looked_at]}))
    else:
        for written, findings in looked_at:
            show(written, findings)
    sys.exit(1 if any(finding.severity is Severity.ERROR for _, findings in looked_at for finding in findings) else 0)


@rules.command("explain")
@click.argument("file", type=RULE_FILE)
@click.option("--request", required=True, help="The request as JSON, or @FILE that holds it.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day that `today` is; today in UTC if left out.")
@as_json_option
def explain_request(file: Path, request: str, as_of: datetime | None, as_json: bool) -> None:
    """Say why each rule fires on a request, or why not."""
    ruleset = sound(file)
    asked = _request(request, ruleset)
    try:
        given = _derived(ruleset, facts.read(ruleset, asked, (as_of or datetime.now(UTC)).date()))
        decision = Compiled(ruleset).decide(given)
    except facts.FactsRefused as error:
        raise click.ClickException("\n".join(f"{each.path}: {each.message}" for each in error.errors)) from error
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


def _derived(ruleset: Ruleset, given: Facts) -> Facts:
    if not facts.underived(ruleset, given):
        return given
    from service.evaluations import derived
    from service.wiring import of_any_language, open_sentiment

    settings = config.load()
    return derived(ruleset, given, of_any_language(open_sentiment(settings), settings))


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
