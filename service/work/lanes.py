"""What each lane is granted: leases, attempts, claims ahead, threads it must leave to more urgent lanes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from service.words import Lane
from service.work.retry import Backoff

BY_URGENCY = (Lane.INCIDENT, Lane.TRANSACTIONAL, Lane.BULK)
"""The order in which a worker looks for work."""


CONNECTED_WITHIN_S, ANSWERED_WITHIN_S = 2, 5
"""How long a provider is waited for. Both together are a second less than the shortest `send_timeout` of a lane: a send
that outlasted its lease would be made by another worker too."""


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """How a worker treats one lane.

    `send_timeout` bounds one blocking call of a handler. `ahead` is how many items are claimed before a thread is free
    for them (0: only as many as can start at once). `leaves` is how many threads this lane never occupies, so that a
    more urgent lane finds one although every send of this lane hangs.
    """

    send_timeout: timedelta
    max_attempts: int
    ahead: int
    leaves: int
    backoff: Backoff

    @property
    def lease(self) -> timedelta:
        """How long a claimed item stays out of other workers' sight: four send timeouts."""
        return 4 * self.send_timeout


POLICIES: Mapping[Lane, LanePolicy] = {
    Lane.INCIDENT: LanePolicy(
        send_timeout=timedelta(seconds=CONNECTED_WITHIN_S + ANSWERED_WITHIN_S + 1),
        max_attempts=10,
        ahead=64,
        leaves=0,
        backoff=Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=30)),
    ),
    Lane.TRANSACTIONAL: LanePolicy(
        send_timeout=timedelta(seconds=10),
        max_attempts=8,
        ahead=0,
        leaves=1,
        backoff=Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=10)),
    ),
    Lane.BULK: LanePolicy(
        send_timeout=timedelta(seconds=10),
        max_attempts=6,
        ahead=0,
        leaves=2,
        backoff=Backoff(first=timedelta(seconds=5), longest=timedelta(hours=1)),
    ),
}
