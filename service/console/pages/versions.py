"""Versions of a ruleset on a time line, and going back to an older one."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.console.pages.rules import active_of


def add_to(routes: Blueprint) -> None:
    """Serve the time line, and going back to a version."""

    @routes.get("/rules/<name>/versions")
    def versions(name: str) -> str:
        page = calls.read("rulesets.list_versions", {"cursor": request.args.get("cursor")}, name=name)
        shown = calls.read("rulesets.read_ruleset", name=name)
        return render_template("rules/versions.html", name=name, page=page, ruleset=shown)

    @routes.get("/rules/<name>/diff")
    def compare_versions(name: str) -> str:
        shown = calls.read("rulesets.read_ruleset", name=name)
        new = request.args.get("to", type=int) or shown["versions"]
        query = {"against": request.args.get("from", type=int)}
        difference = calls.read("rulesets.read_diff", query, name=name, number=new)
        return render_template("rules/diff.html", name=name, ruleset=shown, found=difference)

    @routes.get("/rules/<name>/versions/<int:number>/activate")
    def ask_to_activate(name: str, number: int) -> str:
        shown = calls.read("rulesets.read_ruleset", name=name)
        version = calls.read("rulesets.read_version", name=name, number=number)
        report = calls.send("rulesets.check_ruleset", version["source"], name=name)
        values = {"version": version, "ruleset": shown, "report": report, "seen": active_of(shown)}
        return render_template("rules/activate.html", name=name, **values)

    @takes_form(routes, "/rules/<name>/versions/<int:number>/activate", "rulesets.activate_version")
    def activate(name: str, number: int) -> str | Response:
        if request.form.get("seen") != active_of(calls.read("rulesets.read_ruleset", name=name)):
            return ask_to_activate(name, number)
        calls.send("rulesets.activate_version", {"version": number}, name=name)
        return redirect(f"/console/rules/{name}", 303)
