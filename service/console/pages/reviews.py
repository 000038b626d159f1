"""Reviews: what a person must look at before it goes out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.http import not_found

LIST = "notifications.list_reviews"
LISTED = 100


def add_to(routes: Blueprint) -> None:
    """Serve the queue and the page of one review."""

    @routes.get("/reviews")
    def reviews() -> str:
        return render_template("reviews/list.html", items=_waiting())

    @routes.get("/reviews/<review_id>")
    def review(review_id: str) -> str:
        waiting = _waiting()
        place, item = _place_of(review_id, waiting)
        following = waiting[place + 1]["id"] if place + 1 < len(waiting) else None
        return render_template("reviews/page.html", item=item, place=place + 1, of=len(waiting), following=following)

    @routes.post("/reviews/<review_id>")
    def decide(review_id: str) -> Response:
        _, item = _place_of(review_id, _waiting())
        body = {"decision": request.form.get("decision", ""), "reason": request.form.get("reason", "").strip()}
        if item["kind"] == "notification":
            calls.send("notifications.review_notification", body, notification_id=review_id)
        else:
            calls.send("notifications.review_evaluation", body, item_id=review_id)
        following = request.form.get("following")
        return redirect(f"/console/reviews/{following}" if following else "/console/reviews", 303)


def _waiting() -> list[calls.Document]:
    return list(calls.read(LIST, {"limit": LISTED})["items"])


def _place_of(review_id: str, waiting: list[calls.Document]) -> tuple[int, calls.Document]:
    for place, item in enumerate(waiting):
        if item["id"] == review_id:
            return place, item
    raise not_found("This review was decided already, or never asked for.")
