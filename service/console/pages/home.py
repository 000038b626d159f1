"""Home: what needs a person, worst first, and whether everything works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, render_template

from service.console import calls
from service.http import plumbing

MOST_COUNTED = 100
"""More waiting things than these are shown as "100+"."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of thing that waits for a person."""

    what: str
    count: str
    oldest: str | None
    url: str
    tone: str


def add_to(routes: Blueprint) -> None:
    """Serve the page and its live part."""

    @routes.get("/", strict_slashes=False)
    def home() -> str:
        return render_template("home.html", **_standing())

    @routes.get("/live")
    def home_live() -> str:
        return render_template("_home.html", **_standing())


def _standing() -> dict[str, object]:
    parts = plumbing().readiness.states()
    return {"waiting": list(_waiting()), "parts": parts, "worst": _worst(parts.values())}


def _worst(states: object) -> str:
    given = list(states)  # type: ignore[call-overload]
    return next((state for state in ("not ready", "degraded") if state in given), "ready")


def _waiting() -> Iterator[Waiting]:
    if calls.may_call("incidents.list_incidents"):
        incidents = _listed("incidents.list_incidents", state="open")
        yield _row("Open incidents", incidents, "opened_at", "/console/incidents", "bad")
    if calls.may_call("notifications.list_reviews"):
        reviews = _listed("notifications.list_reviews")
        yield _row("Messages that wait for a review", reviews, "held_at", "/console/reviews", "warn")
    if calls.may_call("notifications.list_translations"):
        missing = _listed("notifications.list_translations")
        yield _row("Translations that are missing", missing, "wanted_at", "/console/translations", "warn")
    if calls.may_call("rulesets.list_rulesets"):
        files = calls.read("rulesets.list_rulesets")["working_copies"]
        refused = [file for file in files if file["version"] is None]
        yield _row("Rule files that are not published", refused, "looked_at", "/console/rules", "warn")


def _listed(operation: str, **query: object) -> list[calls.Document]:
    return list(calls.read(operation, {**query, "limit": MOST_COUNTED})["items"])


def _row(what: str, items: list[calls.Document], at: str, url: str, tone: str) -> Waiting:
    count = f"{MOST_COUNTED}+" if len(items) == MOST_COUNTED else str(len(items))
    oldest = min((str(item[at]) for item in items if item.get(at)), default=None)
    return Waiting(what, count, oldest, url, tone if items else "dim")
