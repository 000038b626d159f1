"""Lists of notifications, and of what one person was sent, newest first.

A list is read by the narrowest of the asked keys; the other filters are applied to what is found there. Ids begin
with the time at which they were given, so that a span of time is a span of ids.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from service.core import ids
from service.notify.model import (
    DELIVERY,
    FINAL,
    NOTIFICATION,
    Delivery,
    Notification,
    Status,
    delivery_of,
    list_keys,
    notification_of,
)
from service.storage import MAX_PAGE_BYTES, Item, Page, Relisting, Store, from_cursor, item_size, to_cursor

LOOKED_AT = 1_000
"""Notifications that one page looks at: it ends there although its `limit` is not reached."""

READ = 50
"""Items read at once."""

Listed = tuple[str, Item]
"""A place in a list, and the notification's item that stands there."""


@dataclass(frozen=True, slots=True)
class NotificationFilters:
    """Which notifications are wanted; `since` is inclusive, `until` exclusive."""

    status: Status | None = None
    audience: str | None = None
    recipient: str | None = None
    template: str | None = None
    app: str | None = None
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def fits(self, notification: Notification) -> bool:
        """Whether a notification is wanted, its recipient aside; the list of a status is in no order of time."""
        if self.status is not None and not self._is_within(notification.accepted_at):
            return False
        asked = (
            (self.status, notification.status),
            (self.audience, notification.audience),
            (self.template, notification.message.template),
            (self.app, notification.app),
            (self.reference, notification.reference),
        )
        return all(wanted is None or wanted == actual for wanted, actual in asked)

    def _is_within(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


def notifications(store: Store, filters: NotificationFilters, cursor: str | None, limit: int) -> Page[Notification]:
    """Notifications, newest first; a page may hold fewer than `limit` although more follow."""
    listed, last, left = list[Notification](), "", MAX_PAGE_BYTES
    for number, (place, item) in enumerate(_candidates(store, filters, cursor)):
        left -= item_size(item)
        if number and (len(listed) == limit or number == LOOKED_AT or left < 0):
            return Page(listed, to_cursor(last))
        last = place
        if filters.fits(notification := notification_of(item)):
            listed.append(notification)
    return Page(listed, None)


def relisting(store: Store) -> Relisting:
    """Lists the notifications and deliveries of earlier versions; their ids begin with a time, and so with a zero."""
    return Relisting(store, "0", _keys)


def _keys(item: Item) -> Mapping[str, str]:
    if item.kind == NOTIFICATION:
        return list_keys.keys_of(notification_of(item))
    if item.kind == DELIVERY:
        return {list_keys.DELIVERIES_OF: delivery_of(item).recipient_id}
    return {}


def deliveries_to(store: Store, recipient: str, cursor: str | None, limit: int) -> Page[Delivery]:
    """What one recipient was sent, or was to be sent and was not."""
    page = store.by_index(list_keys.DELIVERIES_OF, recipient, cursor=cursor, limit=limit, newest_first=True)
    return Page([delivery_of(item) for item in page.items], page.cursor)


def _candidates(store: Store, filters: NotificationFilters, cursor: str | None) -> Iterator[Listed]:
    """The items of the narrowest of the asked keys, after the cursor, and in the asked time if ids hold a time."""
    index, value = _narrowest(filters)
    after, last = from_cursor(cursor), ""
    if index != list_keys.STATUS or filters.recipient is not None:
        after = after if after or filters.until is None else ids.place(filters.until)
        last = ids.place(filters.since) if filters.since else ""
    if filters.recipient is not None:
        candidates = _of_recipient(store, filters.recipient, after)
    else:
        candidates = _under(store, index, value, after)
    for place, item in candidates:
        if place < last:
            return
        yield place, item


def _narrowest(filters: NotificationFilters) -> tuple[str, str]:
    """The key that the fewest notifications are likely to have."""
    status = None if filters.status is None else list_keys.status_key(filters.status)
    is_rare = filters.status is not None and (filters.status not in FINAL or filters.status is Status.REJECTED)
    reference = None if filters.reference is None else list_keys.reference_key(filters.reference)
    keys = (
        (list_keys.REFERENCE, reference),
        (list_keys.STATUS, status if is_rare else None),
        (list_keys.AUDIENCE, filters.audience),
        (list_keys.TEMPLATE, filters.template),
        (list_keys.STATUS, status),
        (list_keys.APP, filters.app),
    )
    return next(((index, value) for index, value in keys if value), list_keys.ALL)


def _under(store: Store, index: str, value: str, after: str | None) -> Iterator[Listed]:
    for items in _pages(store, index, value, after):
        named = [_notification_id(item) for item in items]
        aliased = [name for name, item in zip(named, items, strict=True) if item.kind == list_keys.ALIAS]
        notifications_by_id = store.get_many(aliased) if aliased else {}
        for name, item in zip(named, items, strict=True):
            if item.kind != list_keys.ALIAS:
                yield item.id, item
            elif name in notifications_by_id:
                yield item.id, notifications_by_id[name]


def _of_recipient(store: Store, recipient: str, after: str | None) -> Iterator[Listed]:
    """Notifications that name the recipient among few, and those that have a delivery to them."""
    named = [_places(store, index, recipient, after) for index in list_keys.NAMED]
    sent = (
        (name, name)
        for items in _pages(store, list_keys.DELIVERIES_OF, recipient, after)
        for name in (delivery_of(item).notification_id for item in items)
    )
    places = (place for place, _ in groupby(heapq.merge(*named, sent, reverse=True)))
    while some := list(islice(places, READ)):
        items = store.get_many([name for _, name in some])
        for place, name in some:
            if name in items and not (place == name and _stands_elsewhere(items[name])):
                yield place, items[name]


def _stands_elsewhere(item: Item) -> bool:
    """Whether a notification is listed by the recipients that it names, where its time is and not where its id is."""
    notification = notification_of(item)
    return list_keys.is_named(notification) and not list_keys.has_time_in_id(notification)


def _places(store: Store, index: str, value: str, after: str | None) -> Iterator[tuple[str, str]]:
    """Places in a list, each with the id of its notification."""
    return ((item.id, _notification_id(item)) for items in _pages(store, index, value, after) for item in items)


def _pages(store: Store, index: str, value: str, after: str | None) -> Iterator[Sequence[Item]]:
    cursor = None if after is None else to_cursor(after)
    while True:
        page = store.by_index(index, value, cursor=cursor, limit=READ, newest_first=True)
        yield page.items
        if (cursor := page.cursor) is None:
            return


def _notification_id(item: Item) -> str:
    return str(item.state["notification"]) if item.kind == list_keys.ALIAS else item.id
