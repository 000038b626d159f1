"""Where Amazon SNS delivers: messages of people, and what became of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Blueprint

from service.channels import Ignored, InboundMail, InboundSms, parse_mail
from service.escalate import MailReplies, Receipts, Replies, schemas
from service.http import ANYTHING, Format, Problem, ProblemType, endpoint
from service.inbound.sns import events
from service.inbound.sns.envelope import TOPIC_HEADER, Envelope, EnvelopeType, SnsGate, SnsRefused, confirmation_url

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receivers:
    """Who takes what comes in: SMS, mails, and what became of messages."""

    replies: Replies
    mails: MailReplies
    receipts: Receipts


def blueprint(gate: SnsGate, receivers: Receivers, visit: Callable[[str], bytes]) -> Blueprint:
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
        body=[Format("text/plain", bytes), Format(ANYTHING, bytes)],
        answers={200: schemas.Received},
        problems=(ProblemType.FORBIDDEN,),
    )
    def receive_sns(body: bytes) -> schemas.Received:
        """Two-way SMS, mails that SES takes in, and delivery events of SMS, voice and SES.

        Needs no key: the signature is checked instead.

        403 unless the message is signed by SNS, recent, and of a topic in `TOCSIN_SNS_TOPICS`, as its header says.
        """
        with _as_forbidden():
            envelope = gate.admit(body)
            if envelope.type is EnvelopeType.SUBSCRIPTION:
                visit(confirmation_url(envelope))
                logger.info("The subscription to %s is confirmed", envelope.topic, extra={"topic": envelope.topic})
                return schemas.Received(received="subscription")
        return _taken(envelope, receivers)

    return routes


@contextmanager
def _as_forbidden() -> Iterator[None]:
    try:
        yield
    except SnsRefused as error:
        logger.warning("A message to /v1/inbound/sns was refused: %s", error)
        raise Problem(ProblemType.FORBIDDEN, f"Not a message of Amazon SNS for this service: {error}.") from error


def _taken(envelope: Envelope, receivers: Receivers) -> schemas.Received:
    if envelope.type is not EnvelopeType.NOTIFICATION:
        return schemas.Received(received="ignored")
    match events.read(envelope):
        case Ignored(why=why):
            logger.info("A message of SNS was ignored: %s", why, extra={"sns_message_id": envelope.id})
            return schemas.Received(received="ignored")
        case InboundSms() as sms:
            receivers.replies.receive(sms)
        case InboundMail(raw=raw):
            receivers.mails.receive(parse_mail(raw))
        case receipt:
            receivers.receipts.receive(receipt)
    return schemas.Received(received="notification")
