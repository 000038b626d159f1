"""`tocsin rules test-events`: what rules make of events from a file or from live traffic."""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import click

from service import config
from service.cli.rule_files import RULE_FILE, as_json_option
from service.core import BadDuration, durations, exact_json, ids
from service.evaluations import MAX_EVENTS, MAX_TIME
from service.rulesets import rule_file

_SHARE = re.compile(r"([1-9][0-9]?|100)%?")
_LISTED = 20


def _share(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    match = _SHARE.fullmatch(value) if value is not None else None
    if value is not None and match is None:
        raise click.BadParameter(f"{value} is no share of the live requests: write a whole number from 1% to 100%")
    return int(match[1]) if match else None


def _duration(_: click.Context, __: click.Parameter, value: str) -> timedelta:
    try:
        return durations.parse(value, MAX_TIME)
    except BadDuration as error:
        message = f"{value} is no time up to {MAX_TIME.days}d: write it like 90s, 10m, 2h or 1d"
        raise click.BadParameter(message) from error


@click.command("test-events")
@click.argument("ruleset")
@click.argument("events", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", type=click.IntRange(min=1), help="A published version instead of the active one.")
@click.option("--file", "draft", type=RULE_FILE, help="A rule file instead of a published version (not with --sample).")
@click.option("--sample", "share", callback=_share, metavar="SHARE", help="Test this share of the live requests: 10%.")
@click.option("--events", "limit", type=click.IntRange(1, MAX_EVENTS), default=100, show_default=True, help="How many.")
@click.option("--for", "lasting", callback=_duration, default="1h", show_default=True, help="For how long at most.")
@click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Test EVENTS, the only argument then, against the mappings of this file (rules/events.yaml).",
)
@click.option("--stop", is_flag=True, help="Take no more live requests.")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(["error", "unmapped", "not_matched"]),
    help="End with 1 where an event comes to this; may be said several times.",
)
@as_json_option
def test_events(
    ruleset: str,
    events: Path | None,
    version: int | None,
    draft: Path | None,
    share: int | None,
    limit: int,
    lasting: timedelta,
    mapping: Path | None,
    stop: bool,
    fail_on: tuple[str, ...],
    as_json: bool,
) -> None:
    """Test events, or sample live requests.

    For each of EVENTS it says whether rules match it, why not, or what is wrong with it. Nothing is carried out.

    EVENTS is a JSON file: one event, a list of them, or {"events": [...]}; each holds the facts, or is an EventBridge
    envelope around them. With --sample the running service tests live requests instead: --events and --for say when
    that ends, --stop ends it. With neither, the latest results are listed. Results are kept for 30 days.
    """
    if mapping is not None:
        _show(_mapped(mapping, events or Path(ruleset)), {}, as_json, fail_on)
        return
    if sum((events is not None, share is not None, stop)) > 1:
        raise click.UsageError("Give one of EVENTS, --sample and --stop.")
    if draft is not None and events is None:
        raise click.UsageError("--file goes with EVENTS: to sample live requests for a draft, publish it first.")
    testing = _Testing()
    if events is not None:
        source = None if draft is None else rule_file.read(draft).content.decode("utf-8", "replace")
        _show(testing.run(ruleset, version, source, _events(events)), {}, as_json, fail_on)
    elif share is not None:
        click.echo(_sampling(testing.begin(ruleset, version, share, limit, lasting), as_json))
    elif stop:
        testing.stop(ruleset)
        click.echo(f"No more live requests of {ruleset} are tested.")
    else:
        _show(testing.results(ruleset), testing.sample(ruleset), as_json, fail_on)


def _mapped(mapping: Path, events: Path) -> Sequence[Mapping[str, object]]:
    """What would become of each event by the mappings of a file."""
    from service.decide import report
    from service.intake import parse
    from service.wiring import Service

    source = mapping.read_bytes()
    parsed = parse(source)
    if parsed.mappings is None:
        raise click.ClickException(report.render(parsed.findings, source, str(mapping)))
    trying = Service(config.load()).mapped_events()
    return [trying.tried(event, parsed.mappings) for event in _events(events)]


