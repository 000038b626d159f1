"""Tables of text as spreadsheets write them: which encoding, which separator, which column holds what.

Excel writes `;` where a comma is the decimal sign, tabs as "Unicode text" in UTF-16, the code page of Western Europe as
"CSV", a line `sep=;` for itself, and rows of empty cells at the end. All of that is read, and said.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.core import TocsinError, composed, with_plain_blanks, without_directions, without_zero_width

MAX_BYTES = 64 * 1024 * 1024
"""Of one file."""

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

_SEP_LINE = re.compile(r"\ufeff?\"?sep=(?P<separator>[,;\t|])\"?\r?\n?", re.IGNORECASE)
_FORMULA_TEXT = re.compile(r'="(?P<text>[^"]*)"')
_ENOUGH_ZEROS = 4
"""Of 16 characters of ASCII in UTF-16, 16 bytes are zero; in other encodings none is."""


class UnreadableTable(TocsinError):
    """The file is no table of text."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file, the header first, each with the number of its last line; empty ones are left out.

    `encoding` and `separator` are names for people.
    """

    rows: Iterator[tuple[int, Sequence[str]]]
    encoding: str
    separator: str


def read_table(raw: bytes) -> Table:
    """The table that a file's bytes hold. `UnreadableTable`, which reading the rows may raise, too."""
    if len(raw) > MAX_BYTES:
        raise UnreadableTable(f"has {len(raw) / (1 << 20):,.0f} MiB, more than {MAX_BYTES >> 20}: cut it into parts")
    text, encoding = decoded(raw)
    declared = _SEP_LINE.match(text)
    begins_at, lines_before = (declared.end(), 1) if declared else (0, 0)
    body = text[begins_at:]
    separator = declared["separator"] if declared else _likeliest(body)
    return Table(_rows(body, separator, lines_before), encoding, SEPARATORS[separator])


def decoded(raw: bytes) -> tuple[str, str]:
    """The text of some bytes, and the name of its encoding; `UnreadableTable` where it has none."""
    for mark, encoding, name in (
        (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
        (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
        (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
    ):
        if raw.startswith(mark):
            return _strictly(raw, encoding, name)
    zeros = raw[:32].count(0)
    if zeros >= _ENOUGH_ZEROS:
        return _strictly(raw, "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be", "UTF-16")
    try:
        return raw.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        return _of_western_europe(raw, error)


def cleaned(cell: str) -> str:
    """A cell without what nobody sees: blanks around it, marks of direction and width, Excel's `="…"` around text.

    U+200C and U+200D join and part the letters of Persian and Indian names: those stay.
    """
    visible = with_plain_blanks(without_directions(without_zero_width(cell))).strip()
    wrapped = _FORMULA_TEXT.fullmatch(visible)
    return composed(wrapped["text"].strip() if wrapped else visible)


def _strictly(raw: bytes, encoding: str, name: str) -> tuple[str, str]:
    try:
        return raw.decode(encoding), name
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UnreadableTable(f"begins as {name}, but line {line} is none: save it once more as UTF-8 CSV") from error


def _of_western_europe(raw: bytes, error: UnicodeDecodeError) -> tuple[str, str]:
    """Windows-1252, unless the file is UTF-8 elsewhere: one of both would turn letters into others."""
    line = raw[: error.start].count(b"\n") + 1
    lenient = raw.decode("utf-8", "surrogateescape")
    if any(character > "\x7f" and not "\udc80" <= character <= "\udcff" for character in lenient):
        why = f"line {line} is not UTF-8, and other lines are: it was put together from files of two encodings"
        raise UnreadableTable(f"{why}. Save each as UTF-8 first") from error
    try:
        return raw.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        raise UnreadableTable(f"line {line} is neither UTF-8 nor Windows-1252: save it as UTF-8 CSV") from error


def _likeliest(text: str) -> str:
    """The separator that the first line has most often outside of quotes."""
    header = next(iter(text.lstrip().splitlines()), "")
    outside = re.sub(r'"[^"]*"', "", header)
    return max(SEPARATORS, key=outside.count)


def _rows(text: str, separator: str, lines_before: int) -> Iterator[tuple[int, Sequence[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for raw in reader:
            row = [cleaned(cell) for cell in raw] if any(raw) else []  # a file may end in a million empty lines
            if any(row):
                yield reader.line_num + lines_before, row
    except csv.Error as error:
        raise UnreadableTable(f"after line {reader.line_num + lines_before}: {error}") from error
