"""Rules: the rulesets, one with its rules in words, trying a request, changing the text, versions."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.http import Problem, not_found
from service.http.catalogue import ProblemType


def add_to(routes: Blueprint) -> None:
    """Serve the pages."""
    _add_reads(routes)
    _add_try(routes)
    _add_edit(routes)
    _add_versions(routes)


def _add_reads(routes: Blueprint) -> None:
    @routes.get("/rules")
    def rules() -> str:
        listed = calls.read("rulesets.list_rulesets")
        files = {file["ruleset"]: file for file in listed["working_copies"] if file["ruleset"]}
        broken = [file for file in listed["working_copies"] if file["version"] is None]
        return render_template("rules/list.html", rulesets=listed["items"], files=files, broken=broken)

    @routes.get("/rules/<name>")
    def ruleset(name: str) -> str:
        shown = calls.read("rulesets.read_ruleset", name=name)
        number = request.args.get("version", type=int) or _number(shown)
        outline = calls.read("rulesets.read_outline", name=name, number=number)
        version = calls.read("rulesets.read_version", name=name, number=number)
        return render_template("rules/page.html", ruleset=shown, outline=outline, version=version)


def _number(ruleset: calls.Document) -> int:
    """The version that decides now, or the newest where none does yet."""
    active = ruleset["active"]
    return int(active["version"] if active else ruleset["versions"])


def _add_try(routes: Blueprint) -> None:
    @routes.get("/rules/<name>/try")
    def ask_to_try(name: str) -> str:
        return _try_page(name, request.args)

    @routes.post("/rules/<name>/try")
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
    number = int(given.get("version") or _number(shown))
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


def _add_edit(routes: Blueprint) -> None:
    @routes.get("/rules/<name>/edit")
    def edit(name: str) -> str:
        shown = calls.read("rulesets.read_ruleset", name=name)
        version = calls.read("rulesets.read_version", name=name, number=_number(shown))
        return render_template(
            "rules/edit.html", name=name, source=version["source"], sha256=version["sha256"], report=None, comment=""
        )

    @routes.post("/rules/<name>/edit")
    def check_or_publish(name: str) -> str | Response:
        source = request.form.get("source", "").replace("\r\n", "\n")
        sha256 = request.form.get("sha256", "")
        if request.form.get("do") != "publish":
            report = calls.send("rulesets.check_ruleset", source, name=name)
            return _edited(name, source, sha256, report=report)
        return _published(name, source, sha256)


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
    theirs = None
    if problem is not None and problem.type is ProblemType.PRECONDITION_FAILED:
        shown = calls.read("rulesets.read_ruleset", name=name)
        theirs = calls.read("rulesets.read_version", name=name, number=_number(shown))
    return render_template(
        "rules/edit.html",
        name=name,
        source=source,
        sha256=sha256,
        report=report,
        problem=problem,
        theirs=theirs,
        comment=request.form.get("comment", ""),
    )


def _add_versions(routes: Blueprint) -> None:
    @routes.get("/rules/<name>/versions")
    def versions(name: str) -> str:
        page = calls.read("rulesets.list_versions", {"cursor": request.args.get("cursor")}, name=name)
        shown = calls.read("rulesets.read_ruleset", name=name)
        return render_template("rules/versions.html", name=name, page=page, ruleset=shown)

    @routes.get("/rules/<name>/versions/<int:number>/activate")
    def ask_to_activate(name: str, number: int) -> str:
        shown = calls.read("rulesets.read_ruleset", name=name)
        version = calls.read("rulesets.read_version", name=name, number=number)
        report = calls.send("rulesets.check_ruleset", version["source"], name=name)
        return render_template("rules/activate.html", name=name, version=version, ruleset=shown, report=report)

    @routes.post("/rules/<name>/versions/<int:number>/activate")
    def activate(name: str, number: int) -> Response:
        calls.send("rulesets.activate_version", {"version": number}, name=name)
        return redirect(f"/console/rules/{name}", 303)