class _Testing:
    """The tester on this installation's store."""

    def __init__(self) -> None:
        from service.wiring import Service

        service = Service(config.load())
        self._clock = service.clock
        self._tests = service.event_tests
        self._samples = service.event_samples

    def run(
        self, ruleset: str, version: int | None, source: str | None, events: Sequence[object]
    ) -> Sequence[Mapping[str, object]]:
        """A result for each event."""
        from service.evaluations import CandidateChoice, EventTest

        test_id = ids.fresh(self._clock.now())
        which = CandidateChoice(ruleset, version, source)
        return self._tests.run(EventTest(test_id, which, events, f"cli-{test_id}", getpass.getuser()))[1]

    def results(self, ruleset: str) -> Sequence[Mapping[str, object]]:
        """The latest results."""
        return self._tests.listed(ruleset, None, _LISTED).items

    def begin(
        self, ruleset: str, version: int | None, share: int, events: int, lasting: timedelta
    ) -> Mapping[str, object]:
        """Let the running service sample live requests."""
        from service.evaluations import CandidateChoice

        sampled = self._samples.begin(CandidateChoice(ruleset, version), share, events, lasting, getpass.getuser())
        return sampled.as_json(self._clock.now())

    def sample(self, ruleset: str) -> Mapping[str, object]:
        """How far the last sampling is; empty if there is none."""
        from service.evaluations import NoSample

        try:
            return self._samples.sampled(ruleset).as_json(self._clock.now())
        except NoSample:
            return {}

    def stop(self, ruleset: str) -> None:
        """End the sampling; `NoSample`."""
        self._samples.stop(ruleset)


def _events(file: Path) -> Sequence[object]:
    try:
        document = exact_json.loads(file.read_bytes())
    except (OSError, exact_json.NotJson) as error:
        raise click.BadParameter(f"{file} cannot be read: {error}", param_hint="EVENTS") from error
    if isinstance(document, dict) and isinstance(document.get("events"), list):
        document = document["events"]
    return document if isinstance(document, list) else [document]


def _show(
    results: Sequence[Mapping[str, object]],
    sample: Mapping[str, object],
    as_json: bool,
    fail_on: Sequence[str] = (),
) -> None:
    if as_json:
        click.echo(exact_json.dumps({"items": results, **({"sample": sample} if sample else {})}))
    else:
        _print(results, sample)
    if any(result.get("status") in fail_on for result in results):
        sys.exit(1)


def _print(results: Sequence[Mapping[str, object]], sample: Mapping[str, object]) -> None:
    if sample:
        click.echo(_sampling(sample, as_json=False))
    for number, result in enumerate(results, start=1):
        click.echo(f"{_name(result, number)}: {_in_words(result)}")
    if not results:
        click.echo("No events were tested in the last 30 days.")


def _name(result: Mapping[str, object], number: int) -> str:
    at, of = result.get("at"), result.get("event_id") or result.get("request_id")
    return " ".join(str(part) for part in (at, of) if part) or f"event {number}"


def _in_words(result: Mapping[str, object]) -> str:
    becomes = f"becomes {result['becomes']}; " if result.get("becomes") else ""
    return becomes + _verdict(result)


def _verdict(result: Mapping[str, object]) -> str:
    match result:
        case {"status": "unmapped", "errors": [{"message": message}]}:
            nearest = result.get("nearest", [])
            assert isinstance(nearest, list)
            return "\n    ".join([f"unmapped: {message}", *nearest])
        case {"status": "matched", "fired": [] | ()}:
            return "matched"
        case {"status": "matched", "fired": list() | tuple() as fired}:
            return f"matched: {', '.join(map(str, fired))}"
        case {"status": "not_matched", "why_not": list() | tuple() as why_not}:
            because = [f"\n    {entry['rule']}: {'; '.join(entry['because'])}" for entry in why_not]
            return f"not matched{''.join(because)}"
        case {"errors": list() | tuple() as errors}:
            faults = [f"\n    {entry['path'] or 'the event'}: {entry['message']}" for entry in errors]
            return f"error{''.join(faults)}"
        case _:
            return str(result.get("status"))


def _sampling(sample: Mapping[str, object], as_json: bool) -> str:
    if as_json:
        return exact_json.dumps(sample)
    whose = f"version {sample['version']}" if sample["version"] else "the active version"
    tested = f"{sample['matched']} matched, {sample['not_matched']} not matched, {sample['error']} errors"
    running = "running" if sample["running"] else "ended"
    until = datetime.fromisoformat(str(sample["until"]))
    return (
        f"Sampling {sample['share']}% of the live requests of {sample['ruleset']} with {whose}, at most "
        f"{sample['events']} until {until:%Y-%m-%d %H:%M:%S} UTC ({running}): {tested}, {sample['skipped']} skipped."
    )
