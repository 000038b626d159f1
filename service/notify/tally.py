"""How the copies of a notification stand, for whoever asks: counted now for a few, kept and renewed for very many.

Counting reads every batch: a quarter of a second for 100,000 copies, and ten megabytes. So a large notification keeps
its last count in an item of its own. It is counted anew at once when the notification has moved on, and by a worker
when somebody looks and the count is older than `FRESH`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import structs

from service.core import Clock, from_state, to_state
from service.notify.model import Counts, Notification, batches_of, count, notification_of
from service.storage import Conflict, Item, Store
from service.work import Commit, Task, finished

KIND = "tally"

COUNTED_AT_ONCE = 100
"""Batches that are counted at each look: some 5,000 copies, 10 ms on SQLite."""

FRESH = timedelta(seconds=5)
"""How old the count of a large notification may be before a look has it counted anew."""

KEPT = timedelta(days=1)
"""How long a count that nobody renews is kept."""


@dataclass(frozen=True, slots=True)
class DeliveryTally:
    """How copies stood at an instant. `stage` is where the notification was in its life."""

    by_status: dict[str, int]
    by_channel: dict[str, int]
    by_language: dict[str, int]
    counted_at: datetime
    stage: str

    @property
    def counts(self) -> Counts:
        """What was counted."""
        return Counts(self.by_status, self.by_channel, self.by_language)


@dataclass(frozen=True, slots=True)
class DeliveryTallies:
    """Counts copies, and handles items of kind `tally`."""

    store: Store
    clock: Clock

    def of(self, notification: Notification) -> DeliveryTally:
        """The tally of a notification: of now, or for a large one at most some seconds older."""
        if notification.expansion.pages <= COUNTED_AT_ONCE:
            return self._count(notification)
        item = self.store.get(tally_id(notification.id))
        if item is None:
            return self._kept(Item(tally_id(notification.id), KIND, {}), notification)
        tally = from_state(DeliveryTally, item.state)
        if tally.stage != _stage(notification):
            return self._kept(item, notification)
        if item.due_at is None and self.clock.now() - tally.counted_at > FRESH:
            self._save(structs.replace(item, due_at=self.clock.now()))
        return tally

    def recount(self, task: Task) -> Commit:
        """Count anew, as somebody who looked has asked for."""
        item = self.store.get(task.item.id.removesuffix(_SUFFIX))
        if item is None:
            return Commit(finished(task.item))
        return Commit(_filled(task.item, self._count(notification_of(item))))

    def _kept(self, item: Item, notification: Notification) -> DeliveryTally:
        tally = self._count(notification)
        self._save(_filled(item, tally))
        return tally

    def _save(self, item: Item) -> None:
        try:
            self.store.save(item)
        except Conflict:
            return  # somebody else keeps a count of this moment

    def _count(self, notification: Notification) -> DeliveryTally:
        now = self.clock.now()
        counts = count(batch for _, batch in batches_of(self.store, notification.id))
        tallied = dict(counts.by_status), dict(counts.by_channel), dict(counts.by_language)
        return DeliveryTally(*tallied, now, _stage(notification))


_SUFFIX = "-tally"


def tally_id(notification_id: str) -> str:
    """The id of the item that keeps a notification's count."""
    return f"{notification_id}{_SUFFIX}"


def _filled(item: Item, tally: DeliveryTally) -> Item:
    return structs.replace(finished(item, to_state(tally)), expires_at=tally.counted_at + KEPT)


def _stage(notification: Notification) -> str:
    return f"{notification.status}-{notification.completions}"
