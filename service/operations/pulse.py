"""The pulse: what every process did in each minute of the last day, and how late the lanes were.

Each process adds what its counters have grown by to an item of the minute, some seconds after it happened. Processes
draw one of several items, so that they rarely collide; the sums count.
"""

from __future__ import annotations

import random
from collections import Counter as Sums
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prometheus_client import Counter

from service.core import Clock, Lane, from_state, to_state
from service.storage import MAX_WRITES, Conflict, Item, Store

KIND = "pulse"
SHARDS = 4
KEPT = timedelta(hours=26)
EVERY = timedelta(seconds=15)
"""How often a process adds what it has counted."""

MINUTE = timedelta(minutes=1)
TRIES = 5
"""How often it is tried where others write at the same moment; what is left goes with the next turn."""


@dataclass(frozen=True, slots=True)
class MinutePulse:
    """What was counted in a minute, by name, and by lane how many seconds the oldest item was late at most.

    A lane is missing in a minute in which no worker looked.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    late: Mapping[str, float] = field(default_factory=dict)

    def plus(self, more: MinutePulse) -> MinutePulse:
        """Both together."""
        lanes = self.late.keys() | more.late.keys()
        late = {lane: max(self.late.get(lane, 0.0), more.late.get(lane, 0.0)) for lane in lanes}
        return MinutePulse(dict(Sums(self.counts) + Sums(more.counts)), late)


def counted_by(counter: Counter, **beginnings: str) -> Callable[[], int]:
    """What this process has counted so far; with `beginnings`, where labels begin so."""

    def total() -> int:
        (metric,) = counter.collect()
        return int(
            sum(
                sample.value
                for sample in metric.samples
                if sample.name.endswith("_total")
                and all(sample.labels[name].startswith(text) for name, text in beginnings.items())
            )
        )

    return total


class PulseRecorder:
    """Adds what one process counts to the pulse; `overdue`, which a worker has, says how late a lane is."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        totals: Mapping[str, Callable[[], int]],
        overdue: Callable[[Lane], timedelta] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._clock = clock
        self._totals = totals
        self._overdue = overdue
        self._chance = chance
        self._seen = {name: total() for name, total in totals.items()}

    def record(self) -> None:
        """Add what was counted since the last time to the present minute."""
        totals = {name: total() for name, total in self._totals.items()}
        counts = {name: total - self._seen[name] for name, total in totals.items() if total != self._seen[name]}
        late = {} if self._overdue is None else {lane.value: self._overdue(lane).total_seconds() for lane in Lane}
        if (counts or late) and self._added(MinutePulse(counts, late)):
            self._seen = totals

    def _added(self, more: MinutePulse) -> bool:
        now = self._clock.now()
        for _ in range(TRIES):
            name = _item_id(now, int(self._chance() * SHARDS))
            item = self._store.get(name) or Item(name, KIND, to_state(MinutePulse()), expires_at=now + KEPT)
            sums = from_state(MinutePulse, item.state).plus(more)
            try:
                self._store.save(Item(name, KIND, to_state(sums), version=item.version, expires_at=item.expires_at))
            except Conflict:
                continue
            return True
        return False


def pulse_of(store: Store, now: datetime, minutes: int) -> Sequence[tuple[datetime, MinutePulse]]:
    """The last so many minutes, oldest first; the last one is not over yet."""
    last = now.replace(second=0, microsecond=0)
    at = [last - MINUTE * back for back in reversed(range(minutes))]
    names = [_item_id(minute, shard) for minute in at for shard in range(SHARDS)]
    items: dict[str, Item] = {}
    for start in range(0, len(names), MAX_WRITES):
        items |= store.get_many(names[start : start + MAX_WRITES])
    return [(minute, _together(items, minute)) for minute in at]


def _together(items: Mapping[str, Item], minute: datetime) -> MinutePulse:
    sums = MinutePulse()
    for shard in range(SHARDS):
        if (item := items.get(_item_id(minute, shard))) is not None:
            sums = sums.plus(from_state(MinutePulse, item.state))
    return sums


def _item_id(at: datetime, shard: int) -> str:
    return f"pulse-{at:%Y%m%d%H%M}-{shard}"
