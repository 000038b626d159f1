"""What SNS messages of the messaging services say: a person's SMS, or what became of a message of ours.

Sources: two-way SMS (https://docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html), SMS and voice
events (https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html), SES events
(https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from service.channels import Ignored, Inbound, InboundMail, InboundSms, Receipt, ReceiptStatus, Unwanted
from service.core import Channel, exact_json
from service.inbound.sns.envelope import Envelope

M = TypeVar("M", bound=BaseModel)

_IGNORED = frozenset({"Send", "Open", "Click", "Subscription"})

_FATES = {
    "SUCCESSFUL": ReceiptStatus.DELIVERED,
    "DELIVERED": ReceiptStatus.DELIVERED,
    "ANSWERED": ReceiptStatus.DELIVERED,
    "COMPLETED": ReceiptStatus.DELIVERED,
    "PENDING": ReceiptStatus.IN_FLIGHT,
    "QUEUED": ReceiptStatus.IN_FLIGHT,
    "SENT": ReceiptStatus.IN_FLIGHT,
    "INITIATED": ReceiptStatus.IN_FLIGHT,
    "RINGING": ReceiptStatus.IN_FLIGHT,
    "UNREACHABLE": ReceiptStatus.UNREACHED,
    "CARRIER_UNREACHABLE": ReceiptStatus.UNREACHED,
    "TTL_EXPIRED": ReceiptStatus.UNREACHED,
    "BUSY": ReceiptStatus.UNREACHED,
    "NO_ANSWER": ReceiptStatus.UNREACHED,
    "FAILED": ReceiptStatus.UNREACHED,
    "UNKNOWN": ReceiptStatus.UNKNOWN,
    "INVALID": ReceiptStatus.REFUSED,
    "INVALID_MESSAGE": ReceiptStatus.REFUSED,
    "BLOCKED": ReceiptStatus.REFUSED,
    "CARRIER_BLOCKED": ReceiptStatus.REFUSED,
    "SPAM": ReceiptStatus.REFUSED,
    "PROTECT_BLOCKED": ReceiptStatus.REFUSED,
}
"""Event types of `pinpoint-sms-voice-v2` without their TEXT_, MEDIA_ or VOICE_."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _TwoWay(_Model):
    origination_number: Annotated[str, Field(alias="originationNumber", min_length=1, max_length=64)]
    destination_number: Annotated[str, Field(alias="destinationNumber", max_length=64)]
    body: Annotated[str, Field(alias="messageBody")]
    id: Annotated[str, Field(alias="inboundMessageId", min_length=1, max_length=128)]
    previous: Annotated[str | None, Field(alias="previousPublishedMessageId", max_length=256)] = None


class _Context(_Model):
    delivery: str | None = None
    attempt: str | None = None


class _SmsVoice(_Model):
    event_type: Annotated[str, Field(alias="eventType", pattern="^(TEXT|MEDIA|VOICE)_[A-Z_]+$")]
    timestamp: Annotated[int, Field(alias="eventTimestamp", ge=0, le=253_402_300_799_000)]
    message_id: Annotated[str, Field(alias="messageId")]
    context: _Context = _Context()


class _Action(_Model):
    encoding: str = "UTF-8"


class _TakenIn(_Model):
    action: _Action = _Action()


class _InboundMail(_Model):
    """https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html"""

    content: str
    receipt: _TakenIn = _TakenIn()


class _Mail(_Model):
    message_id: Annotated[str, Field(alias="messageId")]
    tags: dict[str, list[str]] = {}


class _BouncedRecipient(_Model):
    address: Annotated[str, Field(alias="emailAddress")]


class _Bounce(_Model):
    type: Annotated[str, Field(alias="bounceType")]
    subtype: Annotated[str, Field(alias="bounceSubType")] = ""
    recipients: Annotated[list[_BouncedRecipient], Field(alias="bouncedRecipients")] = []


class _Complaint(_Model):
    recipients: Annotated[list[_BouncedRecipient], Field(alias="complainedRecipients")] = []


class _Ses(_Model):
    mail: _Mail
    event_type: Annotated[str | None, Field(alias="eventType")] = None
    notification_type: Annotated[str | None, Field(alias="notificationType")] = None
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None

    @property
    def kind(self) -> str:
        return self.event_type or self.notification_type or ""


