"""What a request about a schedule must fulfil, and the problems that say where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.core import Scope
from service.http import Caller, FieldError, Problem, ProblemType, invalid, not_found
from service.schedules import schemas
from service.schedules.makers import CannotMake
from service.schedules.recurrence import NotACron, NotAZone, Recurrence, parse
from service.schedules.schedule import ScheduleTarget
from service.schedules.timetable import NoSuchSchedule

_NEEDS = {ScheduleTarget.INCIDENT: Scope.INCIDENTS, ScheduleTarget.NOTIFICATION: Scope.NOTIFY}
_OF_AN_OCCURRENCE = {ScheduleTarget.INCIDENT: ("incident_id", "open_at"), ScheduleTarget.NOTIFICATION: ("send_at",)}
"""Members of a body that each occurrence decides for itself."""


def made_by(body: schemas.NewSchedule | schemas.ScheduleChange) -> tuple[ScheduleTarget, dict[str, object]]:
    """What each occurrence makes, and the body of it; 422 unless it is exactly one thing."""
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


def recurrence_of(cron: str, timezone: str, caller: Caller) -> Recurrence:
    """When it recurs; 422 at the field that says it wrongly."""
    try:
        return parse(cron, timezone, caller.received_at)
    except NotACron as error:
        raise invalid([FieldError("cron", f"{error}.")]) from error
    except NotAZone as error:
        raise invalid([FieldError("timezone", f"{error}.")]) from error


def require_scope(makes: ScheduleTarget, caller: Caller) -> None:
    """403 for a key that may not make what the schedule makes."""
    scope = _NEEDS[makes]
    if scope not in caller.scopes:
        raise Problem(ProblemType.MISSING_SCOPE, f"This schedule needs a key with the scope {scope}.")


def faults_within(makes: ScheduleTarget, error: CannotMake) -> Problem:
    """422 at the members of the body that keep anything from being made."""
    return invalid([FieldError(f"{makes.value}.{fault.path}", fault.message) for fault in error.faults])


@contextmanager
def as_problems() -> Iterator[None]:
    """What the timetable refuses, as the answer that says so."""
    try:
        yield
    except NoSuchSchedule as error:
        raise not_found(str(error)) from error
