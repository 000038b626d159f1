"""Schedules over HTTP: made, listed, read, deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Blueprint

from service.channels import masked
from service.core import Scope, exact_json, ids, timestamp
from service.http import (
    Answer,
    Caller,
    FieldError,
    Problem,
    ProblemType,
    endpoint,
    invalid,
    not_found,
)
from service.schedules import schemas
from service.schedules.makers import CannotMake
from service.schedules.recurrence import NotACron, NotAZone, Recurrence, parse
from service.schedules.schedule import Occurrence, Schedule, ScheduleTarget, StoredSchedule
from service.schedules.timetable import NoSuchSchedule, Timetable
from service.storage import AuditEntry

_EITHER = (Scope.INCIDENTS, Scope.NOTIFY)
_NEEDS = {ScheduleTarget.INCIDENT: Scope.INCIDENTS, ScheduleTarget.NOTIFICATION: Scope.NOTIFY}
_OF_AN_OCCURRENCE = {ScheduleTarget.INCIDENT: ("incident_id", "open_at"), ScheduleTarget.NOTIFICATION: ("send_at",)}
"""Members of a body that each occurrence decides for itself."""


def blueprint(timetable: Timetable) -> Blueprint:
    """The calls about schedules."""
    routes = Blueprint("schedules", __name__)
    _add_create(routes, timetable)
    _add_reads(routes, timetable)
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
        makes, made = _made(body)
        _require(makes, caller)
        recurrence = _recurrence(body, caller)
        next_at = recurrence.after(caller.received_at)
        schedule = Schedule(caller.resource_id, recurrence, makes, caller.app, caller.received_at, next_at)
        try:
            kept = timetable.add(StoredSchedule(schedule, made), [_entry("schedule", schedule, caller)])
        except CannotMake as error:
            faults = [FieldError(f"{makes.value}.{fault.path}", fault.message) for fault in error.faults]
            raise invalid(faults) from error
        return Answer(_shown(kept, caller), 201)


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
        return {"items": [_shown(kept, caller) for kept in page.items], "next_cursor": page.cursor}

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
        with _as_problems():
            return _shown(timetable.get(schedule_id), caller)


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
        with _as_problems():
            schedule = timetable.get(schedule_id).schedule
            _require(schedule.makes, caller)
            timetable.remove(schedule_id)
        timetable.store.append(_entry("schedule-deleted", schedule, caller))
        return Answer(None, 204)


def _made(body: schemas.NewSchedule) -> tuple[ScheduleTarget, dict[str, object]]:
    """What each occurrence makes, and the body of it."""
    given = {ScheduleTarget.INCIDENT: body.incident, ScheduleTarget.NOTIFICATION: body.notification}
    choices = [(makes, model) for makes, model in given.items() if model is not None]
    if len(choices) != 1:
        raise invalid([FieldError("", "Say either an incident or a notification")])
    makes, model = choices[0]
    strange = [name for name in _OF_AN_OCCURRENCE[makes] if getattr(model, name) is not None]
    if strange:
        why = "Each occurrence has its own: leave it out"
        raise invalid([FieldError(f"{makes.value}.{name}", why) for name in strange])
    return makes, model.model_dump(exclude_unset=True)


def _recurrence(body: schemas.NewSchedule, caller: Caller) -> Recurrence:
    try:
        return parse(body.cron, body.timezone, caller.received_at)
    except NotACron as error:
        raise invalid([FieldError("cron", f"{error}.")]) from error
    except NotAZone as error:
        raise invalid([FieldError("timezone", f"{error}.")]) from error


def _require(makes: ScheduleTarget, caller: Caller) -> None:
    scope = _NEEDS[makes]
    if scope not in caller.scopes:
        raise Problem(ProblemType.MISSING_SCOPE, f"This schedule needs a key with the scope {scope}.")


def _entry(entry_type: str, schedule: Schedule, caller: Caller) -> AuditEntry:
    """What was made or deleted, without whom it reaches: erasing a person leaves the audit whole."""
    at, recurrence = caller.received_at, schedule.recurrence
    members = {
        "schedule_id": schedule.id,
        "cron": recurrence.cron,
        "timezone": recurrence.timezone,
        "makes": schedule.makes.value,
    }
    return AuditEntry(ids.fresh(at), caller.request_id, entry_type, at, caller.app, exact_json.dumps(members))


def _shown(kept: StoredSchedule, caller: Caller) -> dict[str, object]:
    schedule = kept.schedule
    body = kept.body if Scope.PII in caller.scopes else _without_contact_data(kept.body)
    return {
        "schedule_id": schedule.id,
        "cron": schedule.recurrence.cron,
        "timezone": schedule.recurrence.timezone,
        schedule.makes.value: body,
        "created_at": timestamp(schedule.created_at),
        "next_at": timestamp(schedule.next_at),
        "last": schedule.last and _ran(schedule.last),
    }


def _ran(last: Occurrence) -> dict[str, object]:
    return {"at": timestamp(last.at), "id": last.id, "problem": last.problem}


def _without_contact_data(body: Mapping[str, object]) -> dict[str, object]:
    contacts = body.get("contacts")
    if not isinstance(contacts, list | tuple):
        return dict(body)
    return {
        **body,
        "contacts": [{name: _hidden(name, field) for name, field in contact.items()} for contact in contacts],
    }


def _hidden(name: str, field: object) -> object:
    return masked(field) if name in ("phone", "email") and isinstance(field, str) else field


@contextmanager
def _as_problems() -> Iterator[None]:
    try:
        yield
    except NoSuchSchedule as error:
        raise not_found(str(error)) from error
