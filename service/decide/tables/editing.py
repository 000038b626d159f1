"""The table of a rule file as cells, and the file with some of its rows changed where they stand.

Only what differs is written anew: other cells keep their quotes and blanks, other lines of the file stay as they are.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from service.core import TocsinError
from service.decide.tables.sheet import raw_rows

_TABLE = re.compile(r"^table:[ \t]*\|[ \t]*(?:#[^\n]*)?\n", re.MULTILINE)
_NEEDS_QUOTES = re.compile('[,"\n]')


class NoTableHere(TocsinError):
    """A rule file has no table of its own."""

    def __init__(self) -> None:
        super().__init__("This rule file has no table: its rules are written one by one. Change its text.")


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A row as it is to stand in the table: `was` is the row that it was, counted from 1, or None for a new one."""

    cells: Sequence[str]
    was: int | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """A row as the file writes it: its cells raw, and the line that it begins on, counted from 1."""

    raw: Sequence[str]
    line: int

    @property
    def cells(self) -> tuple[str, ...]:
        return tuple(_value(raw) for raw in self.raw)


@dataclass(frozen=True, slots=True)
class EditableTable:
    """The block `table: |` of a rule file: two head rows and a row a rule."""

    before: str
    indent: str
    head: Sequence[_Line]
    rows: Sequence[_Line]
    after: str

    @classmethod
    def of(cls, source: str) -> EditableTable:
        """The table of a rule file; `NoTableHere`."""
        source = source.replace("\r\n", "\n")
        begin = _TABLE.search(source)
        if begin is None:
            raise NoTableHere
        lines = list(_block(source[begin.end() :]))
        block = "".join(lines)
        indent = min((_indent(line) for line in lines if line.strip()), key=len, default="")
        written = [line.removeprefix(indent).removesuffix("\n") for line in lines]
        first = source.count("\n", 0, begin.end()) + 1
        every = (_Line(raw, first + line) for raw, line in raw_rows("\n".join([*written, ""])))
        rows = [row for row in every if any(row.cells)]
        if len(rows) < len(("names", "roles")) or not indent:
            raise NoTableHere
        return cls(source[: begin.end()], indent, rows[:2], rows[2:], source[begin.end() + len(block) :])

    @property
    def columns(self) -> Sequence[tuple[str, str]]:
        """The name of each column, and its role."""
        names, roles = (line.cells for line in self.head)
        count = max(len(names), len(roles))
        return list(zip(_filled(names, count), _filled(roles, count), strict=True))

    def cells(self, first: int, count: int) -> Sequence[Sequence[str]]:
        """The cells of some rows, counted from 1; each has a cell for every column."""
        return [_filled(row.cells, len(self.columns)) for row in self.rows[first - 1 : first - 1 + count]]

    def with_rows(self, first: int, count: int, rows: Iterable[WrittenRow]) -> str:
        """The rule file with `count` rows from `first` on replaced by these."""
        kept_above, kept_below = self.rows[: first - 1], self.rows[first - 1 + count :]
        changed = [self._raw(row) for row in rows]
        every = [*(line.raw for line in (*self.head, *kept_above)), *changed, *(line.raw for line in kept_below)]
        return self.before + "".join(f"{self.indent}{','.join(raw)}\n" for raw in every) + self.after

    def _raw(self, row: WrittenRow) -> Sequence[str]:
        old = self.rows[row.was - 1].raw if row.was is not None and 0 < row.was <= len(self.rows) else ()
        values = [_value(raw) for raw in old]
        kept = [
            old[place] if place < len(old) and values[place] == text.strip() else _written(text)
            for place, text in enumerate(row.cells)
        ]
        return [*kept, *old[len(kept) :]]


def _block(text: str) -> Iterator[str]:
    """The lines of a block scalar: those that are indented, without blank ones at its end."""
    blank: list[str] = []
    for line in io.StringIO(text, newline="\n"):
        if not line.strip():
            blank.append(line)
        elif line[0] == " ":
            yield from (*blank, line)
            blank = []
        else:
            return


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" "))]


def _value(raw: str) -> str:
    text = raw.strip()
    return text[1:-1].replace('""', '"').strip() if len(text) > 1 and text[0] == text[-1] == '"' else text


def _written(text: str) -> str:
    """A cell as CSV; a line break becomes a blank, for a row is one line."""
    text = " ".join(text.split("\n")).strip()
    return '"{}"'.format(text.replace('"', '""')) if _NEEDS_QUOTES.search(text) else text


def _filled(cells: Sequence[str], count: int) -> Sequence[str]:
    return [*cells[:count], *[""] * (count - len(cells))]
