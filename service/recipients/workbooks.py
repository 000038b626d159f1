"""The first sheet of an Excel workbook as rows of text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from service.core import DAMAGED_WORKBOOK, OversizedWorkbook, check_tags, check_unpacked, within_size
from service.recipients.tables import Table, UnreadableTable, cleaned

IS_WORKBOOK = b"PK\x03\x04"
"""How a file in the new format begins (it is a ZIP)."""

IS_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
"""How a file of Excel 97 begins, which nothing here reads."""

_TAGS_A_ROW = 150
"""Ten columns of text need some 80: four for a cell, as many for its text, and two for the row."""


def read_workbook(raw: bytes, most_rows: int) -> Table:
    """The first sheet that is shown; `UnreadableTable`. Numbers are digits, formulas the value that was saved last.

    What holds many more tags than a table of `most_rows` is refused before it is parsed.
    """
    from openpyxl import load_workbook  # takes a while to import, and few calls need it

    try:
        check_unpacked(raw)
        check_tags(raw, most_rows * _TAGS_A_ROW)
        workbook = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        shown = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
        if not shown:
            raise UnreadableTable("has no sheet that is shown")
        shown[0].reset_dimensions()  # what a sheet says of its size is often all of Excel's
        return Table(_rows(shown[0].iter_rows(values_only=True)), f"Excel, sheet {shown[0].title}", "cells")
    except OversizedWorkbook as error:
        raise UnreadableTable(str(error)) from error
    except DAMAGED_WORKBOOK as error:
        raise UnreadableTable("is no Excel workbook (.xlsx): save it as one, or as CSV") from error


def _rows(rows: Iterator[Sequence[object]]) -> Iterator[tuple[int, Sequence[str]]]:
    try:
        for number, values in enumerate(within_size(rows), 1):
            row = [_text(value) for value in values]
            if any(row):
                yield number, row
    except OversizedWorkbook as error:
        raise UnreadableTable(str(error)) from error
    except DAMAGED_WORKBOOK as error:
        raise UnreadableTable("is damaged: open it in Excel and save it once more") from error


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float() if value.is_integer():
            return str(int(value))
        case datetime() | date():
            return value.isoformat()
        case _:
            return cleaned(str(value))
