"""Notifications and deliveries as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from service.messages import UNSUBSCRIBE, NotFilled, TooLong, render, segments_of
from service.notify import schemas
from service.notify.delivery import Delivery
from service.notify.notification import Notification, SourceMessage, Verdict
from service.notify.rendition import Texts, rendition_of
from service.notify.service import A_LINK_TO_LEAVE, FROM_THE_PROFILE, NotificationView


def shown(notification: NotificationView) -> Mapping[str, object]:
    """A notification with its tally, as `schemas.ShownNotification`."""
    one, counts = notification.notification, notification.counts
    return {
        **_said(one),
        "renditions": [_rendition(one.message, texts) for texts in notification.texts],
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
        "decision": verdict and decision(verdict),
        "review": one.review and asdict(one.review),
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
