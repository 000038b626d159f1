"""A table that stands in a file of its own, put into its rule file: what is published is one text that says all.

`table: premium.csv` in the rule file becomes `table: |` and the rows below it. Findings are led back to where the
administrator wrote what they are about.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from service.decide.ruleset import Place

_REFERENCE = re.compile(
    r"^table:[ \t]*(?P<quote>[\"']?)(?P<file>\w[\w. ()+,&-]{0,120}\.[cC][sS][vV])(?P=quote)"
    r"(?:[ \t]+#[^\r\n]*|[ \t]*)(?=\r?$)",
    re.MULTILINE,
)
_BLOCK = re.compile(r"^table: \|\n(?P<rows>(?:[ ]{2}[^\n]*\n?|\n)+)", re.MULTILINE)
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class InlinedText:
    """One self-contained text; lines `first` to `last` came from `table`, the name of a CSV file, if there is one."""

    text: str
    table: str | None = None
    rows: str = ""
    first: int = 0
    last: int = 0

    def origin(self, at: Place) -> tuple[str | None, Place]:
        """The CSV file that something stands in, or None for the rule file, and its place there."""
        if self.table is None or at.line < self.first:
            return None, at
        if at.line <= self.last:
            return self.table, Place(at.line - self.first + 1, max(1, at.column - len(_INDENT)))
        return None, Place(at.line - (self.last - self.first + 1), at.column)


def inlined(text: str, read: Callable[[str], str | None]) -> InlinedText:
    """The rule file with its table inside, if `read` has the file that it names; else as it was."""
    match = _REFERENCE.search(text)
    rows = read(match["file"]) if match else None
    if match is None or rows is None:
        return InlinedText(text)
    rows = rows.removeprefix("\ufeff").replace("\r\n", "\n").strip("\n")
    lines = [f"{_INDENT}{line}" if line else "" for line in rows.split("\n")]
    first = text.count("\n", 0, match.start()) + 2
    whole = f"{text[: match.start()]}table: |\n" + "\n".join(lines) + text[match.end() :]
    return InlinedText(whole, match["file"], rows, first, first + len(lines) - 1)


def taken_apart(text: str, table: str) -> tuple[str, str] | None:
    """The rule file that names `table`, and the rows that stood in it as a block; None if none do. Undoes `inlined`."""
    match = _BLOCK.search(text)
    if match is None:
        return None
    block = match["rows"].rstrip("\n")
    rows = "\n".join(line.removeprefix(_INDENT) for line in block.split("\n"))
    return f"{text[: match.start()]}table: {table}{text[match.start('rows') + len(block) :]}", rows
