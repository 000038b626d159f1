"""Importing people from a file in two steps: look at every row, which stores nothing, then store them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.http import Problem

IMPORT = "recipients.import_recipients"


def add_to(routes: Blueprint) -> None:
    """Serve the form, the look at a file, and the storing."""

    @routes.get("/people/import")
    def choose_file() -> str:
        return _page({"audience": request.args.get("audience", "")})

    @takes_form(routes, "/people/import/look", IMPORT)
    def look_at_file() -> str | Response:
        upload = request.files.get("file")
        raw = upload.read() if upload else b""
        return _called(raw, {"dry_run": "true"})

    @takes_form(routes, "/people/import/store", IMPORT)
    def store_file() -> str | Response:
        return _called(
            _looked_at(request.form.get("content", "")), {"partial": "true"} if "partial" in request.form else {}
        )


def _looked_at(content: str) -> bytes:
    """The file that was looked at; nothing, where the form is not the page's."""
    try:
        return b64decode(content, validate=True)
    except ValueError:
        return b""


def _called(raw: bytes, how: Mapping[str, str]) -> str | Response:
    given = {name: text for name in ("audience", "country") if (text := request.form.get(name, "").strip())}
    if not raw:
        return _page(given, detail="Choose a file.")
    try:
        answered = calls.send(IMPORT, raw, query={**given, **how})
    except Problem as problem:
        return make_response(_page(given, detail=problem.detail, problem=problem), problem.type.status)
    is_stored = "dry_run" not in how
    return _page(given, answered=answered, content="" if is_stored else b64encode(raw).decode(), is_stored=is_stored)


def _page(
    given: Mapping[str, str],
    *,
    answered: calls.Document | None = None,
    content: str = "",
    is_stored: bool = False,
    detail: str = "",
    problem: Problem | None = None,
) -> str:
    errors = calls.field_errors(problem) if problem else {}
    shown = {"answered": answered, "content": content, "is_stored": is_stored}
    return render_template("people/import.html", given=given, detail=detail, errors=errors, **shown)
