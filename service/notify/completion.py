"""The callback that tells an app that its notification is over, if it named an address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.core import exact_json, timestamp
from service.messages import Callback, Webhooks
from service.notify.model import Notification, batches_of, count
from service.storage import Item, Store


@dataclass(frozen=True, slots=True)
class Completion:
    """Makes the callbacks of completed and rejected notifications."""

    store: Store
    webhooks: Webhooks

    def callback(self, notification: Notification) -> Sequence[Item]:
        """The callback as an item of work, or nothing where none was asked for."""
        if notification.callback_url is None:
            return ()
        name = f"{notification.id}-callback-{notification.completions}"
        return (self.webhooks.item(name, Callback(notification.callback_url, self._body(notification))),)

    def _body(self, notification: Notification) -> str:
        counts = count(batch for _, batch in batches_of(self.store, notification.id))
        return exact_json.dumps(
            {
                "notification_id": notification.id,
                "request_id": notification.request_id,
                "status": notification.status,
                "completed_at": notification.completed_at and timestamp(notification.completed_at),
                "counts": dict(counts.by_status),
            }
        )
