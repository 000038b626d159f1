"""Sending once more what failed, when a notification is over."""

from __future__ import annotations

from datetime import datetime

from service.core import TocsinError
from service.notify.model import (
    DeliveryStatus,
    Notification,
    Status,
    batches_of,
    count,
    notification_item,
    notification_of,
)
from service.storage import AuditEntry, Conflict, Store

OVER = frozenset({Status.COMPLETED, Status.COMPLETED_WITH_FAILURES})
"""Where a notification must stand."""


class NothingToRetry(TocsinError):
    """No copy failed, or it is too early or too late to tell."""


def retried(store: Store, notification_id: str, *, in_doubt: bool, now: datetime, audit: AuditEntry) -> Notification:
    """Send the failed copies once more, and with `in_doubt` those that may have arrived; `NothingToRetry`."""
    while True:
        item = store.get(notification_id)
        assert item is not None, "whoever asks has looked"
        notification = notification_of(item)
        if notification.status not in OVER:
            raise NothingToRetry(f"It is {notification.status}: only what is completed can be retried.")
        _check(store, notification, in_doubt=in_doubt)
        again = notification.retried(in_doubt=in_doubt)
        try:
            store.save(notification_item(item, again, now), audit=[audit])
        except Conflict:
            continue  # a translation was supplied meanwhile
        return again


def _check(store: Store, notification: Notification, *, in_doubt: bool) -> None:
    counts = count(batch for _, batch in batches_of(store, notification.id))
    wanted = {DeliveryStatus.FAILED, *([DeliveryStatus.UNKNOWN] if in_doubt else [])}
    if counts.of(wanted):
        return
    unknown = counts.of({DeliveryStatus.UNKNOWN})
    hint = f'; {unknown} may have arrived: {{"in_doubt": true}} sends those too' if unknown else ""
    raise NothingToRetry(f"No copy failed{hint}.")
