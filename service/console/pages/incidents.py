"""Incidents: the board, and one incident with what happened and what can be done."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.forms import takes_form
from service.console.guard import signed_in

LIST = "incidents.list_incidents"
SHOW = "incidents.show_incident"
ENDED = ("acknowledged", "resolved", "unacknowledged", "cancelled")
LISTED = 50


def add_to(routes: Blueprint) -> None:
    """Serve the board, its live part and the page of each incident."""
    _add_board(routes)
    _add_one(routes)
    _add_actions(routes)


def _add_board(routes: Blueprint) -> None:
    @routes.get("/incidents")
    def incidents() -> str:
        return render_template("incidents/board.html", **_board())

    @routes.get("/incidents/live")
    def incidents_live() -> str:
        return render_template("incidents/_board.html", **_board())


def _board() -> dict[str, object]:
    ended = [item for state in ENDED for item in _listed(state)]
    ended.sort(key=lambda incident: str(incident["opened_at"]), reverse=True)
    opened = sorted(_listed("open"), key=lambda incident: str(incident["next_timer_at"] or ""))
    return {"open": opened, "ended": ended[:LISTED], "may_act": calls.may_call("incidents.acknowledge_incident")}


def _listed(state: str) -> list[calls.Document]:
    return list(calls.read(LIST, {"state": state, "limit": LISTED})["items"])


def _add_one(routes: Blueprint) -> None:
    @routes.get("/incidents/<incident_id>")
    def incident(incident_id: str) -> str:
        return render_template("incidents/page.html", **_one(incident_id))

    @routes.get("/incidents/<incident_id>/live")
    def incident_live(incident_id: str) -> str:
        return render_template("incidents/_page.html", **_one(incident_id))


def _one(incident_id: str) -> dict[str, object]:
    shown = calls.read(SHOW, incident_id=incident_id)
    messages = calls.read("incident-messages.list_incident_messages", incident_id=incident_id)
    return {"incident": shown, "messages": messages["items"], "names": _names(shown)}


def _names(incident: calls.Document) -> dict[int, str]:
    """What each contact is called, by number."""
    contacts = incident["contacts"]
    return {each["number"]: each.get("name") or each.get("phone") or each.get("email") or "?" for each in contacts}


def _add_actions(routes: Blueprint) -> None:
    @takes_form(routes, "/incidents/acknowledge", "incidents.acknowledge_incident")
    def acknowledge_incidents() -> Response:
        for incident_id in request.form.getlist("incident"):
            calls.send("incidents.acknowledge_incident", {"by": signed_in().name}, incident_id=incident_id)
        return redirect("/console/incidents", 303)

    @takes_form(
        routes,
        "/incidents/<incident_id>/<any(acknowledge, escalate, resolve, reopen):deed>",
        "incidents.{deed}_incident",
    )
    def act_on_incident(incident_id: str, deed: str) -> Response:
        calls.send(f"incidents.{deed}_incident", {"by": signed_in().name}, incident_id=incident_id)
        return redirect(f"/console/incidents/{incident_id}", 303)

    @takes_form(routes, "/incidents/<incident_id>/notes", "incidents.note_incident")
    def note_incident(incident_id: str) -> Response:
        body = {"by": signed_in().name, "text": request.form.get("text", "")}
        calls.send("incidents.note_incident", body, incident_id=incident_id)
        return redirect(f"/console/incidents/{incident_id}", 303)

    @routes.get("/incidents/<incident_id>/cancel")
    def ask_to_cancel(incident_id: str) -> str:
        return render_template("incidents/cancel.html", **_one(incident_id))

    @takes_form(routes, "/incidents/<incident_id>/cancel", "incidents.cancel_incident")
    def cancel_incident(incident_id: str) -> Response:
        calls.send("incidents.cancel_incident", {"by": signed_in().name}, incident_id=incident_id)
        return redirect(f"/console/incidents/{incident_id}", 303)
