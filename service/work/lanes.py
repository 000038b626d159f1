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
"""How long a provider is waited for, connected and then for each answer."""

BEGUN_WITHIN = timedelta(seconds=8)
"""No call to a provider is begun later than this after the first one of a step."""

LONGEST_CALL = timedelta(seconds=10)
"""A call to a provider is over by then, whatever it does."""

SPARE = timedelta(seconds=5)
"""For the commit, and for clocks that differ."""

A_HAND_OVER = BEGUN_WITHIN + LONGEST_CALL + SPARE
"""What must be left of a lease for calls to be begun: one that outlasted it would be made by another worker too."""


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """How a worker treats one lane.

    `lease` is how long a claimed item stays out of other workers' sight. `ahead` is how many items are claimed before a
    thread is free for them (0: only as many as can start at once). `leaves` is how many threads this lane never
    occupies, so that a more urgent lane finds one although every send of this lane hangs.
    """

    lease: timedelta
    max_attempts: int
    ahead: int
    leaves: int
    backoff: Backoff


POLICIES: Mapping[Lane, LanePolicy] = {
    Lane.INCIDENT: LanePolicy(
        lease=timedelta(seconds=32),
        max_attempts=10,
        ahead=64,
        leaves=0,
        backoff=Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=30)),
    ),
    Lane.TRANSACTIONAL: LanePolicy(
        lease=timedelta(seconds=40),
        max_attempts=8,
        ahead=0,
        leaves=1,
        backoff=Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=10)),
    ),
    Lane.BULK: LanePolicy(
        lease=timedelta(seconds=40),
        max_attempts=6,
        ahead=0,
        leaves=2,
        backoff=Backoff(first=timedelta(seconds=5), longest=timedelta(hours=1)),
    ),
}
