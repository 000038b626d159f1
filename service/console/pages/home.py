"""Home: what needs a person, worst first, and whether everything works."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Blueprint, render_template

from service.console import calls
from service.console.pages.pulse import last_hour
from service.http import plumbing

MOST_COUNTED = 100
"""More waiting things than these are shown as "100+"."""


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """One kind of thing that waits for a person."""

    what: str
    count: str
    oldest: str | None
    url: str
    tone: str


INCIDENTS = "incidents.list_incidents"
REVIEWS = "notifications.list_reviews"
TRANSLATIONS = "notifications.list_translations"
PROPOSALS = "rulesets.list_proposals"
RULE_FILES = "rulesets.list_rulesets"
LANES = "lanes.list_lanes"
KINDS = {
    INCIDENTS: "open incidents",
    REVIEWS: "messages that wait for a review",
    TRANSLATIONS: "translations that are missing",
    LANES: "messages that are kept back",
    PROPOSALS: "rule changes that wait for approval",
    RULE_FILES: "rule files that are not published",
}
"""What may wait for a person, by the call that lists it."""


def add_to(routes: Blueprint) -> None:
    """Serve the page and its live part."""

    @routes.get("/", strict_slashes=False)
    def home() -> str:
        return render_template("home.html", pulse=last_hour(), **_standing())

    @routes.get("/live")
    def home_live() -> str:
        return render_template("_home.html", **_standing())


def _standing() -> dict[str, object]:
    parts = plumbing().readiness.states()
    unseen = [(what, _scopes(operation)) for operation, what in KINDS.items() if not _may_see(operation)]
    return {"waiting": list(_waiting()), "unseen": unseen, "parts": parts, "worst": _worst(parts.values())}


def _may_see(operation: str) -> bool:
    """Whether this key may; what this instance has not is nothing to see."""
    return not calls.is_there(operation) or calls.may_call(operation)


def _scopes(operation: str) -> str:
    return " or ".join(calls.endpoint_of(operation).operation.scopes)


def _worst(states: object) -> str:
    given = list(states)  # type: ignore[call-overload]
    return next((state for state in ("not ready", "degraded") if state in given), "ready")


def _waiting() -> Iterator[WaitingWork]:
    if calls.may_call(INCIDENTS):
        incidents = _listed(INCIDENTS, state="open")
        yield _row("Open incidents", incidents, "opened_at", "/console/incidents", "bad")
    if calls.may_call(LANES):
        paused = [lane for lane in calls.read(LANES)["items"] if lane["paused"]]
        names = ", ".join(str(lane["lane"]) for lane in paused)
        yield _row(f"Messages are kept back: {names}", paused, "since", "/console/system", "warn")
    if calls.may_call(REVIEWS):
        reviews = _listed(REVIEWS)
        yield _row("Messages that wait for a review", reviews, "held_at", "/console/reviews", "warn")
    if calls.may_call(TRANSLATIONS):
        missing = _listed(TRANSLATIONS)
        yield _row("Translations that are missing", missing, "wanted_at", "/console/translations", "warn")
    if calls.may_call(PROPOSALS):
        proposals = _listed(PROPOSALS)
        yield _row("Rule changes that wait for approval", proposals, "at", "/console/rules", "warn")
    if calls.may_call(RULE_FILES):
        files = calls.read(RULE_FILES)["working_copies"]
        refused = [file for file in files if file["version"] is None]
        yield _row("Rule files that are not published", refused, "looked_at", "/console/rules", "warn")


def _listed(operation: str, **query: object) -> list[calls.Document]:
    return list(calls.read(operation, {**query, "limit": MOST_COUNTED})["items"])


def _row(what: str, items: list[calls.Document], at: str, url: str, tone: str) -> WaitingWork:
    count = f"{MOST_COUNTED}+" if len(items) == MOST_COUNTED else str(len(items))
    oldest = min((str(item[at]) for item in items if item.get(at)), default=None)
    return WaitingWork(what, count, oldest, url, tone if items else "dim")
