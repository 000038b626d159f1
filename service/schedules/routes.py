"""Schedules over HTTP: made, listed, read, deleted; `change_routes` changes them."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint

from service.core import Scope
from service.http import Answer, Caller, endpoint
from service.schedules import schemas
from service.schedules.change_routes import add_changes
from service.schedules.checks import as_problems, faults_within, made_by, recurrence_of, require_scope
from service.schedules.makers import CannotMake
from service.schedules.schedule import Schedule, StoredSchedule
from service.schedules.timetable import Timetable
from service.schedules.views import entry, shown

_EITHER = (Scope.INCIDENTS, Scope.NOTIFY)


def blueprint(timetable: Timetable) -> Blueprint:
    """The calls about schedules."""
    routes = Blueprint("schedules", __name__)
    _add_create(routes, timetable)
    _add_reads(routes, timetable)
    add_changes(routes, timetable)
    _add_delete(routes, timetable)
    return routes


def _add_create(routes: Blueprint, timetable: Timetable) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/schedules",
        summary="Open an incident or send a notification again and again",
        scope=_EITHER,
        body=schemas.NewSchedule,
        answers={201: schemas.ShownSchedule},
        creates=True,
    )
    def create_schedule(body: schemas.NewSchedule, caller: Caller) -> Answer:
        """Runs at each occurrence on the zone's clock, daylight saving included; each makes its own, once.

        Of occurrences that were missed while everything was down only the latest runs. An incident needs a key with
        the scope incidents, a notification one with notify.
        """
        makes, made = made_by(body)
        require_scope(makes, caller)
        recurrence = recurrence_of(body.cron, body.timezone, caller)
        next_at = recurrence.after(caller.received_at)
        schedule = Schedule(caller.resource_id, recurrence, makes, caller.app, caller.received_at, next_at)
        try:
            kept = timetable.add(StoredSchedule(schedule, made), [entry("schedule", schedule, caller)])
        except CannotMake as error:
            raise faults_within(makes, error) from error
        return Answer(shown(kept, caller), 201)


def _add_reads(routes: Blueprint, timetable: Timetable) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/schedules",
        summary="List schedules",
        scope=_EITHER,
        query=schemas.ScheduleQuery,
        answers={200: schemas.ScheduleList},
    )
    def list_schedules(query: schemas.ScheduleQuery, caller: Caller) -> Mapping[str, object]:
        """All schedules, oldest first."""
        page = timetable.listed(query.cursor, query.limit)
        return {"items": [shown(kept, caller) for kept in page.items], "next_cursor": page.cursor}

    @endpoint(
        routes,
        "GET",
        "/v1/schedules/<schedule_id>",
        summary="Read a schedule",
        scope=_EITHER,
        answers={200: schemas.ShownSchedule},
    )
    def show_schedule(schedule_id: str, caller: Caller) -> Mapping[str, object]:
        """What recurs, when next, and what became of the last time."""
        with as_problems():
            return shown(timetable.get(schedule_id), caller)


def _add_delete(routes: Blueprint, timetable: Timetable) -> None:
    @endpoint(
        routes,
        "DELETE",
        "/v1/schedules/<schedule_id>",
        summary="Delete a schedule",
        scope=_EITHER,
        answers={204: None},
    )
    def delete_schedule(schedule_id: str, caller: Caller) -> Answer:
        """It runs no more; what it made so far goes on."""
        with as_problems():
            schedule = timetable.get(schedule_id).schedule
            require_scope(schedule.makes, caller)
            timetable.remove(schedule_id)
        timetable.store.append(entry("schedule-deleted", schedule, caller))
        return Answer(None, 204)
