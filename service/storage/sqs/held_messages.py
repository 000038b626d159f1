"""Notices that came a moment early: SQS counts whole seconds, so a worker keeps them until their time."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime

from service.core import Lane
from service.storage.sqs.queues import ReceivedNotice


class HeldMessages:
    """Received messages by the time their items are due; those of a process that dies come back by themselves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: Mapping[Lane, list[tuple[datetime, str, ReceivedNotice]]] = {lane: [] for lane in Lane}

    def keep(self, lane: Lane, message: ReceivedNotice, until: datetime, most: int) -> bool:
        """Keep a message, if there are fewer than `most` of its lane: other workers want some too."""
        with self._lock:
            kept = self._kept[lane]
            if len(kept) >= most:
                return False
            heapq.heappush(kept, (until, message.receipt, message))
            return True

    def ripe(self, lane: Lane, now: datetime, most: int) -> Sequence[ReceivedNotice]:
        """Up to `most` messages whose items are due now; they are no longer kept."""
        with self._lock:
            kept = self._kept[lane]
            ripe: list[ReceivedNotice] = []
            while kept and kept[0][0] <= now and len(ripe) < most:
                ripe.append(heapq.heappop(kept)[2])
            return ripe

    def give_up(self) -> Sequence[tuple[Lane, ReceivedNotice]]:
        """Everything that is kept, to be given back to the queue."""
        with self._lock:
            left = [(lane, message) for lane, kept in self._kept.items() for _, _, message in kept]
            for kept in self._kept.values():
                kept.clear()
            return left
