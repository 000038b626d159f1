"""By which keys notifications and deliveries are listed. The names are few and fixed: a store keeps them for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

from service.core import ids
from service.notify.model.notification import FINAL, Notification, Status
from service.storage import Item

ALL = ("notifications", "all")
STATUS = "notification-status"
APP = "notification-app"
AUDIENCE = "notification-audience"
TEMPLATE = "notification-template"
REFERENCE = "notification-reference"

NAMED = tuple(f"notification-to-{number}" for number in range(4))
"""The indexes of recipients that a notification names, while they are as few; others are found by their deliveries."""

DELIVERIES_OF = "delivery-recipient"
"""The index of the deliveries of one recipient."""

UNDER_WAY = "under-way"
"""The value of `STATUS` for every status that soon becomes another one: each change of a key is a write."""


ALIAS = "listed-notification"
"""The kind of what stands in lists for a notification whose id is in no order of time."""

IN_ORDER = timedelta(minutes=1)
"""How far the time in an id may be from when its notification was accepted."""


def keys_of(notification: Notification) -> dict[str, str]:
    """The keys under which a notification's own item is listed."""
    status = {STATUS: status_key(notification.status)}
    return status | lasting_keys(notification) if has_time_in_id(notification) else status


def aliases_of(notification: Notification) -> Sequence[Item]:
    """What stands in lists for a notification that a schedule made: its id begins with when the schedule was made."""
    if has_time_in_id(notification):
        return ()
    name = f"{ids.of_occurrence(notification.accepted_at, notification.id)}-listed"
    return (Item(name, ALIAS, {"notification": notification.id}, keys=lasting_keys(notification)),)


def has_time_in_id(notification: Notification) -> bool:
    """Whether the id begins with about the time at which the notification was accepted."""
    at = notification.accepted_at
    return ids.place(at - IN_ORDER) <= notification.id <= ids.place(at + IN_ORDER)


def lasting_keys(notification: Notification) -> dict[str, str]:
    """The keys that stay while a notification takes its course."""
    message = notification.message
    optional: Mapping[str, str | None] = {
        AUDIENCE: notification.audience,
        TEMPLATE: message.template,
        REFERENCE: notification.reference and reference_key(notification.reference),
        APP: notification.app,
    }
    return {
        **dict([ALL]),
        **{index: value for index, value in optional.items() if value},
        **_named(notification),
    }


def status_key(status: Status) -> str:
    """Under which value notifications of a status are listed; others may be listed there too."""
    return status.value if status in FINAL or status is Status.HELD_FOR_REVIEW else UNDER_WAY


def reference_key(reference: str) -> str:
    """A caller's reference as a key: it may hold anything, an address too."""
    return hashlib.sha256(reference.encode()).hexdigest()


def is_named(notification: Notification) -> bool:
    """Whether it is listed under the recipients that it names."""
    return 0 < len(notification.recipients) <= len(NAMED)


def _named(notification: Notification) -> Mapping[str, str]:
    if not is_named(notification):
        return {}
    return dict(zip(NAMED, notification.recipients, strict=False))
