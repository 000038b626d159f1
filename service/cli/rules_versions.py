"""`tocsin rules publish`, `history` and `activate`: the versions of a ruleset and which of them decides."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service import config
from service.cli.arguments import instant
from service.cli.rule_files import RULE_FILE, as_json_option, show
from service.cli.rules_backtest import as_text
from service.core import exact_json
from service.rulesets import (
    Activation,
    Approval,
    Approver,
    Library,
    Proposal,
    ProposalState,
    PublishableFile,
    Version,
    WorkingCopies,
    gate,
    of_user,
    passed,
    rule_file,
)

if TYPE_CHECKING:
    from service.rulesets import RecentCounts

effective_from_option = click.option(
    "--effective-from", callback=instant, help="When it takes over (RFC 3339); now if left out."
)


@click.command("publish")
@click.argument("file", type=RULE_FILE)
@click.option("--comment", default="", help="Why, for the history.")
@effective_from_option
@click.option("--expect", "expected", help="Only if the active version has this sha256.")
@click.option("--over", type=click.IntRange(min=1), help="Over this version, which must be active: drops its changes.")
@as_json_option
def publish_file(
    file: Path,
    comment: str,
    effective_from: datetime | None,
    expected: str | None,
    over: int | None,
    as_json: bool,
) -> None:
    """Check a file and make it active, now or later.

    Says what the latest recorded requests would have become. A file of the rules folder that was made from another
    version than the active one is refused, unless --over names the active one.
    """
    if expected is not None and over is not None:
        raise click.UsageError("Give --expect or --over.")
    given = rule_file.read(file)
    checks = gate.check(given.content)
    show(given, checks.findings, err=True)
    if not checks.sound:
        sys.exit(1)
    ready = passed(checks)
    library, copies = _library(), _copies()
    if over is not None:
        expected = active_as(library, ready.declared.name, over)
    elif expected is None and (why := copies.drift(file, ready.declared.name)) is not None:
        raise click.ClickException(why)
    otherwise = _compared(ready)  # before it is the active version itself
    user = getpass.getuser()
    version = library.publish(ready.draft(user, comment, of_user(user)), effective_from, expected)
    proposal = library.proposal(version.ruleset, version.number)
    if copies.holds(file):
        copies.record(file, version)
    if as_json:
        comparison = None if otherwise is None else otherwise.as_json()
        document = {**version_document(version), "proposal": _proposal_document(proposal), "backtest": comparison}
        click.echo(exact_json.dumps(document))
        return
    when = f" from {effective_from.isoformat()}" if effective_from else ""
    if proposal is not None and proposal.waits:
        click.echo(
            f"{version.ruleset} version {version.number} waits for approval: somebody else runs"
            f" `tocsin rules approve {version.ruleset} {version.number}` and it is active{when}."
        )
    else:
        click.echo(f"{version.ruleset} version {version.number} is active{when} ({version.sha256[:12]}).")
    if otherwise is not None and otherwise.tally.requests:
        click.echo(_latest_as_text(otherwise))


@click.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many at most.")
@as_json_option
def history(name: str, limit: int, as_json: bool) -> None:
    """List the newest versions and activations of a ruleset."""
    library = _library()
    versions = library.history(name, limit=limit).items
    activations = library.timeline(name).activations[-limit:]
    active = library.timeline(name).active(datetime.now(UTC))
    proposals = library.proposals(name, [version.number for version in versions])
    files = [entry for entry in _copies().seen() if entry.ruleset == name and entry.findings]
    if as_json:
        documents = [
            {
                **version_document(entry),
                "active": entry.number == active,
                "proposal": _proposal_document(proposals.get(entry.number)),
            }
            for entry in versions
        ]
        lines = [activation_document(entry) for entry in activations]
        shown = [{"file": entry.file, "version": entry.version, "findings": list(entry.findings)} for entry in files]
        click.echo(exact_json.dumps({"versions": documents, "activations": lines, "working_copies": shown}))
        return
    for entry in versions:
        mark = "*" if entry.number == active else " "
        click.echo(
            f"{mark} {entry.number:>4}  {entry.at:%Y-%m-%d %H:%M}  {entry.author}  {entry.sha256[:12]}  {entry.comment}"
        )
        if (proposal := proposals.get(entry.number)) is not None:
            click.echo(f"        {_said_of(proposal)}")
    for activation in activations:
        click.echo(f"version {activation.version} from {activation.since:%Y-%m-%d %H:%M:%S} by {activation.by}")
    for finding in (finding for entry in files for finding in entry.findings):
        click.echo(f"{finding['severity']}: {finding['message']}")
        if "hint" in finding:
            click.echo(f"  hint: {finding['hint']}")


@click.command()
@click.argument("name")
@click.argument("version", type=int)
@effective_from_option
@as_json_option
def activate(name: str, version: int, effective_from: datetime | None, as_json: bool) -> None:
    """Activate a published version: roll back or forward."""
    done = _library().activate(name, version, getpass.getuser(), effective_from)
    click.echo(
        exact_json.dumps(activation_document(done))
        if as_json
        else f"{name} version {version} is active from {done.since:%Y-%m-%d %H:%M:%S} UTC."
    )


@click.command()
@click.argument("name")
@click.argument("version", type=int)
@click.option("--reject", is_flag=True, help="Say no: it never decides.")
@click.option("--reason", default="", help="Why, for the author and the history.")
@as_json_option
def approve(name: str, version: int, reject: bool, reason: str, as_json: bool) -> None:
    """Approve a proposed version, which takes over then.

    Where four eyes are asked for (TOCSIN_FOUR_EYES), whoever proposed a version can reject it, but not approve it.
    """
    user = getpass.getuser()
    decision = Approval.REJECT if reject else Approval.APPROVE
    decided = _library().decide(name, version, decision, Approver(user, of_user(user)), reason)
    if as_json:
        click.echo(exact_json.dumps(_proposal_document(decided)))
    else:
        click.echo(f"{name} version {version} {_said_of(decided)}.")


@click.command()
@as_json_option
def proposals(as_json: bool) -> None:
    """List the proposed versions that wait for approval."""
    waiting = _library().waiting(limit=500).items
    if as_json:
        click.echo(exact_json.dumps({"items": list(map(_proposal_document, waiting))}))
        return
    for proposal in waiting:
        click.echo(f"{proposal.ruleset} version {proposal.number} {_said_of(proposal)}")


@click.command("pull")
@click.argument("name")
def pull_file(name: str) -> None:
    """Write the active version to its file.

    The file is that of the ruleset in the rules folder; a table goes to the CSV beside it.

    What the file held is kept beside it if it was never published.
    """
    from service.rulesets import pull

    settings, library = config.load(), _library()
    done = pull(settings.rules_dir, library, _copies(), library.active(name, datetime.now(UTC)))
    for path in done.kept:
        click.echo(f"{path} keeps an edit that was never published.")
    for path in done.written:
        click.echo(f"{path} is written.")
    click.echo(f"The rules folder has {name} version {done.version.number}, which is active.")


VERSIONS = (publish_file, history, activate, approve, proposals, pull_file)


def active_as(library: Library, name: str, number: int) -> str:
    """The sha256 of a version that must be active, for a publication over it."""
    active = library.active_or_none(name, datetime.now(UTC))
    if active is None or active.number != number:
        now = "nothing" if active is None else f"version {active.number}, by {active.author}"
        raise click.ClickException(
            f"version {number} of {name} is not active: {now} is. Look at it, and say --over again"
        )
    return active.sha256


def _copies() -> WorkingCopies:
    from service.wiring import SYSTEM_CLOCK, open_store

    settings = config.load()
    store = open_store(settings)
    library = Library(store, SYSTEM_CLOCK, needs_approval=settings.rules_need_approval)
    return WorkingCopies(settings.rules_dir, library, store, SYSTEM_CLOCK)


def _library() -> Library:
    from service.wiring import SYSTEM_CLOCK, open_store

    settings = config.load()
    return Library(open_store(settings), SYSTEM_CLOCK, needs_approval=settings.rules_need_approval)


def _compared(ready: PublishableFile) -> RecentCounts | None:
    """The latest recorded requests, decided by the active version and by the file; None if that takes too long."""
    if not ready.checked.affordable:
        return None
    from service.decide import Compiled
    from service.rulesets import ActiveVersions, RecentComparison
    from service.wiring import SYSTEM_CLOCK, enough_of_the_audit, open_store

    settings = config.load()
    store = open_store(settings)
    live = ActiveVersions(Library(store, SYSTEM_CLOCK), SYSTEM_CLOCK)
    return RecentComparison(live, store, SYSTEM_CLOCK, enough_of_the_audit(settings)).compared(
        Compiled(ready.ruleset())
    )


def _latest_as_text(counts: RecentCounts) -> str:
    came = "" if counts.complete else ", which is as far as a second went"
    times = f"{counts.since:%Y-%m-%d %H:%M:%S} to {counts.until:%Y-%m-%d %H:%M:%S} UTC{came}"
    return f"The latest requests, from {times}:\n{as_text(counts.tally, counts.against)}"


def _said_of(proposal: Proposal) -> str:
    """Where a proposal stands, in words."""
    reason = f": {proposal.reason}" if proposal.reason else ""
    match proposal.state:
        case ProposalState.WAITING:
            return f"waits for approval since {proposal.at:%Y-%m-%d %H:%M}, proposed by {proposal.author}"
        case ProposalState.APPROVED:
            return f"is approved by {proposal.decided_by}{reason}"
        case ProposalState.REJECTED:
            return f"is rejected by {proposal.decided_by}{reason}"


def _proposal_document(proposal: Proposal | None) -> Mapping[str, object] | None:
    """A proposal as `--json` shows it; null for a version that needed no approval."""
    if proposal is None:
        return None
    return {
        "ruleset": proposal.ruleset,
        "version": proposal.number,
        "state": proposal.state.value,
        "by": proposal.author,
        "at": proposal.at.isoformat(),
        "effective_from": proposal.since and proposal.since.isoformat(),
        "decided_by": proposal.decided_by,
        "decided_at": proposal.decided_at and proposal.decided_at.isoformat(),
        "reason": proposal.reason,
    }


def version_document(version: Version) -> Mapping[str, object]:
    """A version as `--json` shows it."""
    return {
        "ruleset": version.ruleset,
        "version": version.number,
        "sha256": version.sha256,
        "author": version.author,
        "comment": version.comment,
        "published_at": version.at.isoformat(),
    }


def activation_document(activation: Activation) -> Mapping[str, object]:
    """An activation as `--json` shows it."""
    since, at = activation.since.isoformat(), activation.at.isoformat()
    return {"version": activation.version, "from": since, "by": activation.by, "at": at}
