"""Notifications: a message for people, in their languages, by their channels.

`service` accepts a notification and `flow` takes it through its life: `reviews` checks it, `texts` translates it,
`audience` cuts it into batches, `sending` sends them, and `receipts` record what became of each copy, which
`tally` counts. `model` is what all of them share, and `api` is the HTTP door.
"""

from service.notify import lists, tally
from service.notify.api import (
    LIST,
    TRANSLATIONS,
    NotificationRequest,
    TranslationQuery,
    filters_of,
    requested,
    routes,
    schemas,
    views,
)
from service.notify.audience import Addressees, RecipientNaming
from service.notify.cancel import Cancellation, NothingToCancel
from service.notify.completion import Completion
from service.notify.digests import Digests
from service.notify.flow import NotificationFlow
from service.notify.model import DeliveryStatus, Notification, Status, notification_of
from service.notify.outcomes import Chain, EmitOutcome, Events, NotifyOutcome, WebhookEvents
from service.notify.preview import Previews
from service.notify.receipts import NotificationReceipt, NotificationReceipts
from service.notify.retry import NothingToRetry, retried
from service.notify.reviews import Reviewers, ReviewLinks, Validation
from service.notify.sending import BatchSender, ContextReader, DeadLetterHandler, DeliveryPolicy
from service.notify.service import NotificationService, UnfitRequest
from service.notify.tally import DeliveryTallies
from service.notify.texts import Renditions, TranslationReopener
from service.notify.unsubscribe import UnsubscribeLinks, UnsubscribePages

__all__ = [
    "LIST",
    "TRANSLATIONS",
    "Addressees",
    "BatchSender",
    "Cancellation",
    "Chain",
    "Completion",
    "ContextReader",
    "DeadLetterHandler",
    "DeliveryPolicy",
    "DeliveryStatus",
    "DeliveryTallies",
    "Digests",
    "EmitOutcome",
    "Events",
    "NothingToCancel",
    "NothingToRetry",
    "Notification",
    "NotificationFlow",
    "NotificationReceipt",
    "NotificationReceipts",
    "NotificationRequest",
    "NotificationService",
    "NotifyOutcome",
    "Previews",
    "RecipientNaming",
    "Renditions",
    "ReviewLinks",
    "Reviewers",
    "Status",
    "TranslationQuery",
    "TranslationReopener",
    "UnfitRequest",
    "UnsubscribeLinks",
    "UnsubscribePages",
    "Validation",
    "WebhookEvents",
    "filters_of",
    "lists",
    "notification_of",
    "requested",
    "retried",
    "routes",
    "schemas",
    "tally",
    "views",
]
