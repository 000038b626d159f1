"""Find: one field for ids of requests, incidents, messages, people and rulesets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.http import Problem


@dataclass(frozen=True, slots=True)
class SearchHit:
    """Something of that name."""

    kind: str
    title: str
    url: str


def add_to(routes: Blueprint) -> None:
    """Serve the page; a single hit is shown at once."""

    @routes.get("/find")
    def find() -> str | Response:
        wanted = request.args.get("q", "").strip()
        hits = list(_hits(wanted)) if wanted else []
        if len(hits) == 1:
            return redirect(hits[0].url, 303)
        return render_template("find.html", wanted=wanted, hits=hits)


def _hits(wanted: str) -> Iterator[SearchHit]:
    incident = _read("incidents.show_incident", incident_id=wanted)
    if incident is not None:
        yield SearchHit("Incident", str(incident["description"]), f"/console/incidents/{wanted}")
    ruleset = _read("rulesets.read_ruleset", name=wanted)
    if ruleset is not None:
        yield SearchHit("Ruleset", str(ruleset["name"]), f"/console/rules/{wanted}")
    evaluation = _read("evaluations.read_evaluation", evaluation_id=wanted)
    if evaluation is not None:
        yield SearchHit("Request", str(evaluation["request_id"]), f"/console/requests/{evaluation['request_id']}")
    if calls.may_call("audit.search_audit"):
        entries = calls.read("audit.search_audit", {"request_id": wanted, "limit": 1})["items"]
        if entries:
            yield SearchHit("Request", wanted, f"/console/requests/{wanted}")


def _read(operation: str, **places: object) -> calls.Document | None:
    """What there is of that name; None if there is nothing, or it may not be read."""
    try:
        return calls.read(operation, None, **places) if calls.may_call(operation) else None
    except Problem:  # a name of that shape cannot be, or there is none
        return None
