"""Profiles from files: tables as spreadsheets write them, or JSON as the multi-language notification sample does."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from service.core import TocsinError, caseless, exact_json, nearest_word
from service.recipients.profile import FIELDS, Fault, ProfileRefused, ProfileRules, Recipient, parse_id
from service.recipients.tables import Table, UnreadableTable, read_table
from service.recipients.workbooks import IS_OLD_WORKBOOK, IS_WORKBOOK, read_workbook
from service.recipients.written_phones import PhoneUnclear, international

SAMPLE_NAMES = {"phoneme": "voice_locale", "event_id": "audience"}
"""What the sample calls a profile's fields."""

COLUMNS = (*FIELDS, "audience")
REQUIRED = frozenset({"user_id", "language", "preference"})

MAX_ROWS = 200_000
"""Of one file: all are looked at before the first is stored."""

_SEPARATING = re.compile(r"[\W_]+")


class UnreadableFile(TocsinError):
    """The file is neither a table nor JSON of profiles."""


class TooManyRows(UnreadableFile):
    """The file has more rows than are looked at."""


@dataclass(frozen=True, slots=True)
class Row:
    """A profile of a file and the audience it names there."""

    recipient: Recipient
    audience: str | None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """What is wrong with one row; `number` is its line in a table, its place (from 1) in JSON."""

    number: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class SaidTwice:
    """What a row has for a field of which two columns say different things."""


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """The rows of a file, parsed or refused, and what it was read as, for people: `UTF-8, semicolons`."""

    rows: Iterator[Row | RefusedRow]
    read_as: str


def read_file(
    name: str, raw: bytes, rules: ProfileRules, country: str | None = None, *, most_rows: int = MAX_ROWS
) -> PeopleFile:
    """Every row of a file; `UnreadableFile` if it holds no rows at all, which reading them may raise, too.

    `country` (ISO 3166) is whose national phone numbers are read. A person may stand in several rows, for several
    audiences, but only with one and the same profile. A column that is none is one fault, and the rest is read.
    Reading ends with `TooManyRows` after `most_rows`, so that a long file costs no more than the longest that is taken.
    """
    if name.lower().endswith(".json") or _is_json(raw):
        return PeopleFile(_rows(_json_rows(name, raw), rules, country, most_rows), "JSON")
    try:
        table = _table(raw, most_rows)
        places, faults = _header(name, table)
    except UnreadableTable as error:
        raise UnreadableFile(f"{name} {error}") from error
    rows = _rows(_table_rows(name, table, places), rules, country, most_rows)
    return PeopleFile(_after(faults, rows), f"{table.encoding}, {table.separator}")


def read_rows(path: Path, rules: ProfileRules, country: str | None = None) -> Iterator[Row | RefusedRow]:
    """The rows of `read_file` for a file on this machine."""
    return read_file(path.name, path.read_bytes(), rules, country).rows


def named_plainly(raw: Mapping[str, object]) -> dict[str, object]:
    """A profile with the sample's names for its fields replaced by ours."""
    return {SAMPLE_NAMES.get(name, name): value for name, value in raw.items()}


def named_twice(raw: Mapping[str, object]) -> Sequence[Fault]:
    """The fields of a profile that stand there by our name and by the sample's, of which neither may be ignored."""
    both = ((old, new) for old, new in SAMPLE_NAMES.items() if old in raw and new in raw)
    return [Fault(old, f"says the same as {new}: leave one of them out") for old, new in both]


def _after(faults: RefusedRow | None, rows: Iterator[Row | RefusedRow]) -> Iterator[Row | RefusedRow]:
    if faults is not None:
        yield faults
    yield from rows


def _rows(
    raw_rows: Iterator[tuple[int, Mapping[str, object]]], rules: ProfileRules, country: str | None, most_rows: int
) -> Iterator[Row | RefusedRow]:
    first: dict[str, tuple[int, int]] = {}
    for position, (number, raw) in enumerate(raw_rows, 1):
        if position > most_rows:
            raise TooManyRows(f"it has more than {most_rows:,} rows: cut it into parts")
        row = _row(number, raw, rules, country)
        if isinstance(row, Row):
            before, profile = first.setdefault(row.recipient.user_id, (number, hash(row.recipient)))
            if profile != hash(row.recipient):
                row = RefusedRow(number, (Fault("user_id", f"stands in row {before} already, with another profile"),))
        yield row


