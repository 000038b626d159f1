"""What SMS cost this month, estimated and counted in the store: a warning in time, and a stop for bulk.

Workers count into several items, so that they rarely collide; the sum counts.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from service.channels import Accepted, Carrier, Outcome, Reason, Refused, SendResult, Sms, Unknown
from service.core import Clock, from_state, to_state
from service.messages.prices import CURRENCY, estimated_price
from service.storage import Conflict, Item, Store

logger = logging.getLogger(__name__)

KIND = "spend"
SHARDS = 8
WARN_AT = Decimal("0.8")
"""The share of the cap from which operators are warned."""

KEPT = timedelta(days=400)

AFTER_THE_CAP = timedelta(hours=1)
"""When bulk is tried again after the spend cap: somebody may have raised the cap, or the month is over."""


@dataclass(frozen=True, slots=True)
class _Sum:
    amount: Decimal = Decimal(0)


class Spend:
    """The spend of the current month (UTC), in `CURRENCY`. Without a `cap` nothing is counted."""

    def __init__(self, store: Store, cap: Decimal | None, chance: Callable[[], float] = random.random) -> None:
        self._store = store
        self._cap = cap
        self._chance = chance

    @property
    def is_capped(self) -> bool:
        """Whether anything is counted: if not, no cost is estimated."""
        return self._cap is not None

    def add(self, amount: Decimal, now: datetime) -> None:
        """Count what was just sent, and warn when it passes 80 % of the cap, or the cap."""
        if self._cap is None:
            return
        before = self.total(now)
        self._count(f"{_month(now)}-{int(self._chance() * SHARDS)}", amount, now)
        for share in (WARN_AT, Decimal(1)):
            if before < share * self._cap <= before + amount:
                _warn(share, self._cap)

    def total(self, now: datetime) -> Decimal:
        """What was counted this month."""
        names = [f"{_month(now)}-{shard}" for shard in range(SHARDS)]
        sums = (from_state(_Sum, item.state).amount for item in self._store.get_many(names).values())
        return sum(sums, Decimal(0))

    def is_used_up(self, now: datetime) -> bool:
        """Whether the cap is reached, so that bulk must wait."""
        return self._cap is not None and self.total(now) >= self._cap

    def _count(self, name: str, amount: Decimal, now: datetime) -> None:
        while True:
            item = self._store.get(name) or Item(name, KIND, to_state(_Sum()), expires_at=now + KEPT)
            more = to_state(_Sum(from_state(_Sum, item.state).amount + amount))
            try:
                self._store.save(Item(name, KIND, more, version=item.version, expires_at=item.expires_at))
            except Conflict:
                continue
            return


class Budgeted:
    """A carrier whose SMS are counted towards the month's spend; at its cap bulk waits, and nothing else does."""

    def __init__(self, carrier: Carrier[Sms], spend: Spend, clock: Clock) -> None:
        self._carrier = carrier
        self._spend = spend
        self._clock = clock

    @property
    def name(self) -> str:
        return self._carrier.name

    @property
    def is_our_store(self) -> bool:
        return self._carrier.is_our_store

    def joins(self, message: Sms, earlier: Sequence[Sms], /) -> bool:
        """Whether its carrier says so."""
        return self._carrier.joins(message, earlier)

    def hand_over(self, messages: Sequence[Sms], begin_by: datetime, /) -> Sequence[SendResult]:
        """Send what may be paid for; bulk beyond the cap is refused for now."""
        now = self._clock.now()
        held = any(message.promotional for message in messages) and self._spend.is_used_up(now)
        leaving = [message for message in messages if not (held and message.promotional)]
        sent = self._carrier.hand_over(leaving, begin_by) if leaving else []
        self._count(leaving, sent, now)
        results = iter(sent)
        why = "the month's spend has reached TOCSIN_SPEND_CAP"
        refused = Refused(Reason.LIMIT, why, AFTER_THE_CAP, untried=True)
        return [SendResult(refused) if held and message.promotional else next(results) for message in messages]

    def _count(self, messages: Sequence[Sms], sent: Sequence[SendResult], now: datetime) -> None:
        if not self._spend.is_capped:
            return
        pairs = zip(messages, sent, strict=True)
        prices = (_price(message) for message, handed in pairs if _may_cost(handed.outcome))
        if spent := sum(prices, Decimal(0)):
            self._spend.add(spent, now)


def _price(message: Sms) -> Decimal:
    return estimated_price(message.text, message.to.country)


def _may_cost(outcome: Outcome) -> bool:
    return isinstance(outcome, Accepted | Unknown)


def _month(now: datetime) -> str:
    return f"spend-{now:%Y-%m}"


def _warn(share: Decimal, cap: Decimal) -> None:
    logger.warning(
        "SMS of this month cost about %d %% of the cap of %s %s%s",
        *(int(share * 100), cap, CURRENCY, ": bulk waits, incidents do not" if share == 1 else ""),
        extra={"share": float(share), "cap": float(cap)},
    )
