"""Changing the table of a ruleset cell by cell, as in a spreadsheet; its text stays what is published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.console.pages.rules import number_of
from service.http import Problem, ProblemType

ROWS = 100
"""Rows of a page."""

Row = Mapping[str, Any]
"""The cells of a row, and which row of the text it was: null for a new one."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is edited: the text, the digest of the version on which it was begun, and rows that stand for some of it."""

    name: str
    source: str
    sha256: str
    first: int = 1
    count: int = ROWS
    rows: Sequence[Row] | None = None

    def written(self) -> calls.Document:
        """The table with what was typed in its cells, as a new text."""
        rows = {} if self.rows is None else {"rows": list(self.rows)}
        body = {"source": self.source, "first": self.first, "count": self.count, **rows}
        return calls.send("rulesets.edit_grid", body, name=self.name)


def add_to(routes: Blueprint) -> None:
    """Serve the table, what the buttons of its rows do, its check and the publishing."""

    @routes.get("/rules/<name>/table")
    def table(name: str) -> str:
        return _page(_active(name))

    @takes_form(routes, "/rules/<name>/table", "rulesets.edit_grid")
    def change_rows(name: str) -> str:
        return _page(_changed(_typed(name), request.form.get("do", "")))

    @takes_form(routes, "/rules/<name>/table/check", "rulesets.check_ruleset")
    def check_table(name: str) -> str:
        sheet = _typed(name)
        written = sheet.written()
        report = calls.send("rulesets.check_ruleset", written["source"], name=name)
        return _page(sheet, written=written, report=report)

    @takes_form(routes, "/rules/<name>/table/publish", "rulesets.publish_version")
    def publish_table(name: str) -> str | Response:
        return _published(_typed(name))


def _active(name: str) -> Sheet:
    shown = calls.read("rulesets.read_ruleset", name=name)
    version = calls.read("rulesets.read_version", name=name, number=number_of(shown))
    return Sheet(name, version["source"], version["sha256"])


def _typed(name: str) -> Sheet:
    """The form as it was sent: each row has a cell for every column."""
    form = request.form
    cells, width = form.getlist("cell"), form.get("width", 1, int)
    rows = [
        {"row": int(was) if was.isdecimal() else None, "cells": cells[place * width : (place + 1) * width]}
        for place, was in enumerate(form.getlist("row"))
    ]
    source = form.get("source", "").replace("\r\n", "\n")
    return Sheet(name, source, form.get("sha256", ""), form.get("first", 1, int), form.get("count", 0, int), rows)


def _changed(sheet: Sheet, deed: str) -> Sheet:
    """The sheet after what a button does: `copy 3` is about the third row of the page, `page 101` shows other rows."""
    name, _, number = deed.partition(" ")
    place = int(number) - 1 if number.isdecimal() else 0
    rows = list(sheet.rows or ())
    if name == "page":
        return Sheet(sheet.name, sheet.written()["source"], sheet.sha256, place + 1)
    if name == "add":
        return replace(sheet, rows=[*rows, {"row": None, "cells": [""] * request.form.get("width", 1, int)}])
    change = _CHANGES.get(name)
    return sheet if change is None or place >= len(rows) else replace(sheet, rows=change(rows, place))


Change = Callable[[list[Row], int], list[Row]]


def _copied(rows: list[Row], place: int) -> list[Row]:
    return [*rows[: place + 1], {**rows[place], "row": None}, *rows[place + 1 :]]


def _deleted(rows: list[Row], place: int) -> list[Row]:
    return [*rows[:place], *rows[place + 1 :]]


def _raised(rows: list[Row], place: int) -> list[Row]:
    above, others = max(0, place - 1), _deleted(rows, place)
    return [*others[:above], rows[place], *others[above:]]


def _lowered(rows: list[Row], place: int) -> list[Row]:
    return _raised(rows, min(place + 1, len(rows) - 1)) if place < len(rows) - 1 else rows


_CHANGES: Mapping[str, Change] = {"copy": _copied, "delete": _deleted, "raise": _raised, "lower": _lowered}


def _published(sheet: Sheet) -> str | Response:
    written = sheet.written()
    query = {"comment": comment} if (comment := request.form.get("comment", "").strip()) else {}
    headers = {"If-Match": f'"{sheet.sha256}"'}
    try:
        version = calls.send(
            "rulesets.publish_version", written["source"], query=query, headers=headers, name=sheet.name
        )
    except Problem as problem:
        return _page(sheet, written=written, problem=problem)
    return redirect(f"/console/rules/{sheet.name}?version={version['version']}", 303)


def _page(
    sheet: Sheet,
    *,
    written: calls.Document | None = None,
    report: calls.Document | None = None,
    problem: Problem | None = None,
) -> str:
    shown = replace(sheet, rows=None).written()
    rows = list(shown["rows"] if sheet.rows is None else sheet.rows)
    members: Mapping[str, Any] = report or (problem.members if problem else {})
    is_stale = problem is not None and problem.type is ProblemType.PRECONDITION_FAILED
    return render_template(
        "rules/table.html",
        sheet=replace(sheet, count=min(sheet.count, len(shown["rows"])) if sheet.rows is None else sheet.count),
        columns=shown["columns"],
        rows=rows,
        rows_in_all=shown["rows_in_all"],
        step=ROWS,
        source=written["source"] if written else sheet.source,
        faulty=_faulty(rows, written, members.get("findings", ())),
        report=report,
        problem=problem,
        theirs=_active(sheet.name) if is_stale else None,
        comment=request.form.get("comment", ""),
        needs_approval=calls.read("rulesets.read_ruleset", name=sheet.name)["needs_approval"],
    )


def _faulty(rows: Sequence[Row], written: calls.Document | None, findings: Sequence[Row]) -> frozenset[int]:
    """Which rows of the page, counted from 1, findings are about: blank rows are not in the text."""
    lines = {finding["line"] for finding in findings}
    places = [place for place, row in enumerate(rows, 1) if any(text.strip() for text in row["cells"])]
    named = [] if written is None else [row["line"] for row in written["rows"]]
    return frozenset(place for place, line in zip(places, named, strict=False) if line in lines)
