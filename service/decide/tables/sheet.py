"""CSV as rows of cells that know their place in the file (RFC 4180, lines ended by LF or CR LF)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from typing_extensions import override

from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.positions import Scalar, Source
from service.decide.ruleset import Place

_FIELD = re.compile(r'[ \t]*"((?:[^"]|"")*)"[ \t]*(?=[,\n]|\Z)|([^,\n]*)')


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell, without blanks around it."""

    text: str
    at: Place

    def scalar(self, text: str | None = None) -> Scalar:
        """The cell, or another text in its place, as a value of a rule file."""
        shown = self.text if text is None else text
        return Scalar(shown, '"', self.at, 0, len(shown), _CellSource(shown, (0,), self.at))

    def number(self, text: str) -> Scalar:
        """A number in the cell's place."""
        return Scalar(text, "", self.at, 0, len(text), _CellSource(text, (0,), self.at))


@dataclass(frozen=True, slots=True)
class _CellSource(Source):
    """A source that is one cell: its offsets are places in the file."""

    at: Place

    @override
    def place(self, offset: int) -> Place:
        return Place(self.at.line, self.at.column + offset)


def rows(text: str, first: Place, faults: RuleFaults) -> Iterator[list[Cell]]:
    """The rows that are not blank; the text begins at `first`, and each of its lines at that column."""
    row: list[Cell] = []
    for field, line, column, ends in _fields(text.replace("\r\n", "\n")):
        row.append(_cell(field, Place(first.line + line, first.column + column), faults))
        if ends:
            if any(cell.text for cell in row):
                yield row
            row = []


def raw_rows(text: str) -> Iterator[tuple[list[str], int]]:
    """The rows, each cell as it is written, with the line (from 0) that the row begins on."""
    row: list[str] = []
    begins = 0
    for field, line, _, ends in _fields(text):
        begins = begins if row else line
        row.append(field[0])
        if ends:
            yield row, begins
            row = []


def _fields(text: str) -> Iterator[tuple[re.Match[str], int, int, bool]]:
    """Each field with its line and column, counted from 0, and whether it ends its row."""
    line, start, offset = 0, 0, 0
    while offset < len(text):
        field = _FIELD.match(text, offset)
        if field is None:  # pragma: no cover  (the pattern matches the empty field)
            return
        ends = field.end() == len(text) or text[field.end()] == "\n"
        yield field, line, offset - start, ends
        line += text.count("\n", offset, field.end())
        offset = field.end() + 1
        if ends:
            line, start = line + 1, offset


class Grid:
    """Which row and column of a spreadsheet a place of its CSV stands in: `row 3, column C`."""

    def __init__(self, text: str) -> None:
        self._places: list[tuple[int, int]] = []
        self._cells: list[tuple[int, int]] = []
        row, column = 1, 1
        for _, line, begins, ends in _fields(text.replace("\r\n", "\n")):
            self._places.append((line + 1, begins + 1))
            self._cells.append((row, column))
            row, column = (row + 1, 1) if ends else (row, column + 1)

    def cell(self, at: Place) -> str:
        """The cell that a place stands in, as a spreadsheet names it."""
        position = bisect_right(self._places, (at.line, at.column))
        row, column = self._cells[position - 1] if position else (1, 1)
        return f"row {row}, column {_letters(column)}"


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _cell(field: re.Match[str], at: Place, faults: RuleFaults) -> Cell:
    quoted, bare = field[1], field[2]
    if quoted is not None:
        inside = Place(at.line, at.column + field.start(1) - field.start())
        return Cell(quoted.replace('""', '"').strip(), inside)
    text = bare.strip()
    if text.startswith('"'):
        faults.error(Flaw.SYNTAX, at, "this cell begins with a quote that does not end it", 'double quotes inside: ""')
    return Cell(text, Place(at.line, at.column + len(bare) - len(bare.lstrip())))
