"""Files of people over HTTP: stored beside what there is, or in place of an audience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import phonenumbers
from flask import Blueprint
from pydantic import Field

from service.core import Scope, deadline
from service.http import JSON, Answer, FieldError, Format, Problem, ProblemType, Query, Shown, endpoint, invalid
from service.recipients.directory import Directory
from service.recipients.files import TooManyRows, UnreadableFile, read_file
from service.recipients.imports import SHOWN, CheckedProfiles, check_profiles, refused_rows, store_profiles
from service.recipients.people import ProfileRows
from service.recipients.profile import ProfileRules, is_id

MAX_FILE = 4 * 1024 * 1024
"""Bytes of a file in one call; larger ones are for `tocsin recipients import`."""

MAX_ROWS = 10_000

STORED_WITHIN_S = 60.0
"""How long the store may take for all rows of a file."""

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ImportQuery(Query):
    """How a file is taken."""

    audience: Annotated[str | None, Field(max_length=64, description="Of rows that name none of their own.")] = None
    country: Annotated[
        str | None, Field(min_length=2, max_length=2, description="Whose national phone numbers are read, such as GB.")
    ] = None
    partial: Annotated[bool, Field(description="Store the rows that fit although others do not.")] = False
    dry_run: Annotated[bool, Field(description="Look at every row and store nothing.")] = False


class ReplaceQuery(Query):
    """How a file takes the place of an audience."""

    country: Annotated[
        str | None, Field(min_length=2, max_length=2, description="Whose national phone numbers are read, such as GB.")
    ] = None
    dry_run: Annotated[bool, Field(description="Look at every row and change nothing.")] = False


class RowFault(Shown):
    """One field of a row that does not fit."""

    path: str
    message: str


class RefusedRowView(Shown):
    """A row that does not fit: its line in a table, its place from 1 in JSON."""

    row: int
    errors: Sequence[RowFault]


class Imported(Shown):
    """What became of a file. `read_as` is its encoding and separator, `fit` the rows that could be stored."""

    read_as: str
    fit: int
    stored: int
    refused: int
    refused_rows: Sequence[RefusedRowView]


def add_imports(routes: Blueprint, directory: Directory, rules: ProfileRules) -> None:
    """`POST /v1/recipients` and `PUT /v1/audiences/{audience}/recipients`."""
    _add_import(routes, directory, rules)
    _add_replace(routes, directory, rules)


def _add_import(routes: Blueprint, directory: Directory, rules: ProfileRules) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/recipients",
        summary="Store the people of a file",
        scope=Scope.RECIPIENTS,
        body=_formats(),
        body_limit=MAX_FILE,
        query=ImportQuery,
        answers={200: Imported},
    )
    def import_recipients(body: bytes, query: ImportQuery) -> Answer:
        """A table (CSV, tabs, Excel) whose first line names the columns, or a JSON list of profiles; up to 10,000 rows.

        The rows of the multi-language notification sample fit as they are. Nothing is stored unless every row fits, or
        with `partial` what does.
        """
        _check_audience(query.audience)
        looked = _looked(body, rules, query.country)
        if not query.dry_run:
            if looked.refused and not query.partial:
                raise _refused(looked)
            with deadline.within(STORED_WITHIN_S):
                store_profiles(looked.rows, directory, query.audience)
        return Answer(_imported(looked, 0 if query.dry_run else len(looked.rows)))


def _add_replace(routes: Blueprint, directory: Directory, rules: ProfileRules) -> None:
    @endpoint(
        routes,
        "PUT",
        "/v1/audiences/<audience>/recipients",
        summary="Let the people of a file be an audience",
        scope=Scope.RECIPIENTS,
        body=_formats(),
        body_limit=MAX_FILE,
        query=ReplaceQuery,
        answers={200: Imported},
    )
    def replace_audience(audience: str, body: bytes, query: ReplaceQuery) -> Answer:
        """Whoever reads the audience meanwhile finds the old list or the new one: they are switched in one write.

        The file is as for `POST /v1/recipients`; an `audience` column is not looked at. Nothing changes unless every
        row fits. A file of no rows empties the audience.
        """
        _check_audience(audience)
        looked = _looked(body, rules, query.country)
        if not query.dry_run:
            if looked.refused:
                raise _refused(looked)
            with deadline.within(STORED_WITHIN_S):
                directory.replace(audience, [row.recipient for row in looked.rows])
        return Answer(_imported(looked, 0 if query.dry_run else len(looked.rows)))


def _formats() -> Sequence[Format]:
    kinds = ("text/csv", "text/tab-separated-values", EXCEL)
    return [Format(JSON, lambda raw: raw, ProfileRows), *(Format(kind, lambda raw: raw) for kind in kinds)]


def _looked(raw: bytes, rules: ProfileRules, country: str | None) -> CheckedProfiles:
    if country is not None and country.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise invalid([FieldError("country", "is no country: write two letters, such as GB or DE (ISO 3166)")])
    try:
        looked = check_profiles(read_file("the file", raw, rules, country and country.upper(), most_rows=MAX_ROWS))
    except TooManyRows as error:
        raise Problem(
            ProblemType.TOO_LARGE, f"The file has more than {MAX_ROWS:,} rows: send them in parts."
        ) from error
    except UnreadableFile as error:
        raise Problem(ProblemType.INVALID, f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    return looked


def _refused(looked: CheckedProfiles) -> Problem:
    """422 with the first refused rows, each fault at its row."""
    errors = [
        FieldError(f"row {row.number}: {fault.path}", fault.message)
        for row in looked.refused[:SHOWN]
        for fault in row.faults
    ]
    rows = len(looked.refused)
    more = f", of which {SHOWN} are named" if rows > SHOWN else ""
    detail = f"{rows} of {rows + len(looked.rows)} rows do not fit{more}: nothing is stored (read as {looked.read_as})."
    return invalid(errors, detail)


def _imported(looked: CheckedProfiles, stored: int) -> Mapping[str, object]:
    return {
        "read_as": looked.read_as,
        "fit": len(looked.rows),
        "stored": stored,
        "refused": len(looked.refused),
        "refused_rows": refused_rows(looked.refused[:SHOWN]),
    }


def _check_audience(audience: str | None) -> None:
    if audience is not None and not is_id(audience):
        raise invalid([FieldError("audience", "must be 1 to 64 letters, digits, - or _")])
