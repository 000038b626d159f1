"""What is asked of every Excel workbook that others send: its size unpacked, its cells, and what counts as damage."""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import TypeVar
from zipfile import BadZipFile, ZipFile, ZipInfo

from service.core.errors import TocsinError

T = TypeVar("T")

MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes of all parts together: a small file may unpack to a huge one."""

MAX_CELLS = 5_000_000
"""Of a sheet, empty ones before a filled one included: one letter in the last corner makes 17 billion."""

DAMAGED_WORKBOOK = (
    *(BadZipFile, zlib.error, lzma.LZMAError, struct.error, SyntaxError, EOFError, OSError),
    *(LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError, RuntimeError),
)
"""What `zipfile` and `openpyxl` raise over a workbook in memory that is none or is damaged.

Neither has an error of its own for it: a flipped bit is an encryption (RuntimeError) or a method of compression that
nobody has written (NotImplementedError), and a missing part is a KeyError.
"""

_AT_ONCE = 1 << 16
"""Bytes of a part that are looked at together."""

_LEAST_CELLS = 4
"""What a row counts as at least: Excel has a million rows, and a damaged file may speak of a billion."""


class OversizedWorkbook(TocsinError):
    """The workbook has more in it than is read; the text says how much, and what to do."""


def check_unpacked(raw: bytes) -> None:
    """`OversizedWorkbook` if its parts unpack to more than `MAX_UNPACKED`; one of `DAMAGED_WORKBOOK` if it has none."""
    with ZipFile(io.BytesIO(raw)) as parts:
        size = sum(part.file_size for part in parts.infolist())
    if size > MAX_UNPACKED:
        unpacked = f"unpacks to {size / (1 << 20):,.0f} MiB, more than {MAX_UNPACKED >> 20}"
        raise OversizedWorkbook(f"{unpacked}: copy the table alone into a new workbook")


def check_tags(raw: bytes, most: int) -> None:
    """`OversizedWorkbook` if its parts have more than `most` tags of XML, each of which costs a parser an element."""
    with ZipFile(io.BytesIO(raw)) as parts:
        tags = sum(_tags(parts, part) for part in parts.infolist())
    if tags > most:
        raise OversizedWorkbook(
            f"has {tags:,} tags of XML, more than {most:,}: copy the table alone into a new workbook"
        )


def _tags(parts: ZipFile, part: ZipInfo) -> int:
    """The tags of a part, as far as it can be read. Whoever needs a damaged part meets the damage again."""
    tags = 0
    try:
        with parts.open(part) as file:
            while piece := file.read(_AT_ONCE):
                tags += piece.count(b"<")
    except DAMAGED_WORKBOOK:
        return tags
    return tags


def within_size(rows: Iterator[Sequence[T]]) -> Iterator[Sequence[T]]:
    """The rows of a sheet; `OversizedWorkbook` after more than `MAX_CELLS` cells, an empty row counted as 4."""
    cells = 0
    for row in rows:
        cells += max(_LEAST_CELLS, len(row))
        if cells > MAX_CELLS:
            raise OversizedWorkbook(too_many("the sheet"))
        yield row


def too_many(sheet: str) -> str:
    """What is said of a sheet with too many cells."""
    return (
        f"has more than {MAX_CELLS:,} cells up to the last one that is filled in {sheet}: "
        "copy the table alone into a new workbook"
    )
