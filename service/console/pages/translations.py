"""Translations: texts that nothing here translates, supplied by a person one after the other."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.http import Problem, ProblemType

LISTED = 50


def add_to(routes: Blueprint) -> None:
    """Serve the list, in which each text is a form."""

    @routes.get("/translations")
    def translations() -> str:
        return _page({}, {})

    @takes_form(routes, "/translations/<translation_id>", "notifications.supply_translation")
    def supply(translation_id: str) -> Response:
        text = request.form.get("text", "").replace("\r\n", "\n")
        try:
            calls.send("notifications.supply_translation", {"text": text}, translation_id=translation_id)
        except Problem as problem:
            if problem.type is not ProblemType.INVALID:
                raise
            fault = calls.field_errors(problem).get("text", problem.detail)
            return make_response(_page({translation_id: text}, {translation_id: fault}), problem.type.status)
        return redirect("/console/translations", 303)


def _page(given: dict[str, str], errors: dict[str, str]) -> str:
    page = calls.read("notifications.list_translations", {"cursor": request.args.get("cursor"), "limit": LISTED})
    return render_template("reviews/translations.html", page=page, given=given, errors=errors)
