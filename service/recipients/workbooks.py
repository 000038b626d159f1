"""The first sheet of an Excel workbook as rows of text."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from zipfile import BadZipFile, ZipFile

from service.recipients.tables import Table, UnreadableTable, cleaned

MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes of all parts together: a small file may unpack to a huge one."""

IS_WORKBOOK = b"PK\x03\x04"
"""How a file in the new format begins (it is a ZIP)."""

IS_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
"""How a file of Excel 97 begins, which nothing here reads."""

_DAMAGED = (BadZipFile, KeyError, ValueError, TypeError, AttributeError, SyntaxError, EOFError, zlib.error)


def read_workbook(raw: bytes) -> Table:
    """The first sheet that is shown; `UnreadableTable`. Numbers are digits, formulas the value that was saved last."""
    from openpyxl import load_workbook  # takes a while to import, and few calls need it

    try:
        with ZipFile(io.BytesIO(raw)) as parts:
            size = sum(part.file_size for part in parts.infolist())
        if size > MAX_UNPACKED:
            raise UnreadableTable(f"unpacks to {size / (1 << 20):,.0f} MiB, more than {MAX_UNPACKED >> 20}")
        workbook = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        shown = [sheet for sheet in workbook.worksheets if sheet.sheet_state == "visible"]
        if not shown:
            raise UnreadableTable("has no sheet that is shown")
        return Table(_rows(shown[0].iter_rows(values_only=True)), f"Excel, sheet {shown[0].title}", "cells")
    except _DAMAGED as error:
        raise UnreadableTable("is no Excel workbook (.xlsx): save it as one, or as CSV") from error


def _rows(rows: Iterator[Sequence[object]]) -> Iterator[tuple[int, Sequence[str]]]:
    try:
        for number, values in enumerate(rows, 1):
            row = [_text(value) for value in values]
            if any(row):
                yield number, row
    except _DAMAGED as error:
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
