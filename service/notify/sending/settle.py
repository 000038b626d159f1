"""What becomes of the copies of a turn once their providers have answered, and what is to be committed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from msgspec import structs

from service.channels import Accepted, Email, Message, Outcome, Reason, Refused, SendResult, Sms, VoiceCall
from service.notify.model import Delivery, DeliveryBatch, DeliveryStatus
from service.notify.receipts import SILENCE
from service.notify.sending import stalls
from service.notify.sending.copies import Copy
from service.notify.sending.plan import Send
from service.notify.sending.turn import DeliveryRecord, HandOver, Later, is_in_doubt
from service.storage import Item
from service.work import POLICIES

SOONEST = timedelta(seconds=1)
"""How soon a batch that waits is looked at again at the earliest, whatever the reason for waiting says."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What is to be committed after copies were handed over; `due_at` is None when nothing of the batch is left.

    `children` are what the carriers write. Providers say of the phones (E.164) in `opted_out` that they want nothing,
    and of the mailboxes in `gone` that they do not exist. `was_asked` if any provider was asked at all.
    """

    batch: DeliveryBatch
    due_at: datetime | None
    records: Sequence[DeliveryRecord]
    children: Sequence[Item]
    opted_out: Sequence[str]
    gone: Sequence[str]
    was_asked: bool

    def waiting(self, later: Later, now: datetime) -> Settled:
        """The same, the rest of the batch waiting."""
        return replace(self, batch=later.of(self.batch, now), due_at=later.until)


def settle(turn: HandOver, handed: Sequence[SendResult], now: datetime, dice: Sequence[float]) -> Settled:
    """What becomes of the copies of a turn: `handed` says it of each that left, in order.

    `dice` (each in [0, 1), one for each of those) spread the next attempts of what was refused.
    """
    leaving, outcomes = turn.leaving, [each.outcome for each in handed]
    tried = [
        _tried(copy, outcome, turn, now, die) for (copy, _), outcome, die in zip(leaving, outcomes, dice, strict=True)
    ]
    records = [*tried, *_untried(turn, now)]
    moved = stalls.after(turn.batch, outcomes, now)
    batch = structs.replace(moved.with_deliveries(record.delivery for record in records), slots_booked=False)
    refused = [
        (message, outcome)
        for (_, message), outcome in zip(leaving, outcomes, strict=True)
        if isinstance(outcome, Refused)
    ]
    return Settled(
        batch,
        _due_at(batch, records, now),
        records,
        children=[child for each in handed for child in each.writes],
        opted_out=_opted_out(refused),
        gone=[message.to for message, why in refused if isinstance(message, Email) and why.gone],
        was_asked=bool(turn.in_doubt),
    )


def _opted_out(refused: Sequence[tuple[Message, Refused]]) -> Sequence[str]:
    by_phone = [(message.to, why.reason) for message, why in refused if isinstance(message, Sms | VoiceCall)]
    return [phone.e164 for phone, reason in by_phone if reason is Reason.OPTED_OUT]


def _untried(turn: HandOver, now: datetime) -> Sequence[DeliveryRecord]:
    """The records of copies that do not leave in this turn."""
    staying = [copy for copy in turn.copies if not isinstance(copy.plan, Send)]
    return [DeliveryRecord(copy.unsent(now), copy.version) for copy in staying]


def _tried(copy: Copy, outcome: Outcome, turn: HandOver, now: datetime, die: float) -> DeliveryRecord:
    """The record of a copy that was handed over; one that a provider took waits for its receipt."""
    delivery = _after(copy, outcome, turn, now, die)
    waits = delivery.status is DeliveryStatus.ACCEPTED and is_in_doubt(copy, turn.in_our_store)
    return DeliveryRecord(delivery, copy.version, silent_at=now + SILENCE if waits else None)


def _after(copy: Copy, outcome: Outcome, turn: HandOver, now: datetime, die: float) -> Delivery:
    if isinstance(outcome, Accepted):
        return structs.replace(copy.delivery.after(outcome, now, None), detail=copy.note)
    if not isinstance(outcome, Refused):
        return copy.delivery.after(outcome, now, None)
    if outcome.untried and stalls.is_over(turn.batch, turn.lane, now):
        drop = stalls.given_up(turn.lane, outcome.detail)
        return copy.delivery.moved(drop.status, now, drop.detail)
    return copy.delivery.after(outcome, now, _again_at(copy, outcome, turn, now, die))


def _again_at(copy: Copy, refused: Refused, turn: HandOver, now: datetime, die: float) -> datetime | None:
    """When a refused copy may be tried again; None when it was tried often enough."""
    if refused.untried:
        return stalls.again_at(turn.batch, refused, now)
    policy, attempt = POLICIES[turn.lane], copy.delivery.attempt + 1
    if attempt >= policy.max_attempts:
        return None
    return now + max(policy.backoff.wait(attempt, die), refused.retry_after)


def _due_at(batch: DeliveryBatch, records: Sequence[DeliveryRecord], now: datetime) -> datetime | None:
    """When a batch has its next turn: at once while nobody has looked at some of its copies; None when it is over."""
    waits = {record.delivery.id: record.delivery.retry_at for record in records if record.delivery.retry_at}
    if any(name not in waits for name in batch.left):
        return now
    until = min(waits.values(), default=None)
    # A batch that waits for an instant that is over would be committed over and over.
    return now + SOONEST if until is not None and until <= now else until
