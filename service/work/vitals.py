"""Whether work goes on: when a worker last reported, and how late each lane is.

A worker reports in one item of the store, on every backend: so that an API, the doctor and a monitor see a worker that
hangs on another machine, too. One report is enough for all workers: what one of several holds while it hangs comes due
again by itself, and if that is late, the lane shows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from msgspec import structs
from prometheus_client import Gauge

from service.core import Clock, Lane, TocsinError, parse_timestamp, timestamp
from service.storage import Conflict, Item, Store
from service.work.lanes import BY_URGENCY

HEARTBEAT, PROBE = "worker-heartbeat", "write-probe"
"""The items that hold when a worker last reported, and when a write was last tried."""

SILENT_AFTER = timedelta(seconds=10)
"""No report for so long: no worker works, or the one that does hangs."""

OVERDUE_AFTER: Mapping[Lane, timedelta] = {
    Lane.INCIDENT: timedelta(seconds=30),
    Lane.TRANSACTIONAL: timedelta(minutes=5),
    Lane.BULK: timedelta(hours=1),
}
"""How late the oldest item of a lane may be."""

HEARTBEAT_AGE = Gauge(
    "tocsin_worker_heartbeat_age_seconds",
    "Time since a worker last reported; NaN if none ever has.",
    multiprocess_mode="mostrecent",
)
OVERDUE = Gauge(
    "tocsin_lane_overdue_seconds",
    "How late the oldest item of a lane is that no worker has taken; 0 if none is due.",
    ("lane",),
    multiprocess_mode="mostrecent",
)

PROBED_EVERY = timedelta(seconds=1)


class Late(TocsinError):
    """Work stands still or is late; says since when."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on work counts as standing still or late."""

    silent_after: timedelta = SILENT_AFTER
    overdue_after: Mapping[Lane, timedelta] = field(default_factory=lambda: OVERDUE_AFTER)


DEFAULTS = Thresholds()


class Heartbeat:
    """A worker's report that its loop goes round: a periodic task of its own, so that no commit waits in the loop."""

    def __init__(self, store: Store, clock: Clock, rounds: Callable[[], int], thresholds: Thresholds) -> None:
        self._store = store
        self._clock = clock
        self._rounds = rounds
        self._seen = -1
        self.every = thresholds.silent_after / 4

    def beat(self) -> None:
        """Report, unless the loop has not moved since the last time or another worker has just reported."""
        rounds = self._rounds()
        if rounds == self._seen:
            return
        _note(self._store, HEARTBEAT, self._clock.now(), self.every / 2)
        self._seen = rounds


class Vitals:
    """What the store tells of work."""

    def __init__(self, store: Store, clock: Clock, thresholds: Thresholds = DEFAULTS) -> None:
        self._store = store
        self._clock = clock
        self._thresholds = thresholds
        self._began = clock.now()

    def last_heartbeat(self) -> datetime | None:
        """When a worker last reported; None if none ever has."""
        return _noted(self._store.get(HEARTBEAT))

    def overdue(self, lane: Lane) -> timedelta:
        """How late the oldest item of a lane is that nobody has taken; 0 if none is due."""
        now = self._clock.now()
        oldest = self._store.oldest_due(lane, now)
        return timedelta(0) if oldest is None else now - oldest

    def check_worker(self) -> None:
        """`Late` if no worker has reported for too long, as seen since this process looks."""
        last = self.last_heartbeat()
        HEARTBEAT_AGE.set(math.nan if last is None else (self._clock.now() - last).total_seconds())
        silent = self._clock.now() - max(self._began, last or self._began)
        if silent > self._thresholds.silent_after:
            raise Late(silence(last, self._clock.now()))

    def check_lane(self, lane: Lane) -> None:
        """`Late` if the oldest item of a lane is overdue by more than its limit."""
        late = self.overdue(lane)
        OVERDUE.labels(lane.value).set(late.total_seconds())
        if late > self._thresholds.overdue_after[lane]:
            raise Late(f"the oldest item of lane {lane} is overdue by {late.total_seconds():.0f} s")

    def check_write(self) -> None:
        """`StoreUnavailable` unless the store takes a write and reads its audit.

        One write a second is enough for all processes: what another one wrote just now proves it as well.
        """
        _note(self._store, PROBE, self._clock.now(), PROBED_EVERY)
        self._store.audit_entry(PROBE)


def silence(last: datetime | None, now: datetime) -> str:
    """How long no worker has reported, in words."""
    if last is None:
        return "no worker has ever reported: start one with `tocsin up` or `tocsin worker`"
    since = (now - last).total_seconds()
    return f"no worker has reported for {since:.0f} s: none runs, or it hangs (`tocsin worker` starts one)"


def checks_of_lanes(vitals: Vitals) -> Mapping[str, Callable[[], None]]:
    """A check for each lane, by the name under which readiness shows it."""
    return {f"lane {lane}": partial(vitals.check_lane, lane) for lane in BY_URGENCY}


def _note(store: Store, name: str, now: datetime, unless_within: timedelta) -> None:
    """Write down that it is now, unless somebody has just done so."""
    item = store.get(name)
    last = _noted(item)
    if last is not None and timedelta(0) <= now - last < unless_within:
        return
    fresh = structs.replace(item or Item(name, name, {}), state={"at": timestamp(now)})
    try:
        store.save(fresh)
    except Conflict:
        return  # another process has: the store takes writes


def _noted(item: Item | None) -> datetime | None:
    return None if item is None else parse_timestamp(str(item.state["at"]))
