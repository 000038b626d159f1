"""Excel sheets as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeGuard
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.cell import Cell, MergedCell
from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell
from openpyxl.utils.exceptions import InvalidFileException

from service.errors import TocsinError

Row = Sequence[Cell | MergedCell | ReadOnlyCell | EmptyCell]


class NoSpreadsheet(TocsinError):
    """The file is no Excel workbook, has no such sheet, or lacks values of its formulas."""


def as_csv(path: Path, sheet: str | None = None) -> str:
    """The values of a sheet (the first if none is named) as CSV; formulas by the value that Excel last saved.

    Raises `NoSpreadsheet`.
    """
    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
        formulas = load_workbook(path, read_only=True)
    except (InvalidFileException, BadZipFile, KeyError) as error:
        raise NoSpreadsheet(f"{path} is no Excel workbook (.xlsx): save it as one, or as CSV") from error
    if sheet is not None and sheet not in workbook.sheetnames:
        raise NoSpreadsheet(f"{path} has no sheet {sheet!r}; it has {', '.join(workbook.sheetnames)}")
    name = sheet or workbook.sheetnames[0]
    if unsaved := _unsaved(workbook[name].rows, formulas[name].rows):
        # Read as empty they would mean "any value".
        raise NoSpreadsheet(f"{path}: {', '.join(unsaved)}: a formula without a value: open it in Excel and save it")
    rows = [[_text(cell) for cell in row] for row in workbook[name].rows]
    width = max((number for row in rows for number, text in enumerate(row, 1) if text), default=0)
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(row[:width] for row in rows if any(row))
    return written.getvalue()


def _unsaved(values: Iterable[Row], formulas: Iterable[Row]) -> list[str]:
    """Cells that hold a formula whose value no program has saved."""
    pairs = (pair for both in zip(values, formulas, strict=True) for pair in zip(*both, strict=True))
    return [f"cell {written.coordinate}" for value, written in pairs if value.value is None and _is_formula(written)]


def _is_formula(cell: Cell | MergedCell | ReadOnlyCell | EmptyCell) -> TypeGuard[Cell | ReadOnlyCell]:
    return not isinstance(cell, MergedCell | EmptyCell) and cell.data_type == "f"


def _text(cell: Cell | MergedCell | ReadOnlyCell | EmptyCell) -> str:
    """A cell as it is shown: numbers without binary noise, a percentage with its sign, days by ISO 8601."""
    match cell.value:
        case None:
            return ""
        case bool() as truth:
            return str(truth).lower()
        case int() | float() as number:
            percent = str(getattr(cell, "number_format", "")).endswith("%")
            return f"{_plain(Decimal(repr(number)) * 100)}%" if percent else _plain(Decimal(repr(number)))
        case datetime(hour=0, minute=0, second=0) as day:
            return day.date().isoformat()
        case datetime() as moment:
            return f"{moment.isoformat()}Z"
        case date() as day:
            return day.isoformat()
        case value:
            return str(value).strip()


def _plain(number: Decimal) -> str:
    return f"{number.to_integral_value() if number == number.to_integral_value() else number.normalize():f}"