def read(envelope: Envelope) -> Inbound:
    """What a verified notification says; `Ignored` for what is none of ours, never an error."""
    try:
        members = exact_json.loads(envelope.message)
    except exact_json.NotJson:
        return Ignored("the message is not JSON")
    if not isinstance(members, dict):
        return Ignored("the message is not a JSON object")
    if members.get("source") == "aws.sms-voice" and isinstance(members.get("detail"), dict):
        members = members["detail"]  # as EventBridge wraps the same events
    if "messageBody" in members:
        return _parsed(_TwoWay, members, lambda sms: _inbound(sms, envelope.at))
    if members.get("notificationType") == "Received":
        return _parsed(_InboundMail, members, _mail)
    if "mail" in members:
        return _parsed(_Ses, members, lambda event: _email(event, envelope.at))
    if "eventType" in members:
        return _parsed(_SmsVoice, members, _phone)
    return Ignored("the message is no event of a service we use")


def _parsed(model: type[M], members: object, then: Callable[[M], Inbound]) -> Inbound:
    try:
        return then(TypeAdapter(model).validate_python(members))
    except ValidationError as error:
        places = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
        return Ignored(f"the event does not have the form that AWS documents: {places}")


def _inbound(sms: _TwoWay, at: datetime) -> Inbound:
    return InboundSms(sms.id, sms.origination_number, sms.destination_number, sms.body, sms.previous or None, at)


def _mail(given: _InboundMail) -> Inbound:
    if given.receipt.action.encoding.upper() != "BASE64":
        return InboundMail(given.content.encode())
    try:
        return InboundMail(base64.b64decode(given.content))
    except ValueError:
        return Ignored("the mail is not in base64")


def _phone(event: _SmsVoice) -> Inbound:
    kind, _, status = event.event_type.partition("_")
    fate = _FATES.get(status)
    if fate is None:
        return Ignored("the event says nothing about delivery")
    return Receipt(
        provider_id=event.message_id,
        channel=Channel.VOICE if kind == "VOICE" else Channel.SMS,
        fate=fate,
        status=event.event_type,
        at=datetime.fromtimestamp(event.timestamp / 1000, UTC),
        delivery_id=event.context.delivery,
        attempt=_attempt(event.context.attempt),
    )


def _email(event: _Ses, at: datetime) -> Inbound:
    match event:
        case _Ses(kind="Bounce", bounce=_Bounce(type="Permanent") as bounce):
            addresses = tuple(recipient.address for recipient in bounce.recipients)
            return Unwanted(
                _email_receipt(event, ReceiptStatus.REFUSED, f"Bounce/Permanent/{bounce.subtype}", at), addresses
            )
        case _Ses(kind="Bounce", bounce=_Bounce() as bounce):
            return _email_receipt(event, ReceiptStatus.UNREACHED, f"Bounce/{bounce.type}/{bounce.subtype}", at)
        case _Ses(kind="Complaint", complaint=_Complaint() as complaint):
            addresses = tuple(recipient.address for recipient in complaint.recipients)
            return Unwanted(_email_receipt(event, ReceiptStatus.DELIVERED, "Complaint", at), addresses)
        case _Ses(kind="Delivery"):
            return _email_receipt(event, ReceiptStatus.DELIVERED, "Delivery", at)
        case _Ses(kind="DeliveryDelay"):
            return _email_receipt(event, ReceiptStatus.IN_FLIGHT, "DeliveryDelay", at)
        case _Ses(kind=("Reject" | "Rendering Failure") as kind):
            return _email_receipt(event, ReceiptStatus.REFUSED, kind, at)
        case _Ses(kind=kind) if kind in _IGNORED:
            return Ignored(f"an email's {kind} event says nothing about delivery")
        case _:
            return Ignored("the email event is none that SES documents")


def _email_receipt(event: _Ses, fate: ReceiptStatus, status: str, at: datetime) -> Receipt:
    delivery, attempt = (next(iter(event.mail.tags.get(name, [])), None) for name in ("delivery", "attempt"))
    return Receipt(event.mail.message_id, Channel.EMAIL, fate, status, at, delivery, _attempt(attempt))


def _attempt(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None
