"""What SMS cost this month, estimated and counted in the store: a warning in time, and a stop for bulk.

Workers count into several items, so that they rarely collide; the sum counts.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from service.channels import Accepted, Carrier, Outcome, Reason, Refused, SendResult, Sms, Unknown
from service.core import Clock, from_state, to_state
from service.messages.prices import CURRENCY, price_of
from service.messages.segments import segments_of
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
class CountrySpend:
    """What SMS to one country cost: how many messages, in how many parts, and the amount."""

    messages: int = 0
    parts: int = 0
    amount: Decimal = Decimal(0)

    def plus(self, more: CountrySpend) -> CountrySpend:
        """Both together."""
        return CountrySpend(self.messages + more.messages, self.parts + more.parts, self.amount + more.amount)


@dataclass(frozen=True, slots=True)
class _Sum:
    """`countries` are the parts of the amount by ISO 3166 code; earlier versions counted the amount alone."""

    amount: Decimal = Decimal(0)
    countries: Mapping[str, CountrySpend] = field(default_factory=dict)

    def plus(self, costs: Mapping[str, CountrySpend]) -> _Sum:
        amount = self.amount + sum((cost.amount for cost in costs.values()), Decimal(0))
        return _Sum(amount, together((self.countries, costs)))


def together(several: Sequence[Mapping[str, CountrySpend]]) -> Mapping[str, CountrySpend]:
    """The sums by country."""
    sums: defaultdict[str, CountrySpend] = defaultdict(CountrySpend)
    for costs in several:
        for country, cost in costs.items():
            sums[country] = sums[country].plus(cost)
    return dict(sums)


@dataclass(frozen=True, slots=True)
class MonthSpend:
    """What was counted in a month. What earlier versions counted is in `total` and in no country."""

    total: Decimal
    countries: Mapping[str, CountrySpend]


class Spend:
    """The spend of the current month (UTC), in `CURRENCY`. Without a `cap` nothing is counted."""

    def __init__(self, store: Store, cap: Decimal | None, chance: Callable[[], float] = random.random) -> None:
        self._store = store
        self._cap = cap
        self._chance = chance

    @property
    def cap(self) -> Decimal | None:
        """What a month may cost; None: nothing is counted, and no cost is estimated."""
        return self._cap

    def add(self, costs: Mapping[str, CountrySpend], now: datetime) -> None:
        """Count what was just sent, by country, and warn when it passes 80 % of the cap, or the cap."""
        if self._cap is None:
            return
        before = self.total(now)
        amount = sum((cost.amount for cost in costs.values()), Decimal(0))
        self._count(f"{_month(now)}-{int(self._chance() * SHARDS)}", costs, now)
        for share in (WARN_AT, Decimal(1)):
            if before < share * self._cap <= before + amount:
                _warn(share, self._cap)

    def total(self, now: datetime) -> Decimal:
        """What was counted this month."""
        return self.of_month(now).total

    def of_month(self, within: datetime) -> MonthSpend:
        """What was counted in the month (UTC) that an instant lies in; kept for 400 days."""
        names = [f"{_month(within)}-{shard}" for shard in range(SHARDS)]
        sums = [from_state(_Sum, item.state) for item in self._store.get_many(names).values()]
        total = sum((each.amount for each in sums), Decimal(0))
        return MonthSpend(total, together([each.countries for each in sums]))

    def is_used_up(self, now: datetime) -> bool:
        """Whether the cap is reached, so that bulk must wait."""
        return self._cap is not None and self.total(now) >= self._cap

    def _count(self, name: str, costs: Mapping[str, CountrySpend], now: datetime) -> None:
        while True:
            item = self._store.get(name) or Item(name, KIND, to_state(_Sum()), expires_at=now + KEPT)
            more = to_state(from_state(_Sum, item.state).plus(costs))
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
        if self._spend.cap is None:
            return
        pairs = zip(messages, sent, strict=True)
        costs = together([_cost(message) for message, handed in pairs if _may_cost(handed.outcome)])
        if costs:
            self._spend.add(costs, now)


def _cost(message: Sms) -> Mapping[str, CountrySpend]:
    country, parts = message.to.country, segments_of(message.text).count
    return {country: CountrySpend(1, parts, price_of(parts, country))}


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
