"""Incidents over HTTP: opened in either shape, read with their timeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from flask import Blueprint

from service.channels import ContactRefused, asked_phone
from service.core import Scope
from service.escalate import intake, schemas
from service.escalate.contacts import UnknownContact
from service.escalate.events import Origin, Via
from service.escalate.incidents import Incidents, NoContacts, NoSuchIncident, OtherContent
from service.escalate.intake import IncidentBody, IncidentItem, IntakeRules, NewIncident
from service.escalate.lenient import NotFitting
from service.escalate.listing import IncidentFilter
from service.escalate.policies import UnknownPolicy
from service.escalate.record import IncidentRecord, shown
from service.http import (
    Answer,
    Caller,
    FieldError,
    Format,
    ProblemType,
    conflict,
    describe_callback,
    endpoint,
    invalid,
    json_document,
    not_found,
)


def blueprint(incidents: Incidents, rules: IntakeRules) -> Blueprint:
    """The calls about incidents."""
    routes = Blueprint("incidents", __name__)
    describe_callback(routes, "incident_step", "An incident has taken a step", schemas.IncidentCallback)
    _add_open(routes, incidents, rules)
    _add_reads(routes, incidents)
    return routes


def _add_open(routes: Blueprint, incidents: Incidents, rules: IntakeRules) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/incidents",
        summary="Open an incident",
        scope=Scope.INCIDENTS,
        body=[
            Format(
                "application/json", lambda raw: intake.read(json_document(raw), rules), IncidentBody, (IncidentItem,)
            )
        ],
        answers={201: schemas.ShownIncident, 200: schemas.ShownIncident},
        creates=True,
        problems=(ProblemType.CONFLICT,),
    )
    def open_incident(body: NewIncident, caller: Caller) -> Answer:
        """Page the first level at once. The same incident again is answered 200, other content under its id 409.

        `incident_id` names one incident for ever: an alert that comes again under the id of one that is over pages
        nobody. `dedup_key` names an alert: while its incident is open or acknowledged it is counted (200), whatever its
        text says then; after the end it opens a new one (201).

        The item of AWS's two-way SMS sample is taken too, plain or with DynamoDB's types.
        """
        record, created = opened(incidents, body, caller)
        return Answer(seen_by(record, caller), 201 if created else 200)


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
        """Incidents that fit, newest first.

        One call looks at about a thousand: a page may hold fewer than `limit`, even none, and go on by `next_cursor`.
        """
        by_address = Scope.PII in caller.scopes
        wanted = IncidentFilter(
            *(query.state, query.app, query.policy, _asked_person(query.person)),
            by_address,
            since=query.since,
            until=query.until,
        )
        page = incidents.listed(wanted, cursor=query.cursor, limit=query.limit)
        return {"items": [seen_by(record, caller) for record in page.items], "next_cursor": page.cursor}

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
        with as_problems():
            return seen_by(incidents.get(incident_id), caller)


def opened(
    incidents: Incidents, new: NewIncident, caller: Caller, left_out: Sequence[NotFitting] = ()
) -> tuple[IncidentRecord, bool]:
    """Open an incident, or find the same one, and whether it is new; `Problem` says why it cannot be opened."""
    with as_problems():
        return incidents.open(new, caller.app, caller.resource_id, left_out, origin(caller))


def origin(caller: Caller) -> Origin:
    """Whose call it is: a name in the body is only claimed."""
    return Origin(Via.API, caller.app, caller.key_id or None, caller.request_id)


def seen_by(record: IncidentRecord, caller: Caller) -> dict[str, object]:
    """The incident as a caller may see it."""
    return shown(record, with_contact_data=Scope.PII in caller.scopes)


@contextmanager
def as_problems() -> Iterator[None]:
    """What is wrong with a request about an incident, as a problem."""
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


def _asked_person(text: str | None) -> str | None:
    """An id or a name as it is; what begins as a phone in E.164, or 422 that says how to write one."""
    if text is None or not (text.startswith("+") or (text.startswith(" ") and text.strip()[:1].isdigit())):
        return text
    try:
        return asked_phone(text)
    except ContactRefused as error:
        raise invalid([FieldError("person", str(error))]) from error
