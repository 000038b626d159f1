"""The table of a rule file as cells over HTTP: read it, and write the file with some rows changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Scope
from service.decide import EditableTable, NoTableHere, WrittenRow
from service.http import Body, FieldError, Shown, endpoint, invalid, shown_by
from service.rulesets.schemas import MAX_FILE_BYTES

MOST_ROWS = 1_000
"""Rows of one call."""

MOST_COLUMNS = 500

CellText = Annotated[str, Field(max_length=2_000)]


class GridRow(Body):
    """A row as it is to be: `row` is the row that it was, counted from 1 below the head rows; null for a new row."""

    row: Annotated[int | None, Field(ge=1)] = None
    cells: Annotated[Sequence[CellText], Field(max_length=MOST_COLUMNS)]


class GridRequest(Body):
    """A rule file, which rows of its table to show, and what is to stand in their place, if anything is."""

    model_config = shown_by(
        {
            "source": "ruleset: lift\n…\ntable: |\n  rule,floor,fee\n  ,in,out:set\n  High,> 3,10\n",
            "rows": [{"row": 1, "cells": ["High", "> 4", "10"]}],
            "count": 1,
        }
    )

    source: Annotated[str, Field(max_length=MAX_FILE_BYTES, description="The text of the rule file.")]
    first: Annotated[int, Field(ge=1, description="The first of the rows.")] = 1
    count: Annotated[int, Field(ge=0, le=MOST_ROWS, description="How many rows.")] = 100
    rows: Annotated[
        Sequence[GridRow] | None, Field(max_length=MOST_ROWS, description="These rows instead of them.")
    ] = None


class GridColumn(Shown):
    """A column by its two head rows."""

    name: str
    role: str


class ShownGridRow(Shown):
    """A row; `line` is where it begins in the text."""

    row: int
    line: int
    cells: tuple[str, ...]


class ShownTable(Shown):
    """The table of `source` after the change: its columns, and the rows that were asked for."""

    source: str
    columns: tuple[GridColumn, ...]
    rows: tuple[ShownGridRow, ...]
    rows_in_all: int


def add_grid(routes: Blueprint) -> None:
    """`POST /v1/rulesets/{name}/grid`."""

    @endpoint(
        routes,
        "POST",
        "/v1/rulesets/<name>/grid",
        summary="Change cells of a table",
        scope=Scope.RULES_READ,
        body=GridRequest,
        body_limit=2 * MAX_FILE_BYTES,
        answers={200: ShownTable},
    )
    def edit_grid(name: str, body: GridRequest) -> ShownTable:
        """Write a rule file with other rows in its table; quotes, order and all other lines stay as they are.

        Nothing is checked or published: send the `source` of the answer to `check` and `versions`. Without `rows` the
        table is only shown.
        """
        del name  # the same for every ruleset
        try:
            table = EditableTable.of(body.source)
            if body.rows is not None:
                rows = [WrittenRow(each.cells, each.row) for each in body.rows]
                source = table.with_rows(body.first, body.count, rows)
                return _shown(source, EditableTable.of(source), body)
        except NoTableHere as error:
            raise invalid([FieldError("source", str(error))]) from error
        return _shown(body.source, table, body)


def _shown(source: str, table: EditableTable, body: GridRequest) -> ShownTable:
    count = body.count if body.rows is None else max(body.count, len(body.rows))
    cells = table.cells(body.first, count)
    lines = [row.line for row in table.rows[body.first - 1 :]]
    return ShownTable(
        source=source,
        columns=tuple(GridColumn(name=column, role=role) for column, role in table.columns),
        rows=tuple(
            ShownGridRow(row=number, line=line, cells=tuple(row))
            for number, (row, line) in enumerate(zip(cells, lines, strict=False), body.first)
        ),
        rows_in_all=len(table.rows),
    )
