"""Notifications: a message for people, in their languages, by their channels."""

from service.notify import lists, routes, schemas, views
from service.notify.addressees import Addressees
from service.notify.cancel import Cancellation, NothingToCancel
from service.notify.completion import Completion
from service.notify.delivery import DeliveryStatus
from service.notify.digests import Digests
from service.notify.flow import NotificationFlow
from service.notify.items import notification_of
from service.notify.list_routes import LIST, filters_of
from service.notify.naming import RecipientNaming
from service.notify.notification import Notification, Status
from service.notify.outcomes import Chain, EmitOutcome, Events, NotifyOutcome, WebhookEvents
from service.notify.preview import Previews
from service.notify.receipts import NotificationReceipt, NotificationReceipts
from service.notify.renditions import Renditions
from service.notify.reopen import TranslationReopener
from service.notify.retry import NothingToRetry, retried
from service.notify.review import Reviewers
from service.notify.review_links import ReviewLinks
from service.notify.routes import requested
from service.notify.schemas import TRANSLATIONS, NotificationRequest, TranslationQuery
from service.notify.sending import BatchSender, ContextReader, DeadLetterHandler, DeliveryPolicy
from service.notify.service import NotificationService, UnfitRequest
from service.notify.unsubscribe import UnsubscribeLinks, UnsubscribePages
from service.notify.validate import Validation

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
    "views",
]
