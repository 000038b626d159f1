"""A batch: the task of sending to up to `BATCH_SIZE` recipients, and the tally of how each of them fares.

Their number, not that of the audience, bounds a worker's memory and the writes of a commit. The batch knows the status
of each of its deliveries, so that counts and lists by status read batches, not deliveries. It is stored as a `page`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import structs

from service.core import Channel, Record
from service.notify.model.delivery import LEFT_TO_SEND, UNSENT, Delivery, DeliveryStatus

E = TypeVar("E", DeliveryStatus, Channel)

BATCH_SIZE = 49
"""Deliveries of one batch: with as many outbox entries and the batch itself they fit one commit of 100 writes."""


class DeliveryLine(Record, frozen=True):
    """How one delivery of the batch stands."""

    status: DeliveryStatus = DeliveryStatus.PENDING
    channel: Channel | None = None
    language: str | None = None


UNTOUCHED = DeliveryLine()
"""How a delivery stands that was not looked at yet."""


class DeliveryBatch(Record, frozen=True):
    """Some recipients of one notification, and how their deliveries stand (by delivery id).

    `given_up` are the deliveries that failed because the batch died: redriving it sends them again. `stalled_since` is
    from when on its providers took nothing of it.
    """

    notification_id: str
    number: int
    recipients: Mapping[str, str]
    lines: Mapping[str, DeliveryLine] = msgspec.field(default_factory=dict)
    slots_booked: bool = False
    given_up: tuple[str, ...] = ()
    stalled_since: datetime | None = None

    @property
    def left(self) -> Sequence[str]:
        """Ids of the deliveries that are still to be sent."""
        return [name for name in self.recipients if self.lines.get(name, UNTOUCHED).status in LEFT_TO_SEND]

    @property
    def untouched(self) -> Sequence[str]:
        """Ids of those that nobody has looked at yet: none of them has a record."""
        return [name for name in self.recipients if name not in self.lines]

    @property
    def is_being_sent(self) -> bool:
        """Whether a worker is at it, or died over it: what it commits next must not be lost to another's commit."""
        return any(line.status is DeliveryStatus.SENDING for line in self.lines.values())

    def unrecorded(self, name: str, channel: Channel | None = None, language: str | None = None) -> Delivery:
        """A delivery that has no record of its own, as the batch knows it, or to where its reader wants it now.

        A first attempt is marked here alone.
        """
        line = self.lines.get(name, UNTOUCHED)
        attempt = 1 if line.status is DeliveryStatus.SENDING else 0
        return Delivery(
            *(name, self.notification_id, self.recipients[name], self.number, line.status),
            *(channel or line.channel, language or line.language, attempt),
        )

    def with_deliveries(self, deliveries: Iterable[Delivery]) -> DeliveryBatch:
        """The batch after these deliveries changed."""
        changed = {each.id: DeliveryLine(each.status, each.channel, each.language) for each in deliveries}
        return structs.replace(self, lines={**self.lines, **changed})

    def redriven(self) -> DeliveryBatch:
        """The batch with those to be sent who were given up when it died."""
        if not self.given_up:
            return self
        failed = [name for name in self.given_up if self.lines[name].status is DeliveryStatus.FAILED]
        again = {name: structs.replace(self.lines[name], status=DeliveryStatus.PENDING) for name in failed}
        return structs.replace(self, lines={**self.lines, **again}, given_up=())

    @property
    def unsettled(self) -> Sequence[str]:
        """Ids of the deliveries that are still to be sent, or wait for a translation."""
        open_ones = LEFT_TO_SEND | UNSENT
        return [name for name in self.recipients if self.lines.get(name, UNTOUCHED).status in open_ones]

    def retried(self, *, in_doubt: bool) -> DeliveryBatch | None:
        """The batch with those to be sent once more that failed, or with `in_doubt` may have arrived; None if none."""
        wanted = {DeliveryStatus.FAILED, *([DeliveryStatus.UNKNOWN] if in_doubt else [])}
        again = {
            name: structs.replace(line, status=DeliveryStatus.PENDING)
            for name, line in self.lines.items()
            if line.status in wanted
        }
        if not again:
            return None
        lines = {**self.lines, **again}
        return structs.replace(self, lines=lines, slots_booked=False, given_up=(), stalled_since=None)

    def reopened(self, language: str) -> DeliveryBatch | None:
        """The batch with those to be sent who waited for a translation into `language`; None if nobody did."""
        waiting = {
            name: structs.replace(line, status=DeliveryStatus.PENDING)
            for name, line in self.lines.items()
            if line.status is DeliveryStatus.NEEDS_TRANSLATION and line.language == language
        }
        return structs.replace(self, lines={**self.lines, **waiting}) if waiting else None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many deliveries stand where."""

    by_status: Mapping[str, int]
    by_channel: Mapping[str, int]
    by_language: Mapping[str, int]

    @property
    def deliveries(self) -> int:
        """All of them."""
        return sum(self.by_status.values())

    def of(self, statuses: Iterable[DeliveryStatus]) -> int:
        """How many are in one of these statuses."""
        return sum(self.by_status.get(status.value, 0) for status in statuses)


def batch_id(notification_id: str, number: int) -> str:
    """The id of a batch: deterministic, so that expanding twice makes no second one."""
    return f"{notification_id}-p{number:06d}"


def delivery_id(notification_id: str, number: int) -> str:
    """The id of a delivery: letters, digits and `-` alone, as email tags demand."""
    return f"{notification_id}-{number:06d}"


def cut(notification_id: str, number: int, first: int, recipients: Sequence[str]) -> DeliveryBatch:
    """Page `number` for these recipients, whose deliveries are numbered from `first`."""
    return DeliveryBatch(
        notification_id,
        number,
        {delivery_id(notification_id, first + offset): recipient for offset, recipient in enumerate(recipients)},
    )


def count(batches: Iterable[DeliveryBatch]) -> Counts:
    """The tally over batches; a delivery not yet looked at is pending and has neither channel nor language."""
    statuses: Counter[DeliveryStatus] = Counter()
    channels: Counter[Channel] = Counter()
    languages: Counter[str] = Counter()
    for batch in batches:
        lines = [batch.lines.get(name, UNTOUCHED) for name in batch.recipients]
        statuses.update([line.status for line in lines])
        channels.update([line.channel for line in lines if line.channel])
        languages.update([line.language for line in lines if line.language])
    return Counts(_by_name(statuses), _by_name(channels), languages)


def _by_name(counted: Mapping[E, int]) -> Mapping[str, int]:
    return {each.value: number for each, number in counted.items()}
