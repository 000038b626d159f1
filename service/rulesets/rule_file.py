"""A rule file on disk, with the decision table that it may name put inside: one self-contained text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from service.core import CannotRead, FileMissing, plain_files
from service.decide import Finding, Grid, InlinedText, Place, inlined, report
from service.rulesets.family import RULESETS

EVENTS = "events.yaml"
"""The only file of a rules folder that holds no ruleset: it maps events of other systems."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """`written` as it stands on disk, `content` as it is checked and published."""

    path: Path
    written: str
    content: bytes
    inlined: InlinedText
    names: re.Pattern[str] = RULESETS.names
    """What finds the name that the file gives itself."""

    @property
    def ruleset(self) -> str | None:
        """The name that the file gives itself, also where it cannot be read otherwise."""
        return _named(self.written, self.names)

    def as_json(self, findings: Iterable[Finding]) -> list[Mapping[str, object]]:
        """Findings with the places where they were written.

        Those in the table say so by its `file`, and by the `cell` as a spreadsheet names it: `row 3, column C`.
        """
        documents: list[Mapping[str, object]] = []
        grid = None
        for finding in findings:
            path, text, at = self.origin(finding.at)
            document = report.finding_as_json(replace(finding, at=at))
            if path != self.path:
                grid = grid or Grid(text)
                document = {**document, "file": path.name, "cell": grid.cell(at)}
            documents.append(document)
        return documents

    def origin(self, at: Place) -> tuple[Path, str, Place]:
        """Where a place of `content` is in what the administrator wrote: the file, its text, the place in it."""
        table, place = self.inlined.origin(at)
        if table is None:
            return self.path, self.written, place
        return self.path.with_name(table), self.inlined.rows, place


def ruleset_of(path: Path) -> str | None:
    """The name that a file gives itself, whatever else is wrong with it; None for one that cannot be read."""
    try:
        return _named(plain_files.read(path).decode("utf-8", "surrogateescape"), RULESETS.names)
    except CannotRead:
        return None


def _named(written: str, names: re.Pattern[str]) -> str | None:
    match = names.search(written)
    return None if match is None else match[1]


def read(path: Path) -> RuleFile:
    """Read a rule file and the CSV file beside it that it names; `CannotRead` of the one that cannot be read.

    Bytes that are not UTF-8 are kept as they are, so that they are reported where they stand.
    """
    written = plain_files.read(path).decode("utf-8", "surrogateescape")
    whole = inlined(written, lambda name: _beside(path, name))
    return RuleFile(path, written, whole.text.encode("utf-8", "surrogateescape"), whole)


def _beside(path: Path, name: str) -> str | None:
    try:
        return plain_files.read(path.with_name(name)).decode("utf-8", "surrogateescape")
    except FileMissing:
        return None  # the parser reports that the rows are missing, at the place of their name
