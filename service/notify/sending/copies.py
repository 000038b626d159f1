"""One recipient's copy while its batch is being sent, and what is known of all readers of the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import structs

from service.channels import CHANNELS, Message
from service.core import Record
from service.messages import OptOut, Rendition
from service.notify.model import Delivery, DeliveryBatch, DeliveryStatus, Notification, delivery_of
from service.notify.sending.plan import Drop, Hold, Plan, Send
from service.recipients import Recipient
from service.storage import Item


class Gather(Record, frozen=True):
    """The message joins what its reader gets as a digest at the end of `window`."""

    message: Message
    window: timedelta


class Copy(Record, frozen=True):
    """One recipient's delivery in hand: as it is stored (`version` 0: not yet), and what is to become of it.

    `note` is what its record says once it is accepted: why it goes another way than its reader asked for.
    """

    delivery: Delivery
    version: int
    plan: Plan | Gather
    note: str | None = None

    @property
    def weight(self) -> int:
        """How many writes it may take."""
        return CHANNELS[self.delivery.channel].weight if isinstance(self.plan, Send) and self.delivery.channel else 1

    def unsent(self, now: datetime) -> Delivery:
        """The delivery when nothing is handed over."""
        match self.plan:
            case Drop(status=status, detail=detail):
                return self.delivery.moved(status, now, detail)
            case Hold(until=until, paced=paced):
                booked = self.delivery.paced or paced
                return structs.replace(self.delivery, status=DeliveryStatus.PENDING, retry_at=until, paced=booked)
            case Send() | Gather():
                return self.delivery


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What is known of a batch's readers at one instant: who they are, which of them refuse, and their renditions.

    A rendition that is None still lacks a translation. Of what `is_cancelled` nothing more leaves.
    `own_values` are those that the request gave for one reader alone.
    `notes` say who is reached by another channel than they asked for, and why.
    """

    notification: Notification
    people: Mapping[str, Recipient]
    refusing: Mapping[str, OptOut]
    renditions: Mapping[str, Rendition | None]
    at: datetime
    is_cancelled: bool = False
    own_values: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def addressed(item: Item | None, name: str, batch: DeliveryBatch, person: Recipient | None) -> Delivery:
    """The delivery as it is stored, or a new one, to where its recipient wants it now."""
    if person is None:
        return batch.unrecorded(name) if item is None else delivery_of(item)
    if item is None:
        return batch.unrecorded(name, person.preference, person.language)
    return structs.replace(delivery_of(item), channel=person.preference, language=person.language)
