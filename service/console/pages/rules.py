"""Rules: the rulesets, one with its rules in words, and trying a request."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, render_template, request

from service.console import calls
from service.console.forms import takes_form
from service.console.pages.proposals import waiting
from service.http import Problem, not_found


def add_to(routes: Blueprint) -> None:
    """Serve the pages."""
    _add_reads(routes)
    _add_try(routes)


def _add_reads(routes: Blueprint) -> None:
    @routes.get("/rules")
    def rules() -> str:
        listed = calls.read("rulesets.list_rulesets")
        files = {file["ruleset"]: file for file in listed["working_copies"] if file["ruleset"]}
        broken = [file for file in listed["working_copies"] if file["version"] is None]
        return render_template(
            "rules/list.html", rulesets=listed["items"], files=files, broken=broken, proposals=waiting()
        )

    @routes.get("/rules/<name>")
    def ruleset(name: str) -> str:
        shown = calls.read("rulesets.read_ruleset", name=name)
        number = request.args.get("version", type=int) or number_of(shown)
        outline = calls.read("rulesets.read_outline", name=name, number=number)
        version = calls.read("rulesets.read_version", name=name, number=number)
        return render_template("rules/page.html", ruleset=shown, outline=outline, version=version)


def number_of(ruleset: calls.Document) -> int:
    """The version that decides now, or the newest where none does yet."""
    active = ruleset["active"]
    return int(active["version"] if active else ruleset["versions"])


def active_of(shown: calls.Document) -> str:
    """The version that is in use now, as a form keeps it; empty if there is none."""
    active = shown["active"]
    return str(active["version"]) if active else ""


def _add_try(routes: Blueprint) -> None:
    @routes.get("/rules/<name>/try")
    def ask_to_try(name: str) -> str:
        return _try_page(name, request.args)

    @takes_form(routes, "/rules/<name>/try", "evaluations.dry_run")
    def try_request(name: str) -> str:
        given = {path: text for path, text in request.form.items() if text.strip() and path != "version"}
        body: dict[str, object] = {"request": _nested(given)}
        if number := request.form.get("version", type=int):
            body["version"] = number
        try:
            tried = calls.send("evaluations.dry_run", body, name=name)
        except Problem as problem:
            return _try_page(name, request.form, problem=problem)
        return _try_page(name, request.form, tried=tried)


def _try_page(
    name: str, given: Mapping[str, str], *, tried: calls.Document | None = None, problem: Problem | None = None
) -> str:
    shown = calls.read("rulesets.read_ruleset", name=name)
    version = given.get("version", "")
    number = int(version) if version.isdecimal() and version.isascii() and len(version) < 10 else number_of(shown)
    outline = calls.read("rulesets.read_outline", name=name, number=number)
    errors = calls.field_errors(problem) if problem else {}
    return render_template(
        "rules/try.html", name=name, number=number, outline=outline, given=given, tried=tried, errors=errors
    )


def _nested(given: Mapping[str, str]) -> Mapping[str, object]:
    """`{"driver.age": "18"}` as `{"driver": {"age": "18"}}`."""
    facts: dict[str, object] = {}
    for path, text in given.items():
        *parents, last = path.split(".")
        place = facts
        for parent in parents:
            inner = place.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise not_found(f"There is no fact {path}.")
            place = inner
        place[last] = text
    return facts
