"""The phones of an installation that sends into its outbox: what they answer comes in here."""

from __future__ import annotations

from flask import Blueprint

from service.channels import InboundSms
from service.core import Clock, Scope, ids
from service.escalate import Replies, schemas
from service.http import Answer, endpoint


def blueprint(replies: Replies, clock: Clock) -> Blueprint:
    """The phones of an installation that sends into its outbox."""
    routes = Blueprint("simulator", __name__)

    @endpoint(
        routes,
        "POST",
        "/v1/simulator/sms",
        summary="Send an SMS as a phone would",
        scope=Scope.ADMIN,
        body=schemas.SimulatedSms,
        answers={202: schemas.Taken},
    )
    def simulate_sms(body: schemas.SimulatedSms) -> Answer:
        """Answer an incident, or say STOP, HELP or START. The outbox shows what comes back."""
        now = clock.now()
        sms = InboundSms(ids.fresh(now), body.sender, "", body.body, body.in_reply_to, now)
        replies.receive(sms)
        return Answer(schemas.Taken(id=sms.id), 202)

    return routes
