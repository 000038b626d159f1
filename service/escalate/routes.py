"""Incidents over HTTP: opened in either shape, read with their timeline, acknowledged, cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from flask import Blueprint

from service.core.enums import Scope
from service.escalate import intake, schemas
from service.escalate.contacts import UnknownContact
from service.escalate.events import ApiAcknowledge, ApiCancel
from service.escalate.incidents import Incidents, NoContacts, NoSuchIncident, OtherContent
from service.escalate.intake import IncidentBody, IntakeRules, NewIncident
from service.escalate.lenient import NotFitting
from service.escalate.policies import UnknownPolicy
from service.escalate.record import IncidentRecord, shown
from service.http import (
    Answer,
    Caller,
    FieldError,
    Format,
    ProblemType,
    conflict,
    endpoint,
    invalid,
    json_document,
    not_found,
)

_THE_CALLER = schemas.Actor()


def blueprint(incidents: Incidents, rules: IntakeRules) -> Blueprint:
    """The calls about incidents."""
    routes = Blueprint("incidents", __name__)
    _add_open(routes, incidents, rules)
    _add_reads(routes, incidents)
    _add_acknowledge(routes, incidents)
    _add_cancel(routes, incidents)
    return routes


def _add_open(routes: Blueprint, incidents: Incidents, rules: IntakeRules) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/incidents",
        summary="Open an incident",
        scope=Scope.INCIDENTS,
        body=[Format("application/json", lambda raw: intake.read(json_document(raw), rules), IncidentBody)],
        answers={201: schemas.ShownIncident, 200: schemas.ShownIncident},
        creates=True,
        problems=(ProblemType.CONFLICT,),
    )
    def open_incident(body: NewIncident, caller: Caller) -> Answer:
        """Page the first level at once. The same incident again is answered 200, other content under its id 409.

        The item of AWS's two-way SMS sample is taken too, plain or with DynamoDB's types.
        """
        record, created = opened(incidents, body, caller)
        return Answer(_shown(record, caller), 201 if created else 200)


def _add_reads(routes: Blueprint, incidents: Incidents) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/incidents",
        summary="List incidents",
        scope=Scope.INCIDENTS,
        query=schemas.IncidentQuery,
        answers={200: schemas.IncidentList},
    )
    def list_incidents(query: schemas.IncidentQuery, caller: Caller) -> Mapping[str, object]:
        """All incidents, or those in one state, by id."""
        page = incidents.listed(query.state, cursor=query.cursor, limit=query.limit)
        return {"items": [_shown(record, caller) for record in page.items], "next_cursor": page.cursor}

    @endpoint(
        routes,
        "GET",
        "/v1/incidents/<incident_id>",
        summary="Follow an incident",
        scope=Scope.INCIDENTS,
        answers={200: schemas.ShownIncident},
    )
    def show_incident(incident_id: str, caller: Caller) -> Mapping[str, object]:
        """State, level, who has it since when, and everything that happened."""
        with _as_problems():
            return _shown(incidents.get(incident_id), caller)


def _add_acknowledge(routes: Blueprint, incidents: Incidents) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/incidents/<incident_id>/acknowledge",
        summary="Acknowledge an incident",
        scope=Scope.INCIDENTS,
        body=schemas.Actor,
        answers={200: schemas.ShownIncident},
        problems=(ProblemType.CONFLICT,),
    )
    def acknowledge_incident(
        incident_id: str, caller: Caller, body: schemas.Actor = _THE_CALLER
    ) -> Mapping[str, object]:
        """Paging stops and everybody paged is told who has it. Acknowledging again answers who was first."""
        with _as_problems():
            contact = _contact(incidents, incident_id, body)
            event = ApiAcknowledge(caller.resource_id, caller.received_at, body.by or caller.app, contact)
            record = incidents.happens(incident_id, event)
        if record.incident.state.name != "acknowledged":
            raise conflict(f"Incident {incident_id} was {record.incident.state.name}.")
        return _shown(record, caller)


def _add_cancel(routes: Blueprint, incidents: Incidents) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/incidents/<incident_id>/cancel",
        summary="Cancel an incident",
        scope=Scope.INCIDENTS,
        body=schemas.Actor,
        answers={200: schemas.ShownIncident},
        problems=(ProblemType.CONFLICT,),
    )
    def cancel_incident(incident_id: str, caller: Caller, body: schemas.Actor = _THE_CALLER) -> Mapping[str, object]:
        """It is not needed any more: paging stops and everybody paged is told. An acknowledged one stays so."""
        with _as_problems():
            event = ApiCancel(caller.resource_id, caller.received_at, body.by or caller.app)
            record = incidents.happens(incident_id, event)
        if record.incident.state.name != "cancelled":
            raise conflict(f"Incident {incident_id} was {record.incident.state.name}.")
        return _shown(record, caller)


def opened(
    incidents: Incidents, new: NewIncident, caller: Caller, left_out: Sequence[NotFitting] = ()
) -> tuple[IncidentRecord, bool]:
    """Open an incident, or find the same one, and whether it is new; `Problem` says why it cannot be opened."""
    with _as_problems():
        return incidents.open(new, caller.app, caller.resource_id, left_out)


def _contact(incidents: Incidents, incident_id: str, body: schemas.Actor) -> int | None:
    if body.contact is not None and incidents.get(incident_id).incident.contact(body.contact) is None:
        raise invalid([FieldError("contact", f"The incident has no contact {body.contact}")])
    return body.contact


def _shown(record: IncidentRecord, caller: Caller) -> dict[str, object]:
    return shown(record, with_contact_data=Scope.PII in caller.scopes)


@contextmanager
def _as_problems() -> Iterator[None]:
    try:
        yield
    except NoSuchIncident as error:
        raise not_found(f"{error}.") from error
    except OtherContent as error:
        raise conflict(f"{error}.") from error
    except UnknownPolicy as error:
        raise invalid([FieldError("policy", str(error))]) from error
    except UnknownContact as error:
        raise invalid([FieldError(error.path, str(error))]) from error
    except NoContacts as error:
        raise invalid([FieldError("contacts", str(error))]) from error
