"""A delivery: one notification to one recipient on one channel. Pure: its states and how they may change."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import structs

from service.channels import Accepted, Outcome, Refused, Unknown
from service.core import Channel, Record


class DeliveryStatus(StrEnum):
    """The state of a delivery."""

    PENDING = "pending"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    NEEDS_TRANSLATION = "needs_translation"
    CANCELLED = "cancelled"


RANK = {
    DeliveryStatus.PENDING: 0,
    DeliveryStatus.NEEDS_TRANSLATION: 1,
    DeliveryStatus.SENDING: 2,
    DeliveryStatus.UNKNOWN: 3,
    DeliveryStatus.ACCEPTED: 4,
    DeliveryStatus.FAILED: 5,
    DeliveryStatus.SUPPRESSED: 5,
    DeliveryStatus.CANCELLED: 5,
    DeliveryStatus.DELIVERED: 6,
}
"""Receipts come late, twice and out of order: one that does not rank higher changes nothing."""

LEFT_TO_SEND = frozenset({DeliveryStatus.PENDING, DeliveryStatus.SENDING})
"""While a delivery is in one of these the notification is not complete."""

UNSENT = frozenset({DeliveryStatus.PENDING, DeliveryStatus.NEEDS_TRANSLATION})
"""Nobody was asked to take such a copy: it can be cancelled."""

UNREACHED = frozenset({DeliveryStatus.FAILED, DeliveryStatus.SUPPRESSED, DeliveryStatus.NEEDS_TRANSLATION})
"""A notification with one of these completes *with failures*."""


IN_DOUBT_DETAIL = "a worker died while sending: only a receipt can tell"
"""What is said of a delivery of which nobody knows whether it left."""


class Delivery(Record, frozen=True):
    """One recipient's copy, on page number `page`. `detail` says why it failed, without contact data or text.
    `paced` when its place in how much the person gets is booked.
    """

    id: str
    notification_id: str
    recipient_id: str
    page: int
    status: DeliveryStatus = DeliveryStatus.PENDING
    channel: Channel | None = None
    language: str | None = None
    attempt: int = 0
    provider_id: str | None = None
    detail: str | None = None
    retry_at: datetime | None = None
    paced: bool = False
    changed_at: datetime | None = None

    def moved(self, status: DeliveryStatus, at: datetime, detail: str | None = None) -> Delivery:
        """The delivery in another status."""
        return structs.replace(self, status=status, detail=detail, changed_at=at, retry_at=None)

    def sending(self, at: datetime) -> Delivery:
        """Set before the call: after a crash only these deliveries are in doubt."""
        return self._tried(DeliveryStatus.SENDING, at)

    def after(self, outcome: Outcome, at: datetime, retry_at: datetime | None) -> Delivery:
        """The delivery after one more attempt; `retry_at` is None when no other is left."""
        match outcome:
            case Accepted(provider_id=provider_id):
                return self._tried(DeliveryStatus.ACCEPTED, at, provider_id=provider_id)
            case Refused(untried=True, detail=why) if retry_at is not None:
                return structs.replace(self.moved(DeliveryStatus.PENDING, at, why), retry_at=retry_at)
            case Refused(permanent=False, detail=why) if retry_at is not None:
                return self._tried(DeliveryStatus.PENDING, at, why, retry_at=retry_at)
            case Refused(reason=reason, detail=why):
                return self._tried(DeliveryStatus.FAILED, at, f"{reason.value}: {why}")
            case Unknown(detail=why):
                return self._tried(DeliveryStatus.UNKNOWN, at, why)

    def _tried(
        self,
        status: DeliveryStatus,
        at: datetime,
        detail: str | None = None,
        *,
        provider_id: str | None = None,
        retry_at: datetime | None = None,
    ) -> Delivery:
        return structs.replace(
            self,
            status=status,
            attempt=self.attempt + 1,
            provider_id=provider_id or self.provider_id,
            detail=detail,
            retry_at=retry_at,
            changed_at=at,
        )

    def advanced(self, status: DeliveryStatus, at: datetime, detail: str | None = None) -> Delivery:
        """The delivery after a receipt that says `status`: receipts only move it forward."""
        return self.moved(status, at, detail) if RANK[status] > RANK[self.status] else self

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be sent now."""
        return self.status is DeliveryStatus.PENDING and (self.retry_at is None or self.retry_at <= now)
