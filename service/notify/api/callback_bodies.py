"""What is posted to addresses that apps name: the end of a notification, and events of rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from service.http import Shown
from service.messages import RulingWord
from service.notify.model import DeliveryStatus, Status


class NotificationCallback(Shown):
    """Sent to the `callback_url` of a notification when it is over; `counts` says how many copies stand where."""

    notification_id: str
    request_id: str
    status: Status
    completed_at: datetime | None
    counts: Mapping[DeliveryStatus, int]


class ReviewCallback(Shown):
    """Sent to the `callback_url` of an evaluation when a person has decided about what a rule flagged.

    `via` is `api`, or how the contact of the incident that asked answered: `sms`, `link`, `email`.
    """

    review_id: str
    evaluation_id: str
    request_id: str
    ruleset: Mapping[str, object]
    decision: RulingWord
    reason: str
    by: str
    at: datetime
    via: str


class EventDetail(Shown):
    """Where an event comes from."""

    evaluation_id: str
    request_id: str
    ruleset: Mapping[str, object]
    app: str
    at: datetime
    rule: str
    data: Annotated[Mapping[str, object], Field(description="What the rule says `with` the event, as facts.")] = {}


class EventCallback(Shown):
    """Sent to `TOCSIN_EVENTS_URL` for each `emit` of a rule; on an event bus `event` is the detail-type."""

    event: str
    id: str
    detail: EventDetail
