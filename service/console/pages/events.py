"""Testing events against a ruleset: which rules match each of them, why not, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.console.pages.rules import number_of
from service.core import exact_json
from service.http import Problem, ProblemType

TEST = "event tests.test_events"
LISTED = 20


def add_to(routes: Blueprint) -> None:
    """Serve the page; it shows what was tested lately below."""

    @routes.get("/rules/<name>/events")
    def ask_for_events(name: str) -> str:
        return _page(name, "")

    @takes_form(routes, "/rules/<name>/events", TEST)
    def test_events(name: str) -> str | Response:
        text = request.form.get("events", "")
        body: dict[str, object] = {"version": request.form.get("version", type=int)}
        try:
            body["events"] = _events(text)
            return _page(name, text, tested=calls.send(TEST, body, name=name))
        except exact_json.NotJson as error:
            return make_response(_page(name, text, detail=f"This is no JSON: {error}"), 422)
        except Problem as problem:
            if problem.type is not ProblemType.INVALID:
                raise
            return make_response(_page(name, text, detail=problem.detail), problem.type.status)


def _events(text: str) -> Sequence[object]:
    """The events in a text: a list, `{"events": [...]}`, one alone, or one a line."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(line.startswith("{") and line.rstrip().endswith("}") for line in lines):
        return [exact_json.loads(line) for line in lines]
    given = exact_json.loads(text)
    if isinstance(given, Mapping) and isinstance(given.get("events"), list):
        return list(given["events"])
    return given if isinstance(given, list) else [given]


def _page(name: str, text: str, *, tested: calls.Document | None = None, detail: str = "") -> str:
    shown = calls.read("rulesets.read_ruleset", name=name)
    kept = calls.read("event tests.list_test_events", {"limit": LISTED}, name=name)["items"]
    number = request.form.get("version", type=int) or number_of(shown)
    return render_template(
        "rules/events.html", name=name, ruleset=shown, number=number, text=text, tested=tested, kept=kept, detail=detail
    )
