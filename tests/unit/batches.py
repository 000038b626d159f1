"""Batches of deliveries to begin tests of their turns with, and what is known of each reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from msgspec import structs

from service.channels import Message, Phone
from service.core.enums import Channel, Lane
from service.core.language_tags import parse_tag
from service.messages import OptOut, OptOutReason, QuietHours, Rendition, announcement
from service.messages.render import rendition
from service.notify.digests import DigestOutcome, DigestWaits
from service.notify.model import (
    Delivery,
    DeliveryBatch,
    DeliveryLine,
    DeliveryStatus,
    Notification,
    SourceMessage,
    cut,
    delivery_item,
)
from service.notify.sending.choose import TurnInput
from service.notify.sending.copies import BatchContext
from service.notify.sending.plan import DeliveryPolicy, MailEnclosure
from service.recipients import Recipient
from service.storage import Item

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEXT = "The new menu begins on May 10th."
SAID: Mapping[str, Rendition | None] = {
    "en": rendition(announcement(TEXT, parse_tag("en"), None), parse_tag("en"), "source", {}),
    "fr": None,
}
"""A French reader still waits for a translation."""

STORED_VERSION = 3


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader, and their delivery as it stands before a turn; `retry_in` is counted from noon."""

    channel: Channel = Channel.SMS
    has_address: bool = True
    language: str = "en"
    zone: str | None = None
    is_guest: bool = False
    is_removed: bool = False
    refuses: bool = False
    status: DeliveryStatus | None = None
    """None: nobody has looked at the delivery yet."""
    has_record: bool = False
    attempt: int = 0
    retry_in: timedelta | None = None
    is_paced: bool = False

    def profile(self, user_id: str) -> Recipient:
        there = self.has_address
        return Recipient(
            user_id,
            "Ann",
            self.language,
            self.channel,
            email="ann@example.com" if there else None,
            phone=Phone("+447700900123", "GB", reserved=True) if there else None,
            timezone=self.zone,
            chat_url="https://chat.example.com/hooks/1" if there else None,
        )

    def user_id(self, number: int) -> str:
        return f"guest.p{number}" if self.is_guest else f"p{number}"


@dataclass(frozen=True, slots=True)
class Rates:
    """What providers and rates let out: nothing on a channel that rests, and `at_once` messages of each channel."""

    rests: Mapping[Channel, datetime] = field(default_factory=dict)
    at_once: int = 100

    def rests_until(self, message: Message, /) -> datetime | None:
        return self.rests.get(message.channel)

    def moment(self) -> Callable[[Message], bool]:
        taken = Counter[Channel]()

        def takes(message: Message) -> bool:
            taken[message.channel] += 1
            return taken[message.channel] <= self.at_once

        return takes


def turn_input(
    readers: Sequence[Reader],
    *,
    lane: Lane = Lane.BULK,
    now: datetime = NOON,
    window: timedelta | None = None,
    quiet: QuietHours | None = None,
    in_our_store: frozenset[Channel] = frozenset(),
    rates: Rates = Rates(),
    fates: Mapping[str, DigestWaits | DigestOutcome] | None = None,
    shares_calls: bool = False,
    batch: Mapping[str, object] | None = None,
) -> TurnInput:
    """What the turn of a batch for these readers decides by; `batch` names other members of the batch."""
    message = SourceMessage("en", TEXT, digest=window)
    notification = Notification("n1", "app", "r1", message, NOON, lane=lane)
    made = batch_of(readers)
    made = replace_members(made, batch or {})
    people = {
        reader.user_id(number): reader.profile(reader.user_id(number))
        for number, reader in enumerate(readers)
        if not reader.is_removed
    }
    refusing = {
        reader.user_id(number): OptOut(OptOutReason.KEYWORD, NOON)
        for number, reader in enumerate(readers)
        if reader.refuses
    }
    return TurnInput(
        made,
        made.left,
        BatchContext(notification, people, refusing, SAID, now),
        stored=records_of(made, readers, lane),
        fates=fates or {},
        policy=DeliveryPolicy(quiet, unsubscribe_url=lambda _: None),
        enclosed=MailEnclosure(),
        rates=rates,
        joins=lambda _, earlier: shares_calls and bool(earlier),
        in_our_store=in_our_store,
        now=now,
    )


def batch_of(readers: Sequence[Reader]) -> DeliveryBatch:
    made = cut("n1", 1, 1, [reader.user_id(number) for number, reader in enumerate(readers)])
    lines = {
        name: DeliveryLine(reader.status, reader.channel, reader.language)
        for name, reader in zip(made.recipients, readers, strict=True)
        if reader.status is not None
    }
    return replace_members(made, {"lines": lines})


def records_of(batch: DeliveryBatch, readers: Sequence[Reader], lane: Lane) -> Mapping[str, Item]:
    return {
        name: delivery_item(_delivery(name, batch, reader), STORED_VERSION, lane)
        for name, reader in zip(batch.recipients, readers, strict=True)
        if reader.has_record and reader.status is not None
    }


def _delivery(name: str, batch: DeliveryBatch, reader: Reader) -> Delivery:
    retry_at = None if reader.retry_in is None else NOON + reader.retry_in
    return Delivery(
        *(name, batch.notification_id, batch.recipients[name], batch.number, reader.status or DeliveryStatus.PENDING),
        *(reader.channel, reader.language, reader.attempt),
        retry_at=retry_at,
        paced=reader.is_paced,
    )


def replace_members(batch: DeliveryBatch, members: Mapping[str, object]) -> DeliveryBatch:
    return structs.replace(batch, **members)
