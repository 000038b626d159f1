"""Trying a version before it counts: on the requests of the past, and beside the one that decides."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.console.pages.rules import number_of
from service.http import Problem, ProblemType

BEGIN = "backtests.begin_backtest"
LISTED = 50


def add_to(routes: Blueprint) -> None:
    """Serve the pages."""
    _add_list(routes)
    _add_one(routes)
    _add_shadow(routes)


def _add_list(routes: Blueprint) -> None:
    @routes.get("/rules/<name>/trials")
    def trials(name: str) -> str:
        return _page(name)

    @takes_form(routes, "/rules/<name>/backtests", BEGIN)
    def begin_backtest(name: str) -> str | Response:
        body: dict[str, object] = {"version": request.form.get("version", type=int)}
        body |= {side: f"{day}T00:00:00Z" for side in ("from", "to") if (day := request.form.get(side, "").strip())}
        try:
            begun = calls.send(BEGIN, body, once=request.form.get("once") or None, name=name)
        except Problem as problem:
            return _page(name, detail=problem.detail)
        return redirect(f"/console/rules/{name}/backtests/{begun['backtest_id']}", 303)


def _page(name: str, detail: str = "") -> str:
    shown = calls.read("rulesets.read_ruleset", name=name)
    page = calls.read("backtests.list_backtests", {"limit": LISTED, "cursor": request.args.get("cursor")}, name=name)
    return render_template(
        "rules/trials.html",
        name=name,
        ruleset=shown,
        active=number_of(shown),
        page=page,
        shadow=_shadow(name),
        detail=detail,
    )


def _shadow(name: str) -> calls.Document | None:
    """The shadow that is asked beside the active version, if there is one."""
    try:
        return calls.read("shadows.read_shadow", name=name)
    except Problem as problem:
        if problem.type is not ProblemType.NOT_FOUND:
            raise
        return None


def _add_one(routes: Blueprint) -> None:
    @routes.get("/rules/<name>/backtests/<backtest_id>")
    def backtest(name: str, backtest_id: str) -> str:
        return render_template("rules/backtest.html", **_one(name, backtest_id))

    @routes.get("/rules/<name>/backtests/<backtest_id>/live")
    def backtest_live(name: str, backtest_id: str) -> str:
        return render_template("rules/_backtest.html", **_one(name, backtest_id))

    @takes_form(routes, "/rules/<name>/backtests/<backtest_id>/cancel", "backtests.cancel_backtest")
    def cancel_backtest(name: str, backtest_id: str) -> Response:
        calls.send("backtests.cancel_backtest", name=name, backtest_id=backtest_id)
        return redirect(f"/console/rules/{name}/backtests/{backtest_id}", 303)


def _one(name: str, backtest_id: str) -> dict[str, object]:
    return {"name": name, "test": calls.read("backtests.read_backtest", name=name, backtest_id=backtest_id)}


def _add_shadow(routes: Blueprint) -> None:
    @takes_form(routes, "/rules/<name>/shadow", "shadows.cast_shadow")
    def cast_shadow(name: str) -> Response:
        body = {field: request.form.get(field, type=int) for field in ("version", "share")}
        calls.send("shadows.cast_shadow", body, name=name)
        return redirect(f"/console/rules/{name}/trials", 303)

    @takes_form(routes, "/rules/<name>/shadow/drop", "shadows.drop_shadow")
    def drop_shadow(name: str) -> Response:
        calls.send("shadows.drop_shadow", name=name)
        return redirect(f"/console/rules/{name}/trials", 303)
