"""What becomes of a batch that is given up: nobody waits for its deliveries any longer, so its notification can end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import structs

from service.core import Clock
from service.notify.model import (
    IN_DOUBT_DETAIL,
    Delivery,
    DeliveryStatus,
    batch_of,
    changed_batch_item,
    delivery_item,
    delivery_of,
)
from service.storage import Item, Store
from service.work import Commit


@dataclass(frozen=True, slots=True)
class DeadLetterHandler:
    """Ends the deliveries of dead batches. A redrive of the batch sends those again that failed with it."""

    store: Store
    clock: Clock

    def handle(self, item: Item, why: str) -> Commit:
        """What a dead batch commits: its unsent deliveries have failed, those in doubt are unknown."""
        batch, now = batch_of(item), self.clock.now()
        stored = self.store.get_many(batch.left)
        before = [delivery_of(stored[name]) if name in stored else batch.unrecorded(name) for name in batch.left]
        ended = [_ended(each, why, now) for each in before]
        failed = tuple(each.id for each in ended if each.status is DeliveryStatus.FAILED)
        after = structs.replace(batch.with_deliveries(ended), given_up=failed, slots_booked=False)
        return Commit(changed_batch_item(item, after, None), others=_records(ended, stored, item))


def _ended(delivery: Delivery, why: str, now: datetime) -> Delivery:
    if delivery.status is DeliveryStatus.SENDING:
        return delivery.moved(DeliveryStatus.UNKNOWN, now, IN_DOUBT_DETAIL)
    return delivery.moved(DeliveryStatus.FAILED, now, f"its batch was given up: {why}")


def _records(deliveries: Sequence[Delivery], stored: Mapping[str, Item], batch: Item) -> Sequence[Item]:
    versions = {name: item.version for name, item in stored.items()}
    return [delivery_item(each, versions.get(each.id, 0), batch.lane) for each in deliveries]
