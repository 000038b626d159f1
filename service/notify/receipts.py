"""Receipts: what a provider says became of a delivery. They only move it forward, and its batch's tally with it.

A receipt may be here before the answer to its own send is stored: one that belongs to nothing is parked, tried again,
and becomes a dead item after `PATIENCE`. A delivery that hears nothing for `SILENCE` ends as unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from msgspec import structs

from service.core import Clock, from_state, to_state
from service.notify.digests import is_digest
from service.notify.model import (
    DELIVERY,
    Delivery,
    DeliveryStatus,
    batch_id,
    batch_of,
    changed_batch_item,
    delivery_of,
    notification_of,
)
from service.storage import AlreadyExists, Conflict, Item, Store
from service.work import Commit, Permanent, Task, finished, still_dead, waiting

PARKED = "parked-receipt"
PATIENCE = timedelta(minutes=5)
"""How long a receipt waits for the delivery that it is about."""

RETRY = timedelta(seconds=15)

SILENCE = timedelta(hours=72)
"""How long providers report on a message
(https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-types.html)."""


@dataclass(frozen=True, slots=True)
class NotificationReceipt:
    """What became of one delivery. It is found by our own id, if the receipt has it, or else by its provider's."""

    provider_id: str
    status: DeliveryStatus
    detail: str
    at: datetime
    delivery_id: str | None = None


@dataclass(frozen=True, slots=True)
class NotificationReceipts:
    """Takes receipts, and handles parked ones and deliveries that heard nothing."""

    store: Store
    clock: Clock

    def receive(self, receipt: NotificationReceipt) -> None:
        """Take one receipt; one that belongs to nothing yet is parked. The same one twice changes nothing."""
        self._take(receipt, f"receipt-{receipt.provider_id}-{receipt.status}")

    def _take(self, receipt: NotificationReceipt, name: str) -> None:
        if self._applied(receipt):
            self._tell_copies(receipt)
            return
        try:
            self.store.add(Item(name, PARKED, to_state(receipt), due_at=self.clock.now() + RETRY))
        except AlreadyExists:
            return

    def _tell_copies(self, receipt: NotificationReceipt) -> None:
        """What became of a digest became of every copy that went with it."""
        item = self._delivery(receipt)
        if item is None or not is_digest(delivery_of(item).notification_id):
            return
        digest = self.store.get(delivery_of(item).notification_id)
        for copy in () if digest is None else notification_of(digest).message.gathered:
            of_copy = replace(receipt, delivery_id=copy, detail=f"with the digest {item.id}: {receipt.detail}")
            self._take(of_copy, f"receipt-{receipt.provider_id}-{receipt.status}-{copy}")

    def parked(self, task: Task) -> Commit:
        """Try a parked receipt again."""
        receipt = from_state(NotificationReceipt, task.item.state)
        if self._applied(receipt):
            self._tell_copies(receipt)
            return Commit(finished(task.item))
        patience = PATIENCE if self._delivery(receipt) is None else SILENCE
        if task.now - receipt.at > patience:
            raise Permanent("this receipt belongs to no message of ours, or to a batch that never ended")
        return Commit(waiting(task.item, task.now + RETRY))

    def silent(self, task: Task) -> Commit:
        """A delivery came due because no receipt came."""
        delivery = delivery_of(task.item)
        if delivery.status is not DeliveryStatus.ACCEPTED:
            return Commit(finished(task.item))
        unknown = delivery.moved(DeliveryStatus.UNKNOWN, task.now, "no receipt came within 72 hours")
        return Commit(finished(task.item, to_state(unknown)), others=self._batch(unknown))

    def _applied(self, receipt: NotificationReceipt) -> bool:
        item = self._delivery(receipt)
        if item is None:
            return False
        delivery = delivery_of(item)
        moved = delivery.advanced(receipt.status, receipt.at, receipt.detail)
        if moved is delivery:
            return True
        batch = self.store.get(batch_id(delivery.notification_id, delivery.page))
        if batch is not None and batch_of(batch).is_being_sent:
            return False  # it would lose to ours the commit of what became of the copies that it has in hand
        moved = structs.replace(moved, provider_id=receipt.provider_id)
        try:
            self.store.save(finished(item, to_state(moved)), *_tallied(batch, moved))
        except Conflict:
            return self._applied(receipt)
        return True

    def _delivery(self, receipt: NotificationReceipt) -> Item | None:
        if receipt.delivery_id is not None:
            item = self.store.get(receipt.delivery_id)
        else:
            item = next(iter(self.store.by_index("provider", receipt.provider_id, limit=1).items), None)
        return item if item is not None and item.kind == DELIVERY else None

    def _batch(self, delivery: Delivery) -> list[Item]:
        return _tallied(self.store.get(batch_id(delivery.notification_id, delivery.page)), delivery)


def _tallied(item: Item | None, delivery: Delivery) -> list[Item]:
    """The batch of a delivery with its tally corrected; what is due for it stays due."""
    if item is None:
        return []
    changed = changed_batch_item(item, batch_of(item).with_deliveries([delivery]), item.due_at)
    return [still_dead(item, structs.replace(changed, attempts=item.attempts))]
