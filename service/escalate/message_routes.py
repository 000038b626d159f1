"""What became of each message of an incident: the timeline says what was decided, this says what was sent."""

from __future__ import annotations

from flask import Blueprint

from service.core import Scope
from service.escalate import schemas
from service.escalate.incidents import Incidents, NoSuchIncident
from service.escalate.items import Outgoing
from service.http import endpoint, not_found


def blueprint(incidents: Incidents) -> Blueprint:
    """The call about an incident's messages."""
    routes = Blueprint("incident-messages", __name__)

    @endpoint(
        routes,
        "GET",
        "/v1/incidents/<incident_id>/messages",
        summary="Follow the messages of an incident",
        scope=Scope.INCIDENTS,
        query=schemas.MessageQuery,
        answers={200: schemas.MessageList},
    )
    def list_incident_messages(incident_id: str, query: schemas.MessageQuery) -> schemas.MessageList:
        """Pages, reminders and answers in the order in which they were decided, and where each is now.

        Pages that arrived in a summary, because too many came at once, have no message of their own. Messages are
        kept for 90 days.
        """
        try:
            page = incidents.messages(incident_id, cursor=query.cursor, limit=query.limit)
        except NoSuchIncident as error:
            raise not_found(f"{error}.") from error
        return schemas.MessageList(items=tuple(map(_shown, page.items)), next_cursor=page.cursor)

    return routes


def _shown(outgoing: Outgoing) -> schemas.ShownMessage:
    return schemas.ShownMessage(
        number=outgoing.number,
        message=outgoing.role.value,
        contact=outgoing.contact,
        level=outgoing.level or None,
        channel=outgoing.channel.value,
        status=outgoing.fate,
        attempt=outgoing.attempt,
        provider_id=outgoing.provider_id,
        detail=outgoing.detail,
    )