def _row(number: int, raw: Mapping[str, object], rules: ProfileRules, country: str | None) -> Row | RefusedRow:
    if faults := named_twice(raw):
        return RefusedRow(number, tuple(faults))
    fields = named_plainly(raw)
    if "more" in fields:
        return RefusedRow(number, (Fault("more", "the row has more cells than there are columns"),))
    twice = [name for name, value in fields.items() if isinstance(value, SaidTwice)]
    if twice:
        return RefusedRow(number, tuple(Fault(name, "stands in two columns that differ here") for name in twice))
    audience, phone = fields.pop("audience", None), fields.get("phone")
    if not isinstance(audience, str | None):
        return RefusedRow(number, (Fault("audience", "must be text"),))
    unclear: str | None = None
    if isinstance(phone, str):
        try:
            fields["phone"] = international(phone, country)
        except PhoneUnclear as error:
            unclear = str(error)  # what is left without a + is refused below, for this reason
    try:
        recipient = rules.parse(fields)
        return Row(recipient, parse_id(audience) if audience else None)
    except ProfileRefused as refused:
        return RefusedRow(number, tuple(_said(fault, unclear) for fault in refused.faults))
    except TocsinError as error:
        return RefusedRow(number, (Fault("audience", str(error)),))


def _said(fault: Fault, unclear: str | None) -> Fault:
    return replace(fault, message=f"the phone number {unclear}") if fault.path == "phone" and unclear else fault


def _table(raw: bytes, most_rows: int) -> Table:
    if raw.startswith(IS_WORKBOOK):
        return read_workbook(raw, most_rows)
    if raw.startswith(IS_OLD_WORKBOOK):
        raise UnreadableTable("is a workbook of Excel 97: save it as .xlsx, or as CSV")
    return read_table(raw)


def _header(name: str, table: Table) -> tuple[Sequence[str | None], RefusedRow | None]:
    """Which field each column holds (None for none), and what is wrong with the columns."""
    number, header = next(table.rows, (1, ()))
    known = {_folded(column): column for column in COLUMNS} | {_folded(old): new for old, new in SAMPLE_NAMES.items()}
    places = [known.get(_folded(cell)) for cell in header]
    if not set(places) >= REQUIRED:
        missing = ", ".join(sorted(REQUIRED.difference(filter(None, places))))
        raise UnreadableFile(
            f"{name}: the first line must name the columns, of {', '.join(COLUMNS)}; {missing} is not among them "
            f"(read as {table.encoding}, {table.separator})"
        )
    faults = [_surplus(cell, known) for cell, place in zip(header, places, strict=True) if cell and place is None]
    faults += [
        Fault(place, f"is what {_columns(header, numbers)} say: leave one of them out")
        for place, numbers in _of_each_field(places).items()
        if len(numbers) > 1
    ]
    return places, RefusedRow(number, tuple(faults)) if faults else None


def _of_each_field(places: Sequence[str | None]) -> Mapping[str, Sequence[int]]:
    """The columns, numbered from 0, that hold each field."""
    fields = sorted({place for place in places if place is not None})
    return {field: [number for number, place in enumerate(places) if place == field] for field in fields}


def _columns(header: Sequence[str], numbers: Sequence[int]) -> str:
    return "the columns " + " and ".join(f'{number + 1} "{header[number]}"' for number in numbers)


def _surplus(cell: str, known: Mapping[str, str]) -> Fault:
    near = nearest_word(_folded(cell), known)
    hint = "leave the column out" if near is None else f"did you mean {known[near]}?"
    return Fault(cell, f"is no column of a profile: {hint}")


def _folded(cell: str) -> str:
    return _SEPARATING.sub("", caseless(cell))


def _table_rows(name: str, table: Table, places: Sequence[str | None]) -> Iterator[tuple[int, Mapping[str, object]]]:
    columns = _of_each_field(places)
    try:
        for number, cells in table.rows:
            row: dict[str, object] = {
                field: _said_by([cells[number] for number in numbers if number < len(cells)])
                for field, numbers in columns.items()
                if numbers[0] < len(cells)
            }
            if any(cells[len(places) :]):
                row["more"] = "cells"
            yield number, row
    except UnreadableTable as error:
        raise UnreadableFile(f"{name} {error}") from error


def _said_by(cells: Sequence[str]) -> str | SaidTwice:
    """The value of a field that one column holds, or several that do not contradict each other."""
    values = list(dict.fromkeys(filter(None, cells)))
    return SaidTwice() if len(values) > 1 else values[0] if values else ""


def _is_json(raw: bytes) -> bool:
    return raw.removeprefix(BOM_UTF8).lstrip()[:1] in (b"[", b"{")


def _json_rows(name: str, raw: bytes) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        document = exact_json.loads(raw.removeprefix(BOM_UTF8))
    except exact_json.NotJson as error:
        raise UnreadableFile(f"{name} is not JSON: {error}") from error
    if not isinstance(document, list):
        raise UnreadableFile(f"{name} must hold a list of profiles: [{{...}}, ...]")
    for number, row in enumerate(document, 1):
        if not isinstance(row, dict):
            raise UnreadableFile(f"{name}: entry {number} is not an object")
        yield number, row
