"""`tocsin rules backtest`: what a rule file would have decided otherwise on the requests of the audit."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from service import config
from service.cli.arguments import instant
from service.cli.rule_files import RULE_FILE, as_json_option, sound
from service.core import exact_json
from service.decide import Compiled

if TYPE_CHECKING:
    from service.rulesets import ReplayedRequests, Tally

INTERRUPTED = 128 + signal.SIGINT
"""How a command ends that was ended by Ctrl-C, as a shell has it."""


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
    """Replay past requests against a draft.

    The requests of the audit are decided again, by the active version and by FILE. The report says what differs.

    Nothing is published or carried out. Ctrl-C ends it with what was found so far.
    """
    from service.rulesets import ActiveVersions, Library, Replay, head_of
    from service.storage import AuditQuery
    from service.wiring import SYSTEM_CLOCK, open_store

    draft = sound(file)
    store, now = open_store(config.load()), SYSTEM_CLOCK.now()
    live, ruleset, until = ActiveVersions(Library(store, SYSTEM_CLOCK), SYSTEM_CLOCK), name or draft.name, until or now
    active = live.version(ruleset, against) if against else live.at(ruleset, now)
    query = AuditQuery(ruleset=ruleset, since=since, until=until)
    segments = head_of(store, ruleset)[0].segments
    replay = Replay(store, query, active.compiled, Compiled(draft), segments=segments)
    with _interruptible() as interrupted:
        tally, came_to = _replayed(replay.pages(), since, until, interrupted)
    click.echo(exact_json.dumps(tally.as_json()) if as_json else as_text(tally, active.version.number))
    if interrupted.is_set():
        reached = "nothing was replayed" if came_to is None else f"requests after {came_to.isoformat()} are left out"
        click.echo(f"Interrupted: {reached}.", err=True)
        sys.exit(INTERRUPTED)


@contextmanager
def _interruptible() -> Iterator[Event]:
    """Set at the first Ctrl-C, so that a page is counted wholly or not at all; the second one ends the process."""
    interrupted = Event()
    before = signal.getsignal(signal.SIGINT)

    def note(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        interrupted.set()

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _replayed(
    pages: Iterable[ReplayedRequests], since: datetime | None, until: datetime, interrupted: Event
) -> tuple[Tally, datetime | None]:
    """The pages until it is interrupted, and the time of the last entry read; with a bar on standard error."""
    from rich.console import Console
    from rich.progress import Progress

    from service.rulesets import Tally

    tally, came_to = Tally(), None
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("replaying", total=None)
        for page in pages:
            tally.add(page.tally)
            since, came_to = since or page.first, page.last or came_to
            if since is not None and came_to is not None:
                total, done = (until - since).total_seconds(), (came_to - since).total_seconds()
                progress.update(bar, total=total, completed=done, description=f"{tally.requests:,} requests")
            if interrupted.is_set():
                break
        else:
            interrupted.clear()  # too late: that was all
    return tally, came_to


def as_text(tally: Tally, number: int) -> str:
    """The report for a person at a terminal."""
    lines = [
        f"{tally.requests:,} requests replayed; {tally.changed:,} would be decided otherwise than by version {number}."
    ]
    lines += [
        f"{changed.count:>9,}  {_fired(changed.old)} → {_fired(changed.new)}, for example {changed.samples[0]}"
        for changed in sorted(tally.changes, key=lambda change: -change.count)
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
