"""Delivery reports: what a mail server says became of a mail of ours (RFC 3464), and about which one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message

from service.channels.email.mailbox.parts import content, header

MAX_RECIPIENTS = 10
"""Recipients of one report that are read: a mail of ours has one."""


@dataclass(frozen=True, slots=True)
class BouncedRecipient:
    """What became of it for one address: `action` is failed, delayed, delivered, relayed or expanded."""

    address: str
    action: str
    status: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """`message_ids` are what names the mail that it is about: our envelope id (RFC 3461), and its Message-ID."""

    message_ids: tuple[str, ...]
    recipients: tuple[BouncedRecipient, ...]


def is_report(message: Message) -> bool:
    """Whether it is a report about delivery: reports that somebody read a mail (RFC 8098) are none."""
    return (
        message.get_content_type() == "multipart/report"
        and str(message.get_param("report-type", "")).lower() == "delivery-status"
    )


def read_report(message: Message) -> DeliveryReport:
    """What a report says. Parts that it lacks are no fault: servers differ."""
    blocks = [block for part in _parts(message, "message/delivery-status") for block in _blocks(part)]
    envelopes = [header(block, "Original-Envelope-Id") for block in blocks]
    recipients = tuple(_recipient(block) for block in blocks if header(block, "Final-Recipient"))
    named = [name for name in (*envelopes, *_returned(message)) if name]
    return DeliveryReport(tuple(dict.fromkeys(named)), recipients[:MAX_RECIPIENTS])


def _parts(message: Message, *types: str) -> Iterator[Message]:
    return (part for part in message.walk() if part.get_content_type() in types)


def _blocks(part: Message) -> list[Message]:
    """The message's own fields, then those of each recipient: Python reads each as a message without a body."""
    inner = part.get_payload()
    return [block for block in inner if isinstance(block, Message)] if isinstance(inner, list) else []


def _recipient(block: Message) -> BouncedRecipient:
    address = header(block, "Original-Recipient") or header(block, "Final-Recipient")
    return BouncedRecipient(
        address=address.rpartition(";")[2].strip().strip("<>"),  # rfc822;ann@example.com
        action=header(block, "Action").lower(),
        status=header(block, "Status").partition(" ")[0],
    )


def _returned(message: Message) -> Iterator[str]:
    """The Message-ID of the mail that comes back, whole or its headers alone."""
    for part in _parts(message, "text/rfc822-headers"):
        yield header(message_from_string(content(part)), "Message-ID").strip("<>")
    for part in _parts(message, "message/rfc822"):
        inner = part.get_payload()
        if isinstance(inner, list) and inner and isinstance(inner[0], Message):
            yield header(inner[0], "Message-ID").strip("<>")
