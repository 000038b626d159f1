"""Reviews: what a person must look at before it goes out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls, harm_limits
from service.console.form_faults import form_faults
from service.console.forms import takes_form
from service.http import Problem, ProblemType, not_found

LIST = "notifications.list_reviews"
LISTED = 100


def add_to(routes: Blueprint) -> None:
    """Serve the queue and the page of one review."""

    @routes.get("/reviews")
    def reviews() -> str:
        return render_template("reviews/list.html", items=_waiting())

    @routes.get("/reviews/<review_id>")
    def review(review_id: str) -> str:
        return _page(review_id)

    @takes_form(routes, "/reviews/<review_id>/<any(notification, evaluation):kind>", "notifications.review_{kind}")
    def decide(review_id: str, kind: str) -> str | Response:
        body = {"decision": request.form.get("decision", ""), "reason": request.form.get("reason", "").strip()}
        places: dict[str, Any] = {"notification_id" if kind == "notification" else "item_id": review_id}
        try:
            calls.send(f"notifications.review_{kind}", body, **places)
        except Problem as problem:
            if problem.type is not ProblemType.INVALID:
                raise
            notice = form_faults(problem, {"reason": "Reason"}).notice
            return make_response(_page(review_id, notice), problem.type.status)
        following = request.form.get("following")
        return redirect(f"/console/reviews/{following}" if following else "/console/reviews", 303)


def _page(review_id: str, detail: str = "") -> str:
    waiting = _waiting()
    place, item = _place_of(review_id, waiting)
    following = waiting[place + 1]["id"] if place + 1 < len(waiting) else None
    limits = harm_limits.limits() if item.get("harm") else ()
    where = {"place": place + 1, "of": len(waiting), "following": following}
    return render_template("reviews/page.html", item=item, limits=limits, detail=detail, **where)


def _waiting() -> list[calls.Document]:
    return list(calls.read(LIST, {"limit": LISTED})["items"])


def _place_of(review_id: str, waiting: list[calls.Document]) -> tuple[int, calls.Document]:
    for place, item in enumerate(waiting):
        if item["id"] == review_id:
            return place, item
    raise not_found("This review was decided already, or never asked for.")
