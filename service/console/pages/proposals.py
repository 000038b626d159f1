"""Versions that wait until a second person approves them: what each would change, and the decision."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.http import Problem

WAITING = "rulesets.list_proposals"
APPROVE = "rulesets.approve_version"


def add_to(routes: Blueprint) -> None:
    """Serve the page of a proposal, and the decision about it."""

    @routes.get("/rules/<name>/versions/<int:number>/approval")
    def ask_to_approve(name: str, number: int) -> str:
        return _page(name, number)

    @takes_form(routes, "/rules/<name>/versions/<int:number>/approval", APPROVE)
    def approve(name: str, number: int) -> str | Response:
        body = {"decision": request.form.get("decision", ""), "reason": request.form.get("reason", "").strip()}
        try:
            decided = calls.send(APPROVE, body, name=name, number=number)
        except Problem as problem:
            return _page(name, number, problem)
        approved = decided["state"] == "approved"
        return redirect(f"/console/rules/{name}" + (f"?version={number}" if approved else "/versions"), 303)


def waiting() -> list[calls.Document]:
    """The proposals that whoever is signed in may see."""
    return list(calls.read(WAITING)["items"]) if calls.may_call(WAITING) else []


def _page(name: str, number: int, problem: Problem | None = None) -> str:
    version = calls.read("rulesets.read_version", name=name, number=number)
    report = calls.send("rulesets.check_ruleset", version["source"], name=name)
    return render_template(
        "rules/approval.html",
        name=name,
        version=version,
        proposal=version["proposal"],
        report=report,
        problem=problem,
        reason=request.form.get("reason", ""),
    )
