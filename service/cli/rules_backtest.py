"""`tocsin rules backtest`: what a rule file would have decided otherwise on the requests of the audit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service import config, exact_json
from service.cli.arguments import instant
from service.cli.rule_files import RULE_FILE, as_json_option, sound
from service.decide.decision import Compiled

if TYPE_CHECKING:
    from service.rulesets.replay import Replay
    from service.rulesets.tally import Tally


@click.command()
@click.argument("file", type=RULE_FILE)
@click.option("--ruleset", "name", help="Whose requests to replay; the file's own ruleset if left out.")
@click.option("--against", type=click.IntRange(min=1), help="The version to compare with; the active one if left out.")
@click.option("--from", "since", callback=instant, help="Requests not before this time (RFC 3339).")
@click.option("--to", "until", callback=instant, help="Requests before this time (RFC 3339); now if left out.")
@as_json_option
def backtest(
    file: Path, name: str | None, against: int | None, since: datetime | None, until: datetime | None, as_json: bool
) -> None:
    """Decide the requests of the audit again, by the active version and by FILE, and say what differs.

    Nothing is published or carried out.
    """
    from service.rulesets.columns.kept import head_of
    from service.rulesets.library import Library
    from service.rulesets.live import Live
    from service.rulesets.replay import Replay
    from service.storage import AuditQuery
    from service.stores import SYSTEM_CLOCK, open_store

    draft = sound(file)
    store, now = open_store(config.load()), SYSTEM_CLOCK.now()
    live, ruleset, until = Live(Library(store, SYSTEM_CLOCK), SYSTEM_CLOCK), name or draft.name, until or now
    active = live.version(ruleset, against) if against else live.at(ruleset, now)
    query = AuditQuery(ruleset=ruleset, since=since, until=until)
    segments = head_of(store, ruleset)[0].segments
    tally = _replayed(Replay(store, query, active.compiled, Compiled(draft), segments=segments), since, until)
    click.echo(exact_json.dumps(tally.as_json()) if as_json else _as_text(tally, active.version.number))


def _replayed(replay: Replay, since: datetime | None, until: datetime) -> Tally:
    """All pages, with a bar on standard error that follows the time of the entries read."""
    from rich.console import Console
    from rich.progress import Progress

    from service.rulesets.tally import Tally

    tally = Tally()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("replaying", total=None)
        for page in replay.pages():
            tally.add(page.tally)
            since = since or page.first
            if since is not None and page.last is not None:
                total, done = (until - since).total_seconds(), (page.last - since).total_seconds()
                progress.update(bar, total=total, completed=done, description=f"{tally.requests:,} requests")
    return tally


def _as_text(tally: Tally, number: int) -> str:
    """The report for a person at a terminal."""
    lines = [
        f"{tally.requests:,} requests replayed; {tally.changed:,} would be decided otherwise than by version {number}."
    ]
    lines += [
        f"{one.count:>9,}  {_fired(one.old)} → {_fired(one.new)}, for example {one.samples[0]}"
        for one in sorted(tally.changes, key=lambda change: -change.count)
    ]
    for path, amount in tally.amounts.items():
        shown: Mapping[str, object] = amount.as_json()
        lines.append(
            f"{path}: changed {amount.changed:,} times, by {shown['sum']} in all, "
            f"{shown['mean']} on average, {shown['largest']} at most"
        )
    lines += [f"{path}: changed {count:,} times" for path, count in tally.values.items()]
    for words, group in (
        ("no rule fires any more on", tally.newly_uncovered),
        ("the file refuses", tally.refused),
        (f"version {number} itself refuses", tally.not_compared),
    ):
        if group.count:
            request_id, why = group.samples[0]
            lines.append(f"{words} {group.count:,} requests, for example {request_id}" + (f": {why}" if why else ""))
    return "\n".join(lines)


def _fired(rules: tuple[str, ...]) -> str:
    return " + ".join(rules) or "nothing"
