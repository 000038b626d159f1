"""Cancelling a notification: copies that have not left are never sent, and are counted as cancelled.

First a mark is stored, which whoever sends a batch reads before it hands copies over. Then the batches are written
anew, each by one conditional write: a worker that holds one meanwhile loses its commit, and with it the copies that are
nothing but a write of ours. A batch whose copies are with a provider is left to its worker, which ends it there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.core import TocsinError
from service.notify.completion import Completion
from service.notify.model import (
    FINAL,
    IN_DOUBT_DETAIL,
    UNSENT,
    Delivery,
    DeliveryBatch,
    DeliveryStatus,
    Notification,
    Status,
    batch_id,
    batch_of,
    batches_of,
    changed_batch_item,
    count,
    delivery_item,
    delivery_of,
    notification_item,
    notification_of,
)
from service.storage import MAX_WRITES, AuditEntry, Conflict, Item, Store
from service.work import Commit, Task

KIND = "cancellation"

WAITED = timedelta(seconds=10)
"""How long a caller waits for copies that are with a provider."""

LOOK = 0.2
"""Seconds between two looks at them."""

BACKUP = timedelta(seconds=15)
"""When a worker takes over from a caller who died."""

TOGETHER = 45
"""Pages read at once; with the deliveries that have records, some of them are one commit."""

WRITES = 95
"""What one commit of batches may write."""


class NothingToCancel(TocsinError):
    """Everything has left, or nothing ever will."""


@dataclass(frozen=True, slots=True)
class CancelledBatch:
    """A batch with what has not left cancelled, and the records of those deliveries that have some."""

    item: Item
    records: Sequence[Item]


def mark_id(notification_id: str) -> str:
    """The id of the item that says that a notification is cancelled."""
    return f"{notification_id}-cancelled"


def is_cancelled(store: Store, notification_id: str) -> bool:
    """Whether nothing more of a notification may leave."""
    return store.get(mark_id(notification_id)) is not None


def cancelled_among(store: Store, notification_ids: Sequence[str]) -> frozenset[str]:
    """The notifications among some that are cancelled."""
    marks = {mark_id(name): name for name in notification_ids}
    names = list(marks)
    groups = (names[start : start + MAX_WRITES] for start in range(0, len(names), MAX_WRITES))
    return frozenset(marks[mark] for some in groups for mark in store.get_many(some))


def cancelled_batch(store: Store, item: Item, now: datetime) -> CancelledBatch | None:
    """The batch without what has not left; None if all of it has. What a provider may have is unknown."""
    batch = batch_of(item)
    names = batch.unsettled
    if not names and item.due_at is None:
        return None
    stored = store.get_many([name for name in names if name in batch.lines])
    before = [delivery_of(stored[name]) if name in stored else batch.unrecorded(name) for name in names]
    ended = [_ended(delivery, batch, now) for delivery in before]
    records = [
        delivery_item(delivery, stored[delivery.id].version, item.lane) for delivery in ended if delivery.id in stored
    ]
    return CancelledBatch(changed_batch_item(item, batch.with_deliveries(ended), None), records)


def _ended(delivery: Delivery, batch: DeliveryBatch, now: datetime) -> Delivery:
    line = batch.lines.get(delivery.id)
    if line is not None and line.status is DeliveryStatus.SENDING:
        return delivery.moved(DeliveryStatus.UNKNOWN, now, IN_DOUBT_DETAIL)
    return delivery.moved(DeliveryStatus.CANCELLED, now, "the notification was cancelled")


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Cancels notifications."""

    store: Store
    completion: Completion
    pause: Callable[[float], None] = time.sleep
    elapsed: Callable[[], float] = time.monotonic

    def cancel(self, notification_id: str, now: Callable[[], datetime], audit: AuditEntry) -> Notification:
        """Cancel what has not left; waits up to `WAITED` for the copies in hand. Cancelling again changes nothing.

        `NothingToCancel` for one that is over. One that is `cancelling` still when this returns has copies with
        providers that have not answered: its worker ends it.
        """
        until = self.elapsed() + WAITED.total_seconds()
        notification = self._begun(notification_id, now(), audit)
        while notification.status is Status.CANCELLING:
            unswept = self.sweep(notification, now())
            if not unswept and (ended := self._ended(notification_id, now())) is not None:
                return ended
            if self.elapsed() > until:
                break
            self.pause(LOOK)
        return notification

    def handle(self, task: Task, notification: Notification) -> Commit:
        """The worker's part: what a caller left over."""
        if self.sweep(notification, task.now):
            return Commit(notification_item(task.item, notification, task.now + timedelta(seconds=1)))
        ended = notification.ended(Status.CANCELLED, task.now)
        return Commit(notification_item(task.item, ended, None), spawn=self.completion.callback(ended))

    def sweep(self, notification: Notification, now: datetime) -> int:
        """Cancel what has not left; answers how many batches have copies with a provider."""
        numbers, unswept = range(1, notification.expansion.pages + 1), 0
        for start in range(0, len(numbers), TOGETHER):
            names = [batch_id(notification.id, number) for number in numbers[start : start + TOGETHER]]
            unswept += self._swept(names, now)
        return unswept

    def _begun(self, notification_id: str, now: datetime, audit: AuditEntry) -> Notification:
        while True:
            item = self.store.get(notification_id)
            assert item is not None, "whoever asks has looked"
            notification = notification_of(item)
            if notification.status in (Status.CANCELLING, Status.CANCELLED):
                return notification
            self._check(notification)
            begun = notification.moved(Status.CANCELLING)
            mark = Item(mark_id(notification_id), KIND, {"by": audit.app})
            try:
                self.store.save(notification_item(item, begun, now + BACKUP), spawn=[mark], audit=[audit])
            except Conflict:
                continue  # it took a step meanwhile
            return begun

    def _check(self, notification: Notification) -> None:
        """A finished notification has nothing to cancel, unless somebody still waits for a translation."""
        if notification.status not in FINAL:
            return
        counts = count(batch for _, batch in batches_of(self.store, notification.id))
        if notification.status is Status.REJECTED or not counts.of(UNSENT):
            raise NothingToCancel(f"It is {notification.status}: nothing is left to cancel.")

    def _ended(self, notification_id: str, now: datetime) -> Notification | None:
        """The notification as it ends; None if a worker changed it meanwhile."""
        item = self.store.get(notification_id)
        assert item is not None, "nothing removes it"
        notification = notification_of(item)
        if notification.status is not Status.CANCELLING:
            return notification
        ended = notification.ended(Status.CANCELLED, now)
        try:
            self.store.save(notification_item(item, ended, None), spawn=self.completion.callback(ended))
        except Conflict:
            return None
        return ended

    def _swept(self, names: Sequence[str], now: datetime) -> int:
        """Cancel some batches; answers how many are to be looked at again: with a provider, or changed meanwhile."""
        unswept, changed = 0, list[CancelledBatch]()
        for item in self.store.get_many(names).values():
            if batch_of(item).is_being_sent:
                unswept += 1
            elif (cancelled := cancelled_batch(self.store, item, now)) is not None:
                changed.append(cancelled)
        return unswept + sum(self._saved(some) for some in _commits(changed))

    def _saved(self, some: Sequence[CancelledBatch]) -> int:
        """Save some batches at once, or one by one; answers how many somebody has changed meanwhile."""
        try:
            self.store.save_all([item for cancelled in some for item in (cancelled.item, *cancelled.records)])
        except Conflict:
            return 1 if len(some) == 1 else sum(self._saved([batch]) for batch in some)
        return 0


def _commits(changed: Sequence[CancelledBatch]) -> Sequence[Sequence[CancelledBatch]]:
    """The batches in as few commits as have room for them."""
    commits: list[list[CancelledBatch]] = []
    room = 0
    for batch in changed:
        takes = 1 + len(batch.records)
        if takes > room:
            commits.append([])
            room = WRITES
        commits[-1].append(batch)
        room -= takes
    return commits
