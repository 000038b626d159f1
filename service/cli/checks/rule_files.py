"""Whether every file of the rules folder is published, and decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from service.cli.checks import CheckFinding, doubtful, fine
from service.config import Settings
from service.core import Clock, TocsinError, plain_files
from service.rulesets import Library, SeenCopy, WorkingCopies
from service.storage import Store


def rule_files(settings: Settings, store: Store, clock: Clock) -> Iterator[CheckFinding]:
    """What the service has to say about each file."""
    copies = WorkingCopies(settings.rules_dir, Library(store, clock), store, clock)
    try:
        amiss = [finding for seen in copies.seen() for finding in _amiss(seen)]
        amiss += [finding for name in ("escalation", "replies") for finding in _misnamed(settings.rules_dir / name)]
    except TocsinError as error:
        amiss = [doubtful("rule files", str(error), "Mend the store first.")]
    yield from amiss or [fine("rule files", "each decides as it stands, or was never looked at")]


def _misnamed(folder: Path) -> Iterator[CheckFinding]:
    for path in plain_files.misnamed(folder):
        yield doubtful("rule files", f"{folder.name}/{plain_files.why_misnamed(path)}", "")


def _amiss(seen: SeenCopy) -> Iterator[CheckFinding]:
    if seen.version is None:
        yield doubtful("rule files", seen.why(), seen.hint() or f"Run: tocsin rules check {seen.file}")
    for finding in seen.findings if seen.version is not None else ():
        yield doubtful("rule files", str(finding["message"]), str(finding.get("hint", "")))
