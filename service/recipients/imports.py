"""Bringing people in from a file: first every row is looked at, then all that fit are stored, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from service.recipients.directory import Directory
from service.recipients.files import PeopleFile, RefusedRow, Row

SHOWN = 100
"""Refused rows that an answer names."""

ImportProgress = Callable[[int], None]
"""Told how many rows were dealt with, now and then."""

STEP = 500
"""Rows after which progress is told."""


@dataclass(frozen=True, slots=True)
class CheckedProfiles:
    """What a file holds: rows that fit, and those that do not. `read_as` is its encoding and separator."""

    rows: Sequence[Row]
    refused: Sequence[RefusedRow]
    read_as: str


def check_profiles(file: PeopleFile, progress: ImportProgress = lambda _: None) -> CheckedProfiles:
    """Look at every row of a file, and store nothing."""
    rows, refused = list[Row](), list[RefusedRow]()
    for number, row in enumerate(file.rows, 1):
        if isinstance(row, Row):
            rows.append(row)
        else:
            refused.append(row)
        if number % STEP == 0:
            progress(STEP)
    return CheckedProfiles(rows, refused, file.read_as)


def store_profiles(
    rows: Sequence[Row], directory: Directory, audience: str | None, progress: ImportProgress = lambda _: None
) -> None:
    """Store profiles, each in the audience that its row names, or else in `audience`."""

    def belongs(row: Row) -> str:
        return row.audience or audience or ""

    for name, group in groupby(sorted(rows, key=belongs), belongs):
        everyone = [row.recipient for row in group]
        for start in range(0, len(everyone), STEP):
            some = everyone[start : start + STEP]
            if name:
                directory.add(name, some)
            else:
                directory.put_all(some)
            progress(len(some))


def refused_rows(refused: Sequence[RefusedRow]) -> Sequence[Mapping[str, object]]:
    """The rows that do not fit, with every fault."""
    return [
        {"row": row.number, "errors": [{"path": fault.path, "message": fault.message} for fault in row.faults]}
        for row in refused
    ]
