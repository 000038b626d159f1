"""Where Twilio's requests come in."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl

from flask import Blueprint, request

from service.channels import Ignored, InboundSms
from service.core import Clock
from service.escalate import Receipts, Replies
from service.http import ANYTHING, Answer, Caller, Format, Problem, ProblemType, endpoint
from service.inbound.twilio import events
from service.inbound.twilio.signature import PATH, TwilioGate, TwilioRefused

logger = logging.getLogger(__name__)

SIGNATURE = "X-Twilio-Signature"
NOTHING_TO_SAY = Answer("<Response></Response>", media_type="text/xml")
"""TwiML that answers nothing: what there is to say leaves as an SMS of its own, and is retried like any."""


def blueprint(gate: TwilioGate, replies: Replies, receipts: Receipts, clock: Clock) -> Blueprint:
    """The call by which Twilio delivers."""
    routes = Blueprint("twilio", __name__)

    def admit(headers: Mapping[str, str]) -> None:
        with _as_forbidden():
            gate.expect(headers.get(SIGNATURE, ""))

    @endpoint(
        routes,
        "POST",
        PATH,
        summary="Take a request of Twilio",
        scope=None,
        body=[Format("application/x-www-form-urlencoded", bytes), Format(ANYTHING, bytes)],
        headers=(SIGNATURE,),
        admit=admit,
        answers={200: None},
        media_type="text/xml",
        problems=(ProblemType.FORBIDDEN,),
    )
    def receive_twilio(body: bytes, caller: Caller) -> Answer:
        """SMS that people write, and what became of our SMS and calls. Needs no key: the signature is checked instead.

        403 unless it is signed with a token of `TOCSIN_TWILIO_TOKENS` for this path under `TOCSIN_PUBLIC_URL`.
        """
        query = request.query_string.decode("ascii", "replace")
        with _as_forbidden():
            fields = gate.admit(body, query, caller.headers.get(SIGNATURE, ""))
        match events.read(fields, dict(parse_qsl(query)), clock.now()):
            case Ignored(why=why):
                logger.info("A request of Twilio was ignored: %s", why)
            case InboundSms() as sms:
                replies.receive(sms)
            case receipt:
                receipts.receive(receipt)
        return NOTHING_TO_SAY

    return routes


@contextmanager
def _as_forbidden() -> Iterator[None]:
    try:
        yield
    except TwilioRefused as error:
        logger.warning("A request to %s was refused: %s", PATH, error)
        raise Problem(ProblemType.FORBIDDEN, f"Not a request of Twilio for this service: {error}.") from error
