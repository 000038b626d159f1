"""Where messages come in: Amazon SNS, the simulator's phones, and the page behind a signed link."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from flask import Blueprint

from service.channels.inbound import Ignored, InboundSms
from service.core import ids
from service.core.clock import Clock
from service.core.enums import Scope
from service.escalate import schemas
from service.escalate.receipts import Receipts
from service.escalate.replying import Replies
from service.http import Answer, Format, Problem, ProblemType, endpoint
from service.inbound.sns import events
from service.inbound.sns.envelope import TOPIC_HEADER, Envelope, EnvelopeType, SnsGate, SnsRefused, confirmation_url

logger = logging.getLogger(__name__)


def sns_blueprint(gate: SnsGate, replies: Replies, receipts: Receipts, visit: Callable[[str], bytes]) -> Blueprint:
    """The call by which Amazon SNS delivers. `visit` gets the URL that confirms a subscription."""
    routes = Blueprint("inbound", __name__)

    def admit(headers: Mapping[str, str]) -> None:
        with _as_forbidden():
            gate.expect(headers.get(TOPIC_HEADER))

    @endpoint(
        routes,
        "POST",
        "/v1/inbound/sns",
        summary="Take a message of Amazon SNS",
        scope=None,
        headers=(TOPIC_HEADER,),
        admit=admit,
        body=[Format("*/*", bytes)],
        answers={200: schemas.Received},
        problems=(ProblemType.FORBIDDEN,),
    )
    def receive_sns(body: bytes) -> schemas.Received:
        """Two-way SMS, and delivery events of SMS, voice and SES. Needs no key: the signature is checked instead.

        403 unless the message is signed by SNS, recent, and of a topic in `TOCSIN_SNS_TOPICS`, as its header says.
        """
        with _as_forbidden():
            envelope = gate.admit(body)
            if envelope.type is EnvelopeType.SUBSCRIPTION:
                visit(confirmation_url(envelope))
                logger.info("The subscription to %s is confirmed", envelope.topic, extra={"topic": envelope.topic})
                return schemas.Received(received="subscription")
        return _taken(envelope, replies, receipts)

    return routes


@contextmanager
def _as_forbidden() -> Iterator[None]:
    try:
        yield
    except SnsRefused as error:
        logger.warning("A message to /v1/inbound/sns was refused: %s", error)
        raise Problem(ProblemType.FORBIDDEN, f"Not a message of Amazon SNS for this service: {error}.") from error


def simulator_blueprint(replies: Replies, clock: Clock) -> Blueprint:
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


def _taken(envelope: Envelope, replies: Replies, receipts: Receipts) -> schemas.Received:
    if envelope.type is not EnvelopeType.NOTIFICATION:
        return schemas.Received(received="ignored")
    match events.read(envelope):
        case Ignored(why=why):
            logger.info("A message of SNS was ignored: %s", why, extra={"sns_message_id": envelope.id})
            return schemas.Received(received="ignored")
        case InboundSms() as sms:
            replies.receive(sms)
        case receipt:
            receipts.receive(receipt)
    return schemas.Received(received="notification")
