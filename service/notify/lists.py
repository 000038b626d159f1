"""Lists of notifications, and of what one person was sent, newest first.

A list is read along the narrowest of the asked keys, the other filters being asked of what is found there. Ids begin
with the time at which they were given, so that a span of time is a span of ids.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice

from service.core import ids
from service.notify import list_keys
from service.notify.delivery import Delivery
from service.notify.items import delivery_of, notification_of
from service.notify.notification import FINAL, Notification, Status
from service.storage import MAX_PAGE_BYTES, Item, Page, Store
from service.storage.cursors import from_cursor, item_size, to_cursor

LOOKED_AT = 1_000
"""Notifications that one page looks at: it ends there although its `limit` is not reached."""

READ = 50
"""Items read at once."""


@dataclass(frozen=True, slots=True)
class Filters:
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
        """Whether a notification is wanted, its time and recipient aside."""
        asked = (
            (self.status, notification.status),
            (self.audience, notification.audience),
            (self.template, notification.message.template),
            (self.app, notification.app),
            (self.reference, notification.reference),
        )
        return all(wanted is None or wanted == found for wanted, found in asked)


def notifications(store: Store, filters: Filters, cursor: str | None, limit: int) -> Page[Notification]:
    """Notifications, newest first; a page may hold fewer than `limit` although more follow."""
    found, last, left = list[Notification](), "", MAX_PAGE_BYTES
    for number, item in enumerate(_candidates(store, filters, _first_place(filters, cursor))):
        left -= item_size(item)
        if number and (len(found) == limit or number == LOOKED_AT or left < 0):
            return Page(found, to_cursor(last))
        last = item.id
        if filters.fits(notification := notification_of(item)):
            found.append(notification)
    return Page(found, None)


def deliveries_to(store: Store, recipient: str, cursor: str | None, limit: int) -> Page[Delivery]:
    """What one recipient was sent, or was to be sent and was not."""
    page = store.by_index(list_keys.DELIVERIES_OF, recipient, cursor=cursor, limit=limit, newest_first=True)
    return Page([delivery_of(item) for item in page.items], page.cursor)


def _first_place(filters: Filters, cursor: str | None) -> str | None:
    """The place after which the list goes on."""
    if cursor is not None:
        return from_cursor(cursor)
    return None if filters.until is None else ids.place(filters.until)


def _candidates(store: Store, filters: Filters, after: str | None) -> Iterator[Item]:
    last = "" if filters.since is None else ids.place(filters.since)
    if filters.recipient is not None:
        found = _of_recipient(store, filters.recipient, after)
    else:
        found = _under(store, *_narrowest(filters), after)
    for item in found:
        if item.id < last:
            return
        yield item


def _narrowest(filters: Filters) -> tuple[str, str]:
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


def _under(store: Store, index: str, value: str, after: str | None) -> Iterator[Item]:
    cursor = None if after is None else to_cursor(after)
    while True:
        page = store.by_index(index, value, cursor=cursor, limit=READ, newest_first=True)
        yield from page.items
        if (cursor := page.cursor) is None:
            return


def _of_recipient(store: Store, recipient: str, after: str | None) -> Iterator[Item]:
    """Those that name the recipient, as far as they name few, and those of which there is a delivery."""
    named = [(item.id for item in _under(store, index, recipient, after)) for index in list_keys.NAMED]
    sent = (delivery_of(item).notification_id for item in _under(store, list_keys.DELIVERIES_OF, recipient, after))
    names = (name for name, _ in groupby(heapq.merge(*named, sent, reverse=True)))
    while some := list(islice(names, READ)):
        items = store.get_many(some)
        yield from (items[name] for name in some if name in items)
