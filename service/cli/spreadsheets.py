"""Excel sheets as CSV. What would be read as something else than Excel shows is refused, by cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeGuard

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell, MergedCell
from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.worksheet import Worksheet

from service.cli.number_formats import PercentSign, percent_sign
from service.core import TocsinError, workbooks

AnyCell = Cell | MergedCell | ReadOnlyCell | EmptyCell

_HEADER_ROWS = 2
_NAMED = 10
"""Cells that a message names."""


class NoSpreadsheet(TocsinError):
    """The file is no Excel workbook, has no such sheet, or has cells that cannot be read as they are shown."""


@dataclass
class _Refusals:
    """Places that cannot be read rightly, by what to do about them."""

    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, place: str) -> None:
        self.places.setdefault(what, []).append(place)

    def check(self, path: Path, sheet: str) -> None:
        """Raise `NoSpreadsheet` if there are any."""
        if self.places:
            sentences = [f"{_listed(places)}: {what}" for what, places in self.places.items()]
            raise NoSpreadsheet(f"{path}, sheet {sheet}: {'; '.join(sentences)}")


def as_csv(path: Path, sheet: str | None = None) -> str:
    """The values of a sheet as CSV; formulas by the value that Excel last saved. Cells merged in a column are filled.

    Raises `NoSpreadsheet`.
    """
    raw = path.read_bytes()
    try:
        workbooks.check_unpacked(raw)
        values = load_workbook(io.BytesIO(raw), data_only=True)
        _check_cells(values)
        formulas = load_workbook(io.BytesIO(raw), read_only=True)
        name = _sheet_of(path, values, sheet)
        formulas[name].reset_dimensions()  # what a sheet says of its size is often all of Excel's
        return _written(path, values[name], workbooks.within_size(formulas[name].rows))
    except workbooks.OversizedWorkbook as error:
        raise NoSpreadsheet(f"{path} {error}") from error
    except workbooks.DAMAGED_WORKBOOK as error:
        raise NoSpreadsheet(f"{path} is no Excel workbook (.xlsx): save it as one, or as CSV") from error


def _check_cells(workbook: Workbook) -> None:
    for sheet in workbook.worksheets:
        if sheet.max_row * sheet.max_column > workbooks.MAX_CELLS:
            last = f"{get_column_letter(sheet.max_column)}{sheet.max_row}"
            raise workbooks.OversizedWorkbook(workbooks.too_many(f"sheet {sheet.title} (its corner is {last})"))


def _sheet_of(path: Path, workbook: Workbook, sheet: str | None) -> str:
    """The sheet that is named, or the only one that is shown and holds anything."""
    sheets = {worksheet.title: worksheet for worksheet in workbook.worksheets}
    if sheet is not None:
        if sheet not in sheets:
            raise NoSpreadsheet(f"{path} has no sheet {sheet!r}; it has {', '.join(sheets)}")
        return sheet
    filled = [
        title
        for title, worksheet in sheets.items()
        if any(cell.value is not None for row in worksheet.rows for cell in row)
    ]
    visible = [title for title in filled if sheets[title].sheet_state == "visible"]
    if not filled:
        raise NoSpreadsheet(f"{path} holds nothing")
    if len(visible) != 1:
        names = ", ".join(visible or filled)
        raise NoSpreadsheet(f"{path} has several sheets: {names}. Say which one holds the table: --sheet NAME")
    return visible[0]


def _written(path: Path, sheet: Worksheet, formulas: Iterable[Sequence[AnyCell]]) -> str:
    refusals = _Refusals()
    _look_for_hidden(sheet, refusals)
    for value, written in _pairs(sheet, formulas):
        if value.value is None and _is_formula(written):  # read as empty it would mean "any value"
            refusals.add("a formula without a value: open it in Excel and save it", f"cell {written.coordinate}")
    filled = _filled(sheet, refusals)
    rows = [[_text(filled.get(cell.coordinate, cell), refusals) for cell in row] for row in sheet.rows]
    refusals.check(path, sheet.title)
    width = max((number for row in rows for number, text in enumerate(row, 1) if text), default=0)
    written_rows = io.StringIO()
    csv.writer(written_rows, lineterminator="\n").writerows(row[:width] for row in rows if any(row))
    return written_rows.getvalue()


def _pairs(sheet: Worksheet, formulas: Iterable[Sequence[AnyCell]]) -> Iterator[tuple[AnyCell, AnyCell]]:
    """Each cell as it is written with its value."""
    for row in formulas:
        for written in row:
            if _is_formula(written):
                yield sheet[written.coordinate], written


def _look_for_hidden(sheet: Worksheet, refusals: _Refusals) -> None:
    """Whoever looks at the sheet does not see them: nobody knows whether they are meant."""
    what = "hidden, and not empty: show it, or delete it"
    for number, row in sheet.row_dimensions.items():
        if (row.hidden or row.height == 0) and any(cell.value is not None for cell in _row(sheet, number)):
            refusals.add(what, f"row {number}")
    for column in sheet.column_dimensions.values():
        if not (column.hidden or column.width == 0):
            continue
        for number in range(column.min or 1, min(column.max or column.min or 1, sheet.max_column) + 1):
            cells = (sheet.cell(line, number) for line in range(1, sheet.max_row + 1))
            if any(cell.value is not None for cell in cells):
                refusals.add(what, f"column {get_column_letter(number)}")


def _row(sheet: Worksheet, number: int) -> Sequence[AnyCell]:
    return sheet[number] if number <= sheet.max_row else ()


def _filled(sheet: Worksheet, refusals: _Refusals) -> dict[str, AnyCell]:
    """The first cell of each merged range for the cells below it: a merged cell stands for each of its rows."""
    first: dict[str, AnyCell] = {}
    for merged in sheet.merged_cells.ranges:
        if _is_in_one_column(merged):
            top = sheet.cell(merged.min_row, merged.min_col)
            first.update(
                {sheet.cell(row, merged.min_col).coordinate: top for row in range(merged.min_row, merged.max_row + 1)}
            )
        elif sheet.cell(merged.min_row, merged.min_col).value is not None:
            refusals.add(
                "merged across columns or headings: unmerge them, and write each cell's own value", merged.coord
            )
    return first


def _is_in_one_column(merged: CellRange) -> bool:
    return merged.min_col == merged.max_col and merged.min_row > _HEADER_ROWS


def _is_formula(cell: AnyCell) -> TypeGuard[Cell | ReadOnlyCell]:
    return not isinstance(cell, MergedCell | EmptyCell) and cell.data_type == "f"


def _text(cell: AnyCell, refusals: _Refusals) -> str:
    """A cell as it is shown: numbers without binary noise, a percentage with its sign, days by ISO 8601."""
    if not isinstance(cell, MergedCell | EmptyCell) and cell.data_type == "e":
        refusals.add("an error: mend its formula, or empty it", f"cell {cell.coordinate} ({cell.value})")
        return ""
    match cell.value:
        case None:
            return ""
        case bool() as truth:
            return str(truth).lower()
        case int() | float() as number:
            return _number(cell, Decimal(repr(number)), refusals)
        case datetime(hour=0, minute=0, second=0) as day:
            return day.date().isoformat()
        case datetime() as moment:
            return f"{moment.isoformat()}Z"
        case date() as day:
            return day.isoformat()
        case value:
            return str(value).strip()


def _number(cell: AnyCell, number: Decimal, refusals: _Refusals) -> str:
    number_format = str(getattr(cell, "number_format", "General"))
    match percent_sign(number_format, (number > 0) - (number < 0)):
        case PercentSign.SHARE:
            return f"{_plain(number * 100)}%"
        case PercentSign.LITERAL:
            return f"{_plain(number)}%"
        case PercentSign.UNCLEAR:
            what = "its format says not clearly whether it is a percentage: give it a plain one, such as 0%"
            refusals.add(what, f"cell {getattr(cell, 'coordinate', '')} ({number_format})")
            return ""
        case PercentSign.PLAIN:
            return _plain(number)


def _plain(number: Decimal) -> str:
    return f"{number.to_integral_value() if number == number.to_integral_value() else number.normalize():f}"


def _listed(places: Sequence[str]) -> str:
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return f"{', '.join(places[:_NAMED])}{more}"
