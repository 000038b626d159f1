"""System: whether every part works, which work has died, and who may call."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.console.pages.pulse import last_hour
from service.core import Scope
from service.http import not_found, plumbing

LISTED = 100
SPEND_KEPT = timedelta(days=365)
"""How far back months can be asked for."""


def add_to(routes: Blueprint) -> None:
    """Serve the pages."""
    _add_state(routes)
    _add_lanes(routes)
    _add_dead(routes)
    _add_keys(routes)
    _add_settings(routes)
    _add_spend(routes)


def _add_state(routes: Blueprint) -> None:
    @routes.get("/system")
    def system() -> str:
        return render_template("system/page.html", pulse=last_hour(), **_state())

    @routes.get("/system/live")
    def system_live() -> str:
        return render_template("system/_page.html", **_state())


def _state() -> dict[str, object]:
    dead = calls.read("dead.list_dead", {"limit": LISTED})["items"] if calls.may_call("dead.list_dead") else []
    lanes = calls.read("lanes.list_lanes")["items"] if calls.may_call("lanes.list_lanes") else []
    return {"parts": plumbing().readiness.states(), "dead": dead, "lanes": lanes}


def _add_lanes(routes: Blueprint) -> None:
    @takes_form(routes, "/system/lanes/<lane>/<any(pause, resume):deed>", "lanes.{deed}_lane")
    def pause_or_resume(lane: str, deed: str) -> Response:
        calls.send(f"lanes.{deed}_lane", lane=lane)
        return redirect("/console/system", 303)


def _add_dead(routes: Blueprint) -> None:
    @takes_form(routes, "/system/dead/<item_id>/redrive", "dead.redrive_dead")
    def redrive(item_id: str) -> Response:
        calls.send("dead.redrive_dead", item_id=item_id)
        return redirect("/console/system", 303)


def _add_keys(routes: Blueprint) -> None:
    @routes.get("/system/keys")
    def keys() -> str:
        return render_template("system/keys.html", keys=_keys(), scopes=list(Scope), made=None)

    @takes_form(routes, "/system/keys", "keys.create_key")
    def make_key() -> str:
        body = {"name": request.form.get("name", ""), "scopes": request.form.getlist("scope")}
        made = calls.send("keys.create_key", body)
        return render_template("system/keys.html", keys=_keys(), scopes=list(Scope), made=made)

    @routes.get("/system/keys/<key_id>/end")
    def ask_to_end(key_id: str) -> str:
        for key in _keys():
            if key["key_id"] == key_id:
                return render_template("system/end_key.html", key=key)
        raise not_found(f"There is no key {key_id!r}.")

    @takes_form(routes, "/system/keys/<key_id>/end", "keys.revoke_key")
    def end_key(key_id: str) -> Response:
        calls.send("keys.revoke_key", key_id=key_id)
        return redirect("/console/system/keys", 303)


def _add_settings(routes: Blueprint) -> None:
    @routes.get("/system/settings")
    def settings() -> str:
        is_all = "all" in request.args
        items = calls.read("settings.list_settings")["items"]
        shown = [each for each in items if is_all or each["origin"] != "default"]
        return render_template("system/settings.html", settings=shown, number=len(items), is_all=is_all)


def _add_spend(routes: Blueprint) -> None:
    @routes.get("/system/spend")
    def spend() -> str:
        spent = calls.read("spend.show_spend", {"month": request.args.get("month")})
        first, current = _first_of(spent["month"]), _first_of(calls.read("spend.show_spend")["month"])
        share = Decimal(spent["total"]) / Decimal(spent["cap"]) if spent["cap"] else None
        before = _first_of(f"{first - timedelta(days=1):%Y-%m}") if current - first < SPEND_KEPT else None
        after = _first_of(f"{first + timedelta(days=31):%Y-%m}") if first < current else None
        return render_template("system/spend.html", spent=spent, share=share, first=first, before=before, after=after)


def _first_of(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _keys() -> list[calls.Document]:
    return list(calls.read("keys.list_keys")["items"])
