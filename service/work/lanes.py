"""What each lane is granted: leases, attempts, claims ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from service.core import Lane
from service.work.retry import Backoff

BY_URGENCY = (Lane.INCIDENT, Lane.TRANSACTIONAL, Lane.BULK)
"""The order in which a worker looks for work."""


CONNECTED_WITHIN_S, ANSWERED_WITHIN_S = 2, 5
"""How long a provider is waited for, connected and then for each answer."""

BEGUN_WITHIN = timedelta(seconds=8)
"""No call to a provider is begun later than this after the first one of a step."""

LONGEST_CALL = timedelta(seconds=10)
"""A call to a provider is over by then, whatever it does."""

SPARE = timedelta(seconds=5)
"""For the commit, and for clocks that differ."""

A_HAND_OVER = BEGUN_WITHIN + LONGEST_CALL + SPARE
"""What must be left of a lease for a call to begin: a longer call would be made by another worker too."""


QUICK = timedelta(milliseconds=500)
"""An item that took no longer waited for nobody outside, or for somebody who answers at once."""


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """How a worker treats one lane.

    `lease` is how long a claimed item stays out of other workers' sight. `ahead` is how many items are claimed before a
    thread is free for them while the lane's items are `QUICK`, `ahead_when_slow` how many while they are not: another
    worker may have a free thread.
    """

    lease: timedelta
    max_attempts: int
    ahead: int
    ahead_when_slow: int
    backoff: Backoff


POLICIES: Mapping[Lane, LanePolicy] = {
    Lane.INCIDENT: LanePolicy(
        lease=timedelta(seconds=32),
        max_attempts=10,
        ahead=56,
        ahead_when_slow=56,  # while sends hang, timers go on: they need no thread of the sends
        backoff=Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=30)),
    ),
    Lane.TRANSACTIONAL: LanePolicy(
        lease=timedelta(seconds=40),
        max_attempts=8,
        ahead=24,
        ahead_when_slow=0,
        backoff=Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=10)),
    ),
    Lane.BULK: LanePolicy(
        lease=timedelta(seconds=40),
        max_attempts=6,
        ahead=24,
        ahead_when_slow=0,
        backoff=Backoff(first=timedelta(seconds=5), longest=timedelta(hours=1)),
    ),
}
