"""Changing the text of a ruleset: an editor, the check of what it says, and publishing it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.console.pages.rules import number_of
from service.http import Problem, ProblemType


def add_to(routes: Blueprint) -> None:
    """Serve the editor, its check and the publishing."""

    @routes.get("/rules/<name>/edit")
    def edit(name: str) -> str:
        shown = calls.read("rulesets.read_ruleset", name=name)
        version = calls.read("rulesets.read_version", name=name, number=number_of(shown))
        return render_template(
            "rules/edit.html",
            name=name,
            source=version["source"],
            sha256=version["sha256"],
            report=None,
            comment="",
            needs_approval=shown["needs_approval"],
        )

    @takes_form(routes, "/rules/<name>/check", "rulesets.check_ruleset")
    def check_rules(name: str) -> str:
        source, sha256 = given_text()
        return _edited(name, source, sha256, report=calls.send("rulesets.check_ruleset", source, name=name))

    @takes_form(routes, "/rules/<name>/publish", "rulesets.publish_version")
    def publish_rules(name: str) -> str | Response:
        return _published(name, *given_text())


def given_text() -> tuple[str, str]:
    """The text, and the digest of the version on which it was begun."""
    return request.form.get("source", "").replace("\r\n", "\n"), request.form.get("sha256", "")


def _published(name: str, source: str, sha256: str) -> str | Response:
    query = {"comment": comment} if (comment := request.form.get("comment", "").strip()) else {}
    headers = {"If-Match": f'"{sha256}"'}
    try:
        version = calls.send("rulesets.publish_version", source, query=query, headers=headers, name=name)
    except Problem as problem:
        return _edited(name, source, sha256, problem=problem)
    return redirect(f"/console/rules/{name}?version={version['version']}", 303)


def _edited(
    name: str,
    source: str,
    sha256: str,
    *,
    report: calls.Document | None = None,
    problem: Problem | None = None,
) -> str:
    theirs, shown = None, calls.read("rulesets.read_ruleset", name=name)
    if problem is not None and problem.type is ProblemType.PRECONDITION_FAILED:
        theirs = calls.read("rulesets.read_version", name=name, number=number_of(shown))
    return render_template(
        "rules/edit.html",
        name=name,
        source=source,
        sha256=sha256,
        report=report,
        problem=problem,
        theirs=theirs,
        comment=request.form.get("comment", ""),
        needs_approval=shown["needs_approval"],
    )
