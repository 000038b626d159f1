"""Schedules that are there, over HTTP: changed, paused, let go on, and run at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from flask import Blueprint

from service.core import Scope
from service.http import Caller, FieldError, endpoint, invalid
from service.schedules import schemas
from service.schedules.checks import as_problems, faults_within, made_by, recurrence_of, require_scope
from service.schedules.makers import CannotMake
from service.schedules.schedule import StoredSchedule
from service.schedules.timetable import Timetable
from service.schedules.views import entry, shown

_EITHER = (Scope.INCIDENTS, Scope.NOTIFY)


def add_changes(routes: Blueprint, timetable: Timetable) -> None:
    """The calls that change a schedule."""
    _add_change(routes, timetable)
    _add_pause(routes, timetable)
    _add_resume(routes, timetable)
    _add_run(routes, timetable)


def _add_change(routes: Blueprint, timetable: Timetable) -> None:
    @endpoint(
        routes,
        "PATCH",
        "/v1/schedules/<schedule_id>",
        summary="Change a schedule",
        scope=_EITHER,
        body=schemas.ScheduleChange,
        answers={200: schemas.ShownSchedule},
    )
    def change_schedule(schedule_id: str, body: schemas.ScheduleChange, caller: Caller) -> dict[str, object]:
        """What is left out stays. The incident or notification is replaced whole; one cannot become the other.

        A schedule that is paused stays so.
        """
        kept = _own(timetable, schedule_id, caller)
        makes = kept.schedule.makes
        replaced = _replaced(body, kept)
        now = caller.received_at

        def change(before: StoredSchedule) -> StoredSchedule:
            old = before.schedule.recurrence
            recurrence = recurrence_of(body.cron or old.cron, body.timezone or old.timezone, caller)
            schedule = replace(before.schedule, recurrence=recurrence, next_at=recurrence.after(now))
            return StoredSchedule(schedule, replaced or before.body)

        try:
            changed = change(kept)
            if replaced:
                timetable.check(changed)
            return shown(
                timetable.change(schedule_id, change, [entry("schedule-changed", changed.schedule, caller)]), caller
            )
        except CannotMake as error:
            raise faults_within(makes, error) from error


def _add_pause(routes: Blueprint, timetable: Timetable) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/schedules/<schedule_id>/pause",
        summary="Pause a schedule",
        scope=_EITHER,
        answers={200: schemas.ShownSchedule},
    )
    def pause_schedule(schedule_id: str, caller: Caller) -> dict[str, object]:
        """Nothing is made until it is resumed. Pausing again changes nothing."""
        return _turned(timetable, schedule_id, "paused", caller)


def _add_resume(routes: Blueprint, timetable: Timetable) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/schedules/<schedule_id>/resume",
        summary="Let a schedule go on",
        scope=_EITHER,
        answers={200: schemas.ShownSchedule},
    )
    def resume_schedule(schedule_id: str, caller: Caller) -> dict[str, object]:
        """From the next occurrence on; those that the pause left out are not made up for."""
        return _turned(timetable, schedule_id, "resumed", caller)


def _add_run(routes: Blueprint, timetable: Timetable) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/schedules/<schedule_id>/run",
        summary="Run a schedule now",
        scope=_EITHER,
        answers={200: schemas.ShownSchedule},
    )
    def run_schedule(schedule_id: str, caller: Caller) -> dict[str, object]:
        """Makes one now, paused or not, beside those of the clock: `last` names it. Twice within a second makes one."""
        kept = _own(timetable, schedule_id, caller)
        try:
            audit = entry("schedule-run", kept.schedule, caller)
            return shown(timetable.run(schedule_id, caller.received_at, [audit]), caller)
        except CannotMake as error:
            raise faults_within(kept.schedule.makes, error) from error


def _own(timetable: Timetable, schedule_id: str, caller: Caller) -> StoredSchedule:
    """The schedule, for a caller who may make what it makes."""
    with as_problems():
        kept = timetable.get(schedule_id)
    require_scope(kept.schedule.makes, caller)
    return kept


def _replaced(body: schemas.ScheduleChange, kept: StoredSchedule) -> dict[str, object] | None:
    if body.incident is None and body.notification is None:
        return None
    makes, made = made_by(body)
    if makes is not kept.schedule.makes:
        raise invalid([FieldError(makes.value, f"This schedule makes a {kept.schedule.makes}: make another one")])
    return made


def _turned(
    timetable: Timetable, schedule_id: str, to: Literal["paused", "resumed"], caller: Caller
) -> dict[str, object]:
    kept, now = _own(timetable, schedule_id, caller), caller.received_at

    def change(before: StoredSchedule) -> StoredSchedule:
        schedule = before.schedule.paused(now) if to == "paused" else before.schedule.resumed(now)
        return replace(before, schedule=schedule)

    audit = entry(f"schedule-{to}", kept.schedule, caller)
    with as_problems():
        return shown(timetable.change(schedule_id, change, [audit]), caller)
