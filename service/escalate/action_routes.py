"""What is done to an incident over HTTP: acknowledge, resolve, cancel, escalate, reopen, note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint

from service.core import Scope
from service.escalate import schemas
from service.escalate.events import (
    ApiAcknowledge,
    ApiCancel,
    ApiEscalate,
    ApiNote,
    ApiReopen,
    ApiResolve,
    FromApi,
)
from service.escalate.incidents import Incidents
from service.escalate.record import IncidentRecord
from service.escalate.routes import as_problems, origin, seen_by
from service.http import Caller, FieldError, ProblemType, conflict, endpoint, invalid

_THE_CALLER = schemas.Actor()

Make = Callable[[Caller, schemas.Actor], FromApi]
"""The event that a call is."""


@dataclass(frozen=True, slots=True)
class Action:
    """One call: its path and words, the event it is, and the states in which an incident may then be."""

    name: str
    summary: str
    doc: str
    event: Make
    states: tuple[str, ...]


def _acknowledge(caller: Caller, body: schemas.Actor) -> FromApi:
    by = body.by or caller.app
    return ApiAcknowledge(caller.resource_id, caller.received_at, by, body.contact, origin(caller))


def _resolve(caller: Caller, body: schemas.Actor) -> FromApi:
    by = body.by or caller.app
    return ApiResolve(caller.resource_id, caller.received_at, by, body.contact, origin(caller))


def _cancel(caller: Caller, body: schemas.Actor) -> FromApi:
    return ApiCancel(caller.resource_id, caller.received_at, body.by or caller.app, origin(caller))


def _escalate(caller: Caller, body: schemas.Actor) -> FromApi:
    return ApiEscalate(caller.resource_id, caller.received_at, body.by or caller.app, origin(caller))


def _reopen(caller: Caller, body: schemas.Actor) -> FromApi:
    return ApiReopen(caller.resource_id, caller.received_at, body.by or caller.app, origin(caller))


_ACTIONS = (
    Action(
        "acknowledge",
        "Acknowledge an incident",
        """Paging stops and everybody paged is told who has it. Acknowledging again answers who was first.

        Under a policy with `renew`, acknowledging again by the same name says that they are still on it.
        """,
        _acknowledge,
        ("acknowledged",),
    ),
    Action(
        "resolve",
        "Resolve an incident",
        """It is over, whether somebody has it or not: paging stops; who has it and everybody paged is told.

        Resolving again answers the incident as it is; one that was cancelled stays so (409).
        """,
        _resolve,
        ("resolved",),
    ),
    Action(
        "cancel",
        "Cancel an incident",
        "It is not needed any more: paging stops and everybody paged is told. An acknowledged one stays so.",
        _cancel,
        ("cancelled",),
    ),
    Action(
        "escalate",
        "Ask the next level now",
        """The next level is paged; those asked so far, or who has it, are told.

        From the last level it goes on as after silence there. One that is over is not passed on (409): reopen it.
        """,
        _escalate,
        ("open", "unacknowledged"),
    ),
    Action(
        "reopen",
        "Begin an incident again",
        """The first level is paged anew, whatever became of the incident; one that is open goes on as it is.

        Who declined it before is asked again.
        """,
        _reopen,
        ("open", "unacknowledged"),
    ),
)


def add(routes: Blueprint, incidents: Incidents) -> None:
    """Add the calls by which incidents are moved on."""
    for action in _ACTIONS:
        _add(routes, incidents, action)
    _add_note(routes, incidents)
    _add_resolve_alert(routes, incidents)


def _add(routes: Blueprint, incidents: Incidents, action: Action) -> None:
    def act(incident_id: str, caller: Caller, body: schemas.Actor = _THE_CALLER) -> Mapping[str, object]:
        with as_problems():
            _known_contact(incidents, incident_id, body)
            return seen_by(apply_action(incidents, incident_id, action, caller, body), caller)

    act.__name__ = f"{action.name}_incident"
    act.__doc__ = action.doc
    endpoint(
        routes,
        "POST",
        f"/v1/incidents/<incident_id>/{action.name}",
        summary=action.summary,
        scope=Scope.INCIDENTS,
        body=schemas.Actor,
        answers={200: schemas.ShownIncident},
        problems=(ProblemType.CONFLICT,),
    )(act)


def apply_action(
    incidents: Incidents, incident_id: str, action: Action, caller: Caller, body: schemas.Actor
) -> IncidentRecord:
    """The incident after an action; 409 where it cannot be done in the state it is in."""
    before = incidents.get(incident_id).incident.state.name
    record = incidents.apply(incident_id, action.event(caller, body))
    if record.incident.state.name not in action.states or (action.name == "escalate" and before == "unacknowledged"):
        raise conflict(f"Incident {incident_id} was {record.incident.state.name}.")
    return record


def _known_contact(incidents: Incidents, incident_id: str, body: schemas.Actor) -> None:
    if body.contact is not None and incidents.get(incident_id).incident.contact(body.contact) is None:
        raise invalid([FieldError("contact", f"The incident has no contact {body.contact}")])


def _add_note(routes: Blueprint, incidents: Incidents) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/incidents/<incident_id>/notes",
        summary="Note something beside an incident",
        scope=Scope.INCIDENTS,
        body=schemas.Note,
        answers={200: schemas.ShownIncident},
    )
    def note_incident(incident_id: str, caller: Caller, body: schemas.Note) -> Mapping[str, object]:
        """The note stands on the timeline, in any state, and is sent to nobody. The audit says that there is one."""
        by = body.by or caller.app
        event = ApiNote(caller.resource_id, caller.received_at, by, body.text, origin(caller))
        with as_problems():
            return seen_by(incidents.apply(incident_id, event), caller)


def _add_resolve_alert(routes: Blueprint, incidents: Incidents) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/incidents/resolve",
        summary="Resolve an alert by its key",
        scope=Scope.INCIDENTS,
        body=schemas.ResolvedAlert,
        answers={200: schemas.ShownIncident},
        problems=[ProblemType.NOT_FOUND],
    )
    def resolve_alert(caller: Caller, body: schemas.ResolvedAlert) -> Mapping[str, object]:
        """The incident that this app's `dedup_key` opened last is over, as by its own call; 404 if it opened none.

        One that is over already is answered as it is.
        """
        by = body.by or caller.app
        event = ApiResolve(caller.resource_id, caller.received_at, by, None, origin(caller))
        with as_problems():
            return seen_by(incidents.apply(incidents.of_alert(caller.app, body.dedup_key), event), caller)
