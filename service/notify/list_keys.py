"""By which keys notifications and deliveries are listed. The names are few and fixed: a store keeps them for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from service.notify.notification import FINAL, Notification, Status

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


def keys_of(notification: Notification) -> dict[str, str]:
    """The keys under which a notification is listed."""
    message = notification.message
    optional: Mapping[str, str | None] = {
        AUDIENCE: notification.audience,
        TEMPLATE: message.template,
        REFERENCE: notification.reference and reference_key(notification.reference),
        APP: notification.app,
    }
    return {
        **dict([ALL]),
        STATUS: status_key(notification.status),
        **{index: value for index, value in optional.items() if value},
        **_named(notification),
    }


def status_key(status: Status) -> str:
    """Under which value notifications of a status are listed; others may be listed there too."""
    return status.value if status in FINAL or status is Status.HELD_FOR_REVIEW else UNDER_WAY


def reference_key(reference: str) -> str:
    """A caller's reference as a key: it may hold anything, an address too."""
    return hashlib.sha256(reference.encode()).hexdigest()


def _named(notification: Notification) -> Mapping[str, str]:
    if len(notification.recipients) > len(NAMED):
        return {}
    return dict(zip(NAMED, notification.recipients, strict=False))
