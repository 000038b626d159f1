"""Profiles from files: CSV with a header line, or JSON as the multi-language notification sample writes it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.core import exact_json
from service.core.errors import TocsinError
from service.recipients.profile import FIELDS, Fault, ProfileRefused, ProfileRules, Recipient, parse_id

_OTHER_NAMES = {"phoneme": "voice_locale", "event_id": "audience"}
"""What the sample calls a profile's fields."""


class UnreadableFile(TocsinError):
    """The file is neither CSV nor JSON of profiles."""


@dataclass(frozen=True, slots=True)
class Row:
    """A profile of a file and the audience it names there."""

    recipient: Recipient
    audience: str | None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """What is wrong with one row; `number` is its line in a CSV file, its place (from 1) in JSON."""

    number: int
    faults: tuple[Fault, ...]


def read_rows(path: Path, rules: ProfileRules) -> Iterator[Row | RefusedRow]:
    """Every row of a file, parsed or refused; `UnreadableFile` if it holds no rows at all.

    A person may stand in several rows, for several audiences, but only with one and the same profile.
    """
    raw_rows = _json_rows(path) if path.suffix.lower() == ".json" else _csv_rows(path)
    first: dict[str, tuple[int, int]] = {}
    for number, raw in raw_rows:
        row = _row(number, raw, rules)
        if isinstance(row, Row):
            before, profile = first.setdefault(row.recipient.user_id, (number, hash(row.recipient)))
            if profile != hash(row.recipient):
                row = RefusedRow(number, (Fault("user_id", f"stands in row {before} already, with another profile"),))
        yield row


def _row(number: int, raw: Mapping[str, object], rules: ProfileRules) -> Row | RefusedRow:
    fields = {_OTHER_NAMES.get(name, name): value for name, value in raw.items()}
    audience = fields.pop("audience", None) or None
    try:
        recipient = rules.parse(fields)
        return Row(recipient, None if audience is None else parse_id(str(audience)))
    except ProfileRefused as refused:
        return RefusedRow(number, refused.faults)
    except TocsinError as error:
        return RefusedRow(number, (Fault("audience", str(error)),))


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restkey="more", restval="")
        try:
            if not {"user_id", "language", "preference"} <= set(reader.fieldnames or ()):
                names = ", ".join((*FIELDS, "audience"))
                raise UnreadableFile(f"{path.name}: the first line must name the columns, of {names}")
            for raw in reader:
                yield reader.line_num, raw
        except (csv.Error, UnicodeDecodeError) as error:
            raise UnreadableFile(f"{path.name}, after line {reader.line_num}: {error}: save it as UTF-8 CSV") from error


def _json_rows(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        document = exact_json.loads(path.read_bytes())
    except exact_json.NotJson as error:
        raise UnreadableFile(f"{path.name} is not JSON: {error}") from error
    if not isinstance(document, list):
        raise UnreadableFile(f"{path.name} must hold a list of profiles: [{{...}}, ...]")
    for number, raw in enumerate(document, 1):
        if not isinstance(raw, dict):
            raise UnreadableFile(f"{path.name}: entry {number} is not an object")
        yield number, raw
