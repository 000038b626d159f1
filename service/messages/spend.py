"""What SMS cost this month, estimated and counted in the store: a warning in time, and a stop for bulk.

Workers count into several items, so that they seldom meet; the sum is what counts.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from service.messages.prices import CURRENCY
from service.records import from_state, to_state
from service.storage import Conflict, Item, Store

logger = logging.getLogger(__name__)

KIND = "spend"
SHARDS = 8
WARN_AT = Decimal("0.8")
"""The share of the cap from which operators are warned."""

KEPT = timedelta(days=400)


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
        """Whether anything is counted: if not, nobody needs to estimate what a message costs."""
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


def _month(now: datetime) -> str:
    return f"spend-{now:%Y-%m}"


def _warn(share: Decimal, cap: Decimal) -> None:
    logger.warning(
        "SMS of this month cost about %d %% of the cap of %s %s%s",
        *(int(share * 100), cap, CURRENCY, ": bulk waits, incidents do not" if share == 1 else ""),
        extra={"share": float(share), "cap": float(cap)},
    )
