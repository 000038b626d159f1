"""How long a batch may stand still because its providers take nothing, or refuse for reasons of their own.

Such a refusal is no attempt: a copy is put off, not given up. But nothing is put off for ever: a notice of yesterday
helps nobody. The age counts from when the batch last moved, so that a backlog that gets on is never cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec import structs

from service.channels import Outcome, Reason, Refused
from service.core import Lane
from service.notify.model import DeliveryBatch, DeliveryStatus
from service.notify.sending.plan import Drop

LONGEST: Mapping[Lane, timedelta] = {
    Lane.INCIDENT: timedelta(hours=6),
    Lane.TRANSACTIONAL: timedelta(hours=6),
    Lane.BULK: timedelta(hours=24),
}
"""How long copies are put off before they fail."""

LONGEST_WAIT = timedelta(minutes=15)
"""How long a copy that a mailbox puts off waits between two tries at most."""


def is_over(batch: DeliveryBatch, lane: Lane, now: datetime) -> bool:
    """Whether the batch has stood still for too long."""
    return batch.stalled_since is not None and now - batch.stalled_since >= LONGEST[lane]


def given_up(lane: Lane, last: str) -> Drop:
    """What becomes of a copy that nobody took in all that time; `last` is what was said of it then."""
    hours = LONGEST[lane] // timedelta(hours=1)
    return Drop(DeliveryStatus.FAILED, f"limit: nobody took it for {hours} hours; the last: {last}")


def again_at(batch: DeliveryBatch, refused: Refused, now: datetime) -> datetime:
    """When a copy that was put off is tried again: as its provider says, by a mailbox ever later."""
    if refused.reason is not Reason.LATER or batch.stalled_since is None:
        return now + refused.retry_after
    return now + max(refused.retry_after, min((now - batch.stalled_since) / 4, LONGEST_WAIT))


def standing(batch: DeliveryBatch, now: datetime) -> DeliveryBatch:
    """The batch, which stands still from now on unless it did so before."""
    return batch if batch.stalled_since is not None else structs.replace(batch, stalled_since=now)


def queued(batch: DeliveryBatch, wait: timedelta) -> DeliveryBatch:
    """The batch once it waits for its turn in the rates, which is no time of standing still."""
    return batch if batch.stalled_since is None else structs.replace(batch, stalled_since=batch.stalled_since + wait)


def after(batch: DeliveryBatch, outcomes: Iterable[Outcome], now: datetime) -> DeliveryBatch:
    """The batch after some copies were handed over: it stands still if all of them were put off."""
    put_off = [isinstance(outcome, Refused) and outcome.untried for outcome in outcomes]
    if not put_off:
        return batch
    return standing(batch, now) if all(put_off) else structs.replace(batch, stalled_since=None)
