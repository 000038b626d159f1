"""Requests: what apps asked, and one request with each decision explained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flask import Blueprint, render_template, request

from service.console import calls
from service.http import not_found

LIST = "audit.search_audit"
LISTED = 50


def add_to(routes: Blueprint) -> None:
    """Serve the list and the page of one request."""

    @routes.get("/requests")
    def requests() -> str:
        wanted = {"ruleset": request.args.get("ruleset", ""), "entry_type": request.args.get("type", "response")}
        page = calls.read(LIST, {**wanted, "order": "newest", "cursor": request.args.get("cursor"), "limit": LISTED})
        return render_template("requests/list.html", page=page, wanted=wanted)

    @routes.get("/requests/<path:request_id>")
    def one_request(request_id: str) -> str:
        entries = calls.read(LIST, {"request_id": request_id, "limit": LISTED})["items"]
        if not entries:
            raise not_found(f"There is no request {request_id!r} in the audit.")
        decisions = list(_decisions(entries))
        return render_template("requests/page.html", request_id=request_id, entries=entries, decisions=decisions)


def _decisions(entries: Sequence[calls.Document]) -> Iterator[calls.Document]:
    """Each evaluation of a request that was answered, explained."""
    for entry in entries:
        evaluation_id = entry["detail"].get("evaluation_id")
        if entry["entry_type"] == "response" and evaluation_id:
            yield calls.read("evaluations.read_evaluation", {"explain": "true"}, evaluation_id=evaluation_id)
