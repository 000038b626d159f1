"""People: who can be written to, one person with what they were sent, audiences, and opt-outs."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.http import Problem

LISTED = 50


def add_to(routes: Blueprint) -> None:
    """Serve the pages."""
    _add_people(routes)
    _add_audiences(routes)
    _add_optouts(routes)


def _add_people(routes: Blueprint) -> None:
    @routes.get("/people")
    def people() -> str:
        wanted = request.args.get("search", "").strip()
        by = "email" if "@" in wanted else "phone" if wanted.startswith("+") else "search"
        query = {by: wanted, "cursor": request.args.get("cursor"), "limit": LISTED}
        page, fault = _found("recipients.list_recipients_of_all", query, by)
        return render_template("people/list.html", page=page, wanted=wanted, detail=fault)

    @routes.get("/people/<user_id>")
    def person(user_id: str) -> str:
        shown = calls.read("recipients.get_recipient", user_id=user_id)
        sent = None
        if calls.may_call("notifications.list_deliveries_of"):
            query = {"cursor": request.args.get("cursor"), "limit": LISTED}
            sent = calls.read("notifications.list_deliveries_of", query, recipient_id=user_id)
        return render_template("people/page.html", person=shown, sent=sent)


def _found(operation: str, query: Mapping[str, object], asked: str) -> tuple[calls.Document, str]:
    """A page of a list, or an empty one with what is wrong with what was asked."""
    try:
        return calls.read(operation, query), ""
    except Problem as problem:
        if asked not in (errors := calls.field_errors(problem)):
            raise
        return {"items": [], "next_cursor": None}, f"Nobody was looked for: {errors[asked]}."


def _add_audiences(routes: Blueprint) -> None:
    @routes.get("/people/audiences")
    def audiences() -> str:
        page = calls.read("recipients.list_audiences", {"cursor": request.args.get("cursor"), "limit": LISTED})
        return render_template("people/audiences.html", page=page)

    @routes.get("/people/audiences/<audience>")
    def audience(audience: str) -> str:
        query = {"cursor": request.args.get("cursor"), "limit": LISTED}
        page = calls.read("recipients.list_recipients", query, audience=audience)
        return render_template("people/audience.html", audience=audience, page=page)


def _add_optouts(routes: Blueprint) -> None:
    @routes.get("/people/opt-outs")
    def optouts() -> str:
        wanted = request.args.get("contact", "").strip()
        query = {"contact": wanted, "cursor": request.args.get("cursor"), "limit": LISTED}
        page, fault = _found("opt-outs.list_optouts", query, "contact")
        return render_template("people/optouts.html", page=page, wanted=wanted, detail=fault)

    @takes_form(routes, "/people/opt-outs/<optout_id>/lift", "opt-outs.lift_optout")
    def lift(optout_id: str) -> Response:
        calls.send("opt-outs.lift_optout", optout_id=optout_id)
        return redirect("/console/people/opt-outs", 303)
