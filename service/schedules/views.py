"""Schedules as the API shows them, and as the audit names them."""

from __future__ import annotations

from collections.abc import Mapping

from service.channels import masked
from service.core import Scope, exact_json, ids, timestamp
from service.http import Caller
from service.schedules.schedule import Occurrence, Schedule, StoredSchedule
from service.storage import AuditEntry

NEXT_RUNS = 5
"""So many of its next occurrences are shown."""


def entry(entry_type: str, schedule: Schedule, caller: Caller) -> AuditEntry:
    """What was made, changed or deleted, without whom it reaches: erasing a person leaves the audit whole."""
    at, recurrence = caller.received_at, schedule.recurrence
    members = {
        "schedule_id": schedule.id,
        "cron": recurrence.cron,
        "timezone": recurrence.timezone,
        "makes": schedule.makes.value,
    }
    return AuditEntry(ids.fresh(at), caller.request_id, entry_type, at, caller.app, exact_json.dumps(members))


def shown(kept: StoredSchedule, caller: Caller) -> dict[str, object]:
    """A schedule as `schemas.ShownSchedule`."""
    schedule = kept.schedule
    body = kept.body if Scope.PII in caller.scopes else _without_contact_data(kept.body)
    return {
        "schedule_id": schedule.id,
        "cron": schedule.recurrence.cron,
        "timezone": schedule.recurrence.timezone,
        schedule.makes.value: body,
        "created_at": timestamp(schedule.created_at),
        "next_at": timestamp(schedule.next_at),
        "next_runs": [timestamp(at) for at in schedule.next_runs(caller.received_at, NEXT_RUNS)],
        "paused_at": schedule.paused_at and timestamp(schedule.paused_at),
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
