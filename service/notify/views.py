"""Notifications and deliveries as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from service.notify import schemas
from service.notify.delivery import Delivery
from service.notify.notification import Notification
from service.notify.rendition import Texts
from service.notify.service import Shown


def shown(notification: Shown) -> Mapping[str, object]:
    """A notification with its tally, as `schemas.ShownNotification`."""
    one, counts = notification.notification, notification.counts
    return {
        **_said(one),
        "renditions": [_rendition(texts) for texts in notification.texts],
        "recipients": one.expansion.deliveries,
        "counts": {"status": counts.by_status, "channel": counts.by_channel, "language": counts.by_language},
    }


def listed(one: Notification) -> Mapping[str, object]:
    """A notification in a list, as `schemas.ListedNotification`."""
    said = _said(one)
    members = {name: said[name] for name in schemas.ListedNotification.model_fields if name in said}
    text = one.message.sms[: schemas.EXCERPT]
    return {**members, "text": text, "recipients": one.expansion.deliveries or len(one.recipients)}


def delivery(one: Delivery) -> schemas.ShownDelivery:
    """One recipient's copy."""
    return schemas.ShownDelivery(
        delivery_id=one.id,
        recipient_id=one.recipient_id,
        status=one.status,
        channel=one.channel,
        language=one.language,
        attempt=one.attempt,
        provider_id=one.provider_id,
        detail=one.detail,
        changed_at=one.changed_at,
    )


def _said(one: Notification) -> Mapping[str, object]:
    verdict = one.verdict
    return {
        "notification_id": one.id,
        "status": one.status,
        "lane": one.lane,
        "app": one.app,
        "request_id": one.request_id,
        "reference": one.reference,
        "language": one.message.language,
        "text": one.message.sms,
        "subject": one.message.subject,
        "template": one.message.template,
        "audience": one.audience,
        "accepted_at": one.accepted_at,
        "send_at": one.send_at,
        "completed_at": one.completed_at,
        "sentiment": verdict and verdict.scores,
        "decision": verdict
        and {"fired": verdict.fired, "ruleset_version": verdict.ruleset_version, "reason": verdict.reason},
        "review": one.review and asdict(one.review),
    }


def _rendition(texts: Texts) -> Mapping[str, object]:
    return {
        "language": texts.language,
        "written_in": texts.written_in,
        "provenance": texts.stamp if texts.is_complete else None,
        "texts": texts.said,
        "missing": sorted(texts.missing),
    }
