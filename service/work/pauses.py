"""Lanes that a person has paused: an emergency stop. Messages of a paused lane wait; nothing else does.

Each pause is an item, so that every process on every machine keeps to it, within a second.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import Gauge

from service.core import Clock, Lane, from_state, to_state
from service.storage import AlreadyExists, AuditEntry, Conflict, Item, Store

KIND = "lane-pause"

KNOWN_FOR = timedelta(seconds=1)
"""How long a process uses what it read."""

LOOK = timedelta(seconds=20)
"""How soon a message that waits looks again whether its lane goes on."""

PAUSED = Gauge(
    "tocsin_lane_paused",
    "1 while a person keeps the messages of a lane back (`tocsin pause`), else 0.",
    ("lane",),
    multiprocess_mode="mostrecent",
)


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused a lane, and since when."""

    by: str
    since: datetime


class LanePauses:
    """The pauses of all lanes; safe for threads."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: tuple[datetime, frozenset[Lane]] | None = None
        self._lock = threading.Lock()

    def pause(self, lane: Lane, by: str, audit: Sequence[AuditEntry] = ()) -> Pause:
        """Keep the messages of a lane back from now on; one that is paused already stays as it is."""
        pause = Pause(by, self._clock.now())
        try:
            self._store.add(Item(_id(lane), KIND, to_state(pause)), audit=audit)
        except AlreadyExists:
            return self.all()[lane] or pause
        self._forget()
        return pause

    def resume(self, lane: Lane, audit: Sequence[AuditEntry] = ()) -> bool:
        """Let the messages of a lane go on; False if it was not paused. They look again within `LOOK`."""
        item = self._store.get(_id(lane))
        if item is None:
            return False
        try:
            self._store.remove(item)
        except Conflict:
            return False  # somebody else has resumed it
        if audit:
            self._store.append(*audit)
        self._forget()
        return True

    def all(self) -> Mapping[Lane, Pause | None]:
        """Every lane, and by whom it is paused if it is, as the store has it."""
        names = {_id(lane): lane for lane in Lane}
        items = self._store.get_many(list(names))
        pauses = {lane: from_state(Pause, items[name].state) if name in items else None for name, lane in names.items()}
        for lane, pause in pauses.items():
            PAUSED.labels(lane.value).set(pause is not None)
        return pauses

    def is_paused(self, lane: Lane) -> bool:
        """Whether messages of a lane wait, as it was within the last `KNOWN_FOR`."""
        now = self._clock.now()
        with self._lock:
            if self._known is None or not timedelta(0) <= now - self._known[0] < KNOWN_FOR:
                self._known = (now, frozenset(lane for lane, pause in self.all().items() if pause is not None))
            return lane in self._known[1]

    def _forget(self) -> None:
        with self._lock:
            self._known = None


def _id(lane: Lane) -> str:
    return f"lane-pause-{lane}"
