"""What comes in from a provider, whichever it is: a person's SMS, or what became of a message of ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.core import Channel


@dataclass(frozen=True, slots=True)
class InboundSms:
    """A person wrote to one of our numbers. `in_reply_to` is the provider's id of the message they appear to answer.

    `keyword` is STOP, HELP or START where the provider took the text for that, and has answered it. `page` is our own
    id of the message that they surely answer: of a call during which a key was pressed.
    """

    id: str
    sender: str
    to: str
    text: str
    in_reply_to: str | None
    at: datetime
    keyword: str | None = None
    page: str | None = None


class ReceiptStatus(StrEnum):
    """What became of a message, as far as its provider knows."""

    IN_FLIGHT = "in_flight"
    DELIVERED = "delivered"
    UNREACHED = "unreached"  # not this time: phone off, voicemail full, mailbox full
    REFUSED = "refused"  # never: no such number or address, blocked, marked as spam
    UNKNOWN = "unknown"  # the provider will hear no more of it


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one message. `delivery_id` and `attempt` are our own, where the provider sent them back."""

    provider_id: str
    channel: Channel
    fate: ReceiptStatus
    status: str
    at: datetime
    delivery_id: str | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Addresses that nothing may be sent to any more: they bounced for good, or their owner complained."""

    receipt: Receipt
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InboundMail:
    """A mail that a provider took in for one of our addresses, as it came."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message that asks nothing of us; `why` is for the log."""

    why: str


Inbound = InboundSms | InboundMail | Receipt | Unwanted | Ignored
