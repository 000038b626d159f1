"""Notifications and deliveries as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from service.core import timestamp
from service.messages import UNSUBSCRIBE, NotFilled, TooLong, render, segments_of
from service.notify.api import schemas
from service.notify.model import Delivery, Notification, SourceMessage, Texts, Verdict, rendition_of
from service.notify.service import A_LINK_TO_LEAVE, FROM_THE_PROFILE, NotificationView


def shown(notification: NotificationView) -> Mapping[str, object]:
    """A notification with its tally, as `schemas.ShownNotification`."""
    record, tally = notification.notification, notification.tally
    return {
        **_said(record),
        "renditions": [_rendition(record.message, texts) for texts in notification.texts],
        "recipients": record.expansion.deliveries,
        "counts": {
            "status": tally.by_status,
            "channel": tally.by_channel,
            "language": tally.by_language,
            "counted_at": timestamp(tally.counted_at),
        },
    }


def listed(notification: Notification) -> Mapping[str, object]:
    """A notification in a list, as `schemas.ListedNotification`."""
    source = _said(notification)
    members = {name: source[name] for name in schemas.ListedNotification.model_fields if name in source}
    text = notification.message.sms[: schemas.EXCERPT]
    return {**members, "text": text, "recipients": notification.expansion.deliveries or len(notification.recipients)}


def delivery(sent: Delivery) -> schemas.ShownDelivery:
    """One recipient's copy."""
    return schemas.ShownDelivery(
        delivery_id=sent.id,
        recipient_id=sent.recipient_id,
        status=sent.status,
        channel=sent.channel,
        language=sent.language,
        attempt=sent.attempt,
        provider_id=sent.provider_id,
        detail=sent.detail,
        changed_at=sent.changed_at,
    )


def _said(notification: Notification) -> Mapping[str, object]:
    verdict = notification.verdict
    return {
        "notification_id": notification.id,
        "status": notification.status,
        "lane": notification.lane,
        "app": notification.app,
        "request_id": notification.request_id,
        "reference": notification.reference,
        "language": notification.message.language,
        "text": notification.message.sms,
        "subject": notification.message.subject,
        "template": notification.message.template,
        "audience": notification.audience,
        "accepted_at": notification.accepted_at,
        "send_at": notification.send_at,
        "completed_at": notification.completed_at,
        "sentiment": verdict and verdict.scores,
        "decision": verdict and decision(verdict),
        "review": notification.review and asdict(notification.review),
    }


def decision(verdict: Verdict) -> Mapping[str, object]:
    """What the sentiment rules said, with the harm and the passage that it comes from."""
    return {
        "fired": verdict.fired,
        "ruleset_version": verdict.ruleset_version,
        "reason": verdict.reason,
        "harm": verdict.harm_as_text,
        "worst": verdict.worst,
    }


def _rendition(message: SourceMessage, texts: Texts) -> Mapping[str, object]:
    return {
        "sms": _sms_size(message, texts) if texts.is_complete else None,
        "language": texts.language,
        "written_in": texts.written_in,
        "provenance": texts.stamp if texts.is_complete else None,
        "texts": texts.said,
        "missing": sorted(texts.missing),
        "drafts": texts.drafts,
    }


_EXAMPLE = {**FROM_THE_PROFILE, UNSUBSCRIBE: A_LINK_TO_LEAVE}


def _sms_size(message: SourceMessage, texts: Texts) -> Mapping[str, object] | None:
    """None for a text that needs values which only its readers have."""
    if message.gathered:
        return None
    try:
        text = render.sms_text(rendition_of(message, texts), {**_EXAMPLE, **message.variables})
    except (NotFilled, TooLong):
        return None
    size = segments_of(text)
    return {"encoding": size.encoding, "segments": size.count}
