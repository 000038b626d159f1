"""Schedules: what is sent or opened by the clock, when it is next, and ending one."""

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
LABELS = {"audience": "To an audience", "text": "Text", "cron": "When", "timezone": "On the clock of"}


def add_to(routes: Blueprint) -> None:
    """Serve the list, making a schedule, and ending one."""

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

    @routes.get("/schedules/<schedule_id>/end")
    def ask_to_end_schedule(schedule_id: str) -> str:
        schedule = calls.read("schedules.show_schedule", schedule_id=schedule_id)
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
