"""What is stored about each file of the rules folder, whichever process looked at it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from service.core import Unreadable, from_state, to_state
from service.decide import Flaw, Severity
from service.rulesets.errors import SHOWN
from service.rulesets.family import RULESETS, Family
from service.storage import Item, Store

CHECKS = 2
"""Counts up when the checks change: files that an earlier check refused are looked at again.

1 also refused files whose trial was ended from outside.
"""


@dataclass(frozen=True, slots=True)
class SeenCopy:
    """A working copy as it was last looked at; `findings` are those that kept it from
    being published, and `version` is what it became otherwise."""

    file: str
    sha256: str
    at: datetime
    version: int | None
    findings: Sequence[Mapping[str, object]] = ()
    ruleset: str | None = None
    base: int | None = None
    """The version of `ruleset` that was last published from the file, or written to it: what an edit began with."""
    against: int | None = None
    """The active version over which the file was not published."""
    again_at: datetime | None = None
    """When the file is tried again, where nothing could be said about it."""
    checks: int = 1

    @property
    def by_earlier_code(self) -> bool:
        """Whether an earlier check looked last: it may have refused wrongly, and did not store the base."""
        return self.checks < CHECKS

    def why(self) -> str:
        """The first of the findings that keep the file from being published; it names the file."""
        first = self._first()
        message = str(first.get("message", "it has findings"))
        if "cell" in first:
            return f"{first['file']}, {first['cell']}: {message}"
        return message if self.file in message else f"{self.file}: {message}"

    def hint(self) -> str | None:
        """What to do about it, where the finding says so."""
        hint = self._first().get("hint")
        return None if hint is None else str(hint)

    def _first(self) -> Mapping[str, object]:
        errors = (finding for finding in self.findings if finding.get("severity") == Severity.ERROR.value)
        return next(errors, self.findings[0] if self.findings else {})


@dataclass(frozen=True, slots=True)
class UnpublishedFile:
    """A file of the folder whose text is not published, and why; `again_at` if it is tried again by itself."""

    file: str
    why: str
    again_at: datetime | None


class SeenCopies:
    """The files' items."""

    def __init__(self, store: Store, family: Family = RULESETS) -> None:
        self._store = store
        self._prefix = "workingcopy" if family is RULESETS else f"workingcopy-{family.kind}"

    def get(self, path: Path) -> tuple[SeenCopy | None, int]:
        """What is stored about a file, and the version of its item; None also where it cannot be read."""
        item = self._store.get(self._item_id(path))
        if item is None:
            return None, 0
        try:
            return from_state(SeenCopy, item.state), item.version
        except Unreadable:  # written by a newer version: the file is looked at anew
            return None, item.version

    def save(self, path: Path, seen: SeenCopy, version: int) -> None:
        """Remember it, if the item is still of this version; else `Conflict`."""
        self._store.save(Item(self._item_id(path), "working-copy", to_state(seen), version=version))

    def _item_id(self, path: Path) -> str:
        """A file name may hold what an item's id may not."""
        return f"{self._prefix}-{hashlib.sha256(path.name.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}"


def said(kind: Flaw, severity: Severity, message: str, hint: str | None = None) -> Mapping[str, object]:
    """A finding about a file as a whole, as it is stored and shown."""
    shown = {"severity": severity.value, "kind": kind.value, "line": 1, "column": 1, "message": message}
    return shown if hint is None else {**shown, "hint": hint}


def errors_of(findings: Sequence[Mapping[str, object]]) -> str:
    """The first errors of a file with their places, for the log."""
    errors = [finding for finding in findings if finding["severity"] == Severity.ERROR.value]
    more = f"; and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
    return "; ".join(f"{_where(finding)}: {finding['message']}" for finding in errors[:SHOWN]) + more


def _where(finding: Mapping[str, object]) -> str:
    if "cell" in finding:
        return f"{finding['file']}, {finding['cell']}"
    return f"line {finding['line']}, column {finding['column']}"
