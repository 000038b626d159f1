"""Findings for people (with the line and a caret) and for programs (JSON)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from service.core import exact_json
from service.decide.findings import Finding, Severity
from service.decide.ruleset import Place
from service.decide.tables.sheet import Grid

_WIDTH = 160
"""Columns of a source line that are shown; a longer one is cut around the caret."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A file's lines, ready to show any number of findings in."""

    filename: str
    lines: Sequence[str]
    grid: Grid | None = None
    """Where the file is a table: its cells as a spreadsheet names them."""

    @classmethod
    def of(cls, source: str | bytes, filename: str, grid: Grid | None = None) -> Listing:
        """The lines of a file as its author sees them."""
        text = source.decode("utf-8", "replace") if isinstance(source, bytes) else source
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return cls(filename, lines, grid)

    def show(self, finding: Finding) -> str:
        """`file:line:column: severity: message`, the line it stands in, a caret, a hint and an example."""
        at = finding.at
        where = f"{self.filename}:{at.line}:{at.column}"
        cell = "" if self.grid is None else f" ({self.grid.cell(at)})"
        head = f"{where}: {finding.severity}: {_printable(finding.message)} [{finding.kind}]{cell}"
        shown = [head, *_excerpt(at, self.lines)]
        if finding.hint:
            shown.append(f"  hint: {_printable(finding.hint)}")
        if finding.example is not None:
            shown.append(f"  example: {exact_json.dumps(finding.example)}")
        return "\n".join(shown) + "\n"


def render(findings: Sequence[Finding], source: str | bytes, filename: str) -> str:
    """Each finding as `Listing.show` gives it, with a blank line between them."""
    listing = Listing.of(source, filename)
    return "\n".join(listing.show(finding) for finding in findings)


def as_json(findings: Sequence[Finding], filename: str) -> dict[str, object]:
    """One file's entry of `tocsin rules check --json`: `{"file", "ok", "findings": [..]}`; warnings are ok."""
    ok = all(finding.severity is not Severity.ERROR for finding in findings)
    return {"file": filename, "ok": ok, "findings": [finding_as_json(finding) for finding in findings]}


def finding_as_json(finding: Finding) -> dict[str, object]:
    """One finding; `rule`, `hint` and `example` are left out where there is none."""
    shown: dict[str, object] = {
        "severity": finding.severity.value,
        "kind": finding.kind.value,
        "rule": finding.rule,
        "line": finding.at.line,
        "column": finding.at.column,
        "message": finding.message,
        "hint": finding.hint,
        "example": finding.example,
    }
    return {key: value for key, value in shown.items() if value is not None}


def _excerpt(at: Place, lines: Sequence[str]) -> list[str]:
    if not 1 <= at.line <= len(lines):
        return []
    line, column = _printable(lines[at.line - 1].replace("\t", " ")), at.column - 1
    start = max(0, column - _WIDTH // 2) if len(line) > _WIDTH else 0
    window = line[start : start + _WIDTH]
    margin = f"{at.line:>5} | "
    blanks = " " * sum(_columns(character) for character in window[: column - start])
    return [margin + window, " " * (len(margin) - 2) + "| " + blanks + "^"]


def _printable(text: str) -> str:
    """The text without what could move a terminal's cursor or hide a character."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
