"""Schedules: what is sent or opened by the clock, when it is next; changing, pausing, running and ending one."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from service.console import calls
from service.console.form_faults import NO_FAULTS, form_faults
from service.console.forms import takes_form
from service.http import Problem, ProblemType

LISTED = 50
CREATE = "schedules.create_schedule"
END = "schedules.delete_schedule"
SHOW = "schedules.show_schedule"
CHANGE = "schedules.change_schedule"
LABELS = {"audience": "To an audience", "text": "Text", "cron": "When", "timezone": "On the clock of"}
ZONED = ("cron", "timezone")


def add_to(routes: Blueprint) -> None:
    """Serve the pages."""
    _add_list(routes)
    _add_one(routes)
    _add_end(routes)


def _add_list(routes: Blueprint) -> None:
    @routes.get("/schedules")
    def schedules() -> str:
        return _page({})

    @takes_form(routes, "/schedules", CREATE)
    def make_schedule() -> Response:
        given = {name: text.strip() for name, text in request.form.items() if text.strip()}
        message = {name: given[name] for name in ("audience", "text") if name in given}
        body = {"cron": given.get("cron", ""), "timezone": given.get("timezone", "UTC"), "notification": message}
        try:
            calls.send(CREATE, body, once=given.get("once"))
        except Problem as problem:
            if problem.type is not ProblemType.INVALID:
                raise
            return make_response(_page(given, problem), problem.type.status)
        return redirect("/console/schedules", 303)


def _add_one(routes: Blueprint) -> None:
    @routes.get("/schedules/<schedule_id>")
    def schedule(schedule_id: str) -> str:
        return _one(schedule_id)

    @takes_form(routes, "/schedules/<schedule_id>/change", CHANGE)
    def change_schedule(schedule_id: str) -> Response:
        given = {name: request.form.get(name, "").strip() for name in LABELS}
        try:
            calls.send(CHANGE, _changes(schedule_id, given), schedule_id=schedule_id)
        except Problem as problem:
            if problem.type is not ProblemType.INVALID:
                raise
            return make_response(_one(schedule_id, given, problem), problem.type.status)
        return redirect(f"/console/schedules/{schedule_id}", 303)

    @takes_form(routes, "/schedules/<schedule_id>/<any(pause, resume):deed>", "schedules.{deed}_schedule")
    def pause_or_resume_schedule(schedule_id: str, deed: str) -> Response:
        calls.send(f"schedules.{deed}_schedule", schedule_id=schedule_id)
        return redirect(f"/console/schedules/{schedule_id}", 303)

    @takes_form(routes, "/schedules/<schedule_id>/run", "schedules.run_schedule")
    def run_schedule(schedule_id: str) -> Response:
        try:
            calls.send("schedules.run_schedule", schedule_id=schedule_id)
        except Problem as problem:
            if problem.type is not ProblemType.INVALID:
                raise
            return make_response(_one(schedule_id, None, problem), problem.type.status)
        return redirect(f"/console/schedules/{schedule_id}", 303)


def _add_end(routes: Blueprint) -> None:
    @routes.get("/schedules/<schedule_id>/end")
    def ask_to_end_schedule(schedule_id: str) -> str:
        schedule = calls.read(SHOW, schedule_id=schedule_id)
        return render_template("messages/end_schedule.html", schedule=schedule)

    @takes_form(routes, "/schedules/<schedule_id>/end", END)
    def end_schedule(schedule_id: str) -> Response:
        calls.send(END, schedule_id=schedule_id)
        return redirect("/console/schedules", 303)


def _page(given: calls.Document, problem: Problem | None = None) -> str:
    faults = form_faults(problem, LABELS, within="notification.") if problem else NO_FAULTS
    page = calls.read("schedules.list_schedules", {"cursor": request.args.get("cursor"), "limit": LISTED})
    said = {"errors": faults.errors, "detail": faults.notice}
    return render_template("messages/schedules.html", page=page, given=given, **said)


def _one(schedule_id: str, given: calls.Document | None = None, problem: Problem | None = None) -> str:
    faults = form_faults(problem, LABELS, within="notification.") if problem else NO_FAULTS
    shown = calls.read(SHOW, schedule_id=schedule_id)
    message = shown["notification"] or {}
    written = {name: message.get(name) for name in ("audience", "text")} | {name: shown[name] for name in ZONED}
    said = {"errors": faults.errors, "detail": faults.notice}
    return render_template("messages/schedule.html", schedule=shown, given=written if given is None else given, **said)


def _changes(schedule_id: str, given: calls.Document) -> calls.Document:
    """What is other than it is: a message keeps the members that the form does not show."""
    kept = calls.read(SHOW, schedule_id=schedule_id)
    changes: dict[str, object] = {name: given[name] for name in ZONED if given[name] != kept[name]}
    message = kept["notification"]
    words = {name: given[name] for name in ("audience", "text") if message and name in message}
    if message and any(message[name] != text for name, text in words.items()):
        changes["notification"] = {**message, **words}
    return changes
