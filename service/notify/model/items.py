"""Notifications, batches, deliveries and texts as items of the store, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import structs

from service.core import Lane, from_state, to_state, to_stored_json
from service.messages import OPEN_REVIEWS
from service.notify.model import list_keys
from service.notify.model.batch import DeliveryBatch, batch_id
from service.notify.model.delivery import Delivery
from service.notify.model.notification import Notification, Status
from service.notify.model.rendition import Texts, texts_id
from service.storage import MAX_KEYS, Item, Store

NOTIFICATION = "notification"
BATCH = "page"
"""As earlier versions stored it."""
DELIVERY = "delivery"
TEXTS = "texts"
DIGEST = "digest"
"""A digest's own kind, and how the ids begin of the notifications that digests become."""

WAITS = tuple(f"waits-{number:02d}" for number in range(MAX_KEYS - 1))
"""The indexes under which texts are listed by the translations that they wait for, each text's numbered: names of
indexes are kept by the store for ever, so that they must not grow with the data."""

HELD = OPEN_REVIEWS


def notification_item(item: Item, notification: Notification, due_at: datetime | None) -> Item:
    """The item of a notification after it changed."""
    held = notification.status is Status.HELD_FOR_REVIEW
    keys = list_keys.keys_of(notification) | (dict([HELD]) if held else {})
    return structs.replace(item, state=to_state(notification), keys=keys, due_at=due_at, attempts=0)


def new_notification_item(notification: Notification) -> Item:
    """The item of a notification that was just accepted: due at once."""
    return Item(
        notification.id,
        NOTIFICATION,
        to_state(notification),
        lane=notification.lane,
        due_at=notification.accepted_at,
        keys=list_keys.keys_of(notification),
    )


def notification_of(item: Item) -> Notification:
    """The notification in an item."""
    return from_state(Notification, item.state)


def batch_item(batch: DeliveryBatch, lane: Lane) -> Item:
    """A batch that nobody works on yet: it comes due when its notification is released."""
    keys = {"pages": batch.notification_id, "unfinished": batch.notification_id}
    return Item(batch_id(batch.notification_id, batch.number), BATCH, to_stored_json(batch), lane=lane, keys=keys)


def changed_batch_item(item: Item, batch: DeliveryBatch, due_at: datetime | None) -> Item:
    """The item of a batch after a step; without a due time it is finished and no longer counted as open."""
    keys = {"pages": batch.notification_id}
    if due_at is not None:
        keys["unfinished"] = batch.notification_id
    return structs.replace(item, state=to_stored_json(batch), keys=keys, due_at=due_at, attempts=0)


def batch_of(item: Item) -> DeliveryBatch:
    """The batch in an item."""
    return from_state(DeliveryBatch, item.state)


def batches_of(store: Store, notification_id: str) -> Iterator[tuple[Item, DeliveryBatch]]:
    """All batches of a notification, in order."""
    cursor: str | None = None
    while True:
        page = store.by_index("pages", notification_id, cursor=cursor, limit=200)
        yield from ((item, batch_of(item)) for item in page.items)
        cursor = page.cursor
        if cursor is None:
            return


def delivery_of(item: Item) -> Delivery:
    """The delivery in an item."""
    return from_state(Delivery, item.state)


def delivery_item(delivery: Delivery, version: int, lane: Lane, *, silent_at: datetime | None = None) -> Item:
    """The record of one delivery.

    A provider's id of it is how a receipt without our own id finds it; `silent_at` is when it counts as
    unknown, because no receipt came.
    """
    keys = {list_keys.DELIVERIES_OF: delivery.recipient_id}
    if silent_at is not None and delivery.provider_id is not None:
        keys["provider"] = delivery.provider_id
    return Item(
        delivery.id, DELIVERY, to_stored_json(delivery), lane=lane, version=version, keys=keys, due_at=silent_at
    )


def texts_item(item: Item | None, texts: Texts) -> Item:
    """The item of the texts in one language; while some are missing it is listed under each of them."""
    own = item or Item(texts_id(texts.notification_id, texts.language), TEXTS, {})
    keys = _waits(own.keys, texts.missing) | {"texts": texts.notification_id}
    return structs.replace(own, state=to_state(texts), keys=keys)


def _waits(before: Mapping[str, str], missing: frozenset[str]) -> dict[str, str]:
    """The numbered keys of what is missing. Each translation keeps its number, by which it is found."""
    kept = {name: before[name] for name in WAITS if before.get(name) in missing}
    free = (name for name in WAITS if name not in kept)
    return kept | dict(zip(free, sorted(missing.difference(kept.values())), strict=False))


def waiting_for(translation_id: str) -> Sequence[tuple[str, str]]:
    """Every index and value under which texts may be listed that wait for a translation.

    First as earlier releases wrote them, which gave each translation an index of its own: texts that are saved anew
    meanwhile go on to a number.
    """
    return [(f"waits:{translation_id}", "texts"), *((name, translation_id) for name in WAITS)]


def texts_of(item: Item) -> Texts:
    """The texts in an item."""
    return from_state(Texts, item.state)
