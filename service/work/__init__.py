"""Work: items that are due are claimed, handled and saved, lane by lane, most urgent first."""

from service.work.breaker import CallAllowed, CallDenied
from service.work.breakers import PROBED_WITHIN, Breakers, BreakerView
from service.work.dead import (
    INDEX,
    DeadItem,
    NotDead,
    alive,
    all_dead_items,
    dead_items,
    dead_items_of_all,
    redrive,
    still_dead,
)
from service.work.lanes import (
    A_HAND_OVER,
    ANSWERED_WITHIN_S,
    BEGUN_WITHIN,
    BY_URGENCY,
    CONNECTED_WITHIN_S,
    LONGEST_CALL,
    POLICIES,
    LanePolicy,
)
from service.work.limits import LONGEST_REST, LimitKind
from service.work.pauses import LOOK, LanePauses, Pause
from service.work.rates import slot_of, wait_until_booked
from service.work.registry import FOR_EVER, BatchHandler, Handler, HandlerRegistry, OnDead, TaskHandler
from service.work.retry import Backoff, Permanent, RetryLater, asked_wait
from service.work.tasks import Commit, Task, finished, joined, postponed, waiting
from service.work.vitals import Heartbeat, Thresholds, Vitals, checks_of_lanes, silence
from service.work.worker import DONE, Worker

__all__ = [
    "ANSWERED_WITHIN_S",
    "A_HAND_OVER",
    "BEGUN_WITHIN",
    "BY_URGENCY",
    "CONNECTED_WITHIN_S",
    "DONE",
    "FOR_EVER",
    "INDEX",
    "LONGEST_CALL",
    "LONGEST_REST",
    "LOOK",
    "POLICIES",
    "PROBED_WITHIN",
    "Backoff",
    "BatchHandler",
    "BreakerView",
    "Breakers",
    "CallAllowed",
    "CallDenied",
    "Commit",
    "DeadItem",
    "Handler",
    "HandlerRegistry",
    "Heartbeat",
    "LanePauses",
    "LanePolicy",
    "LimitKind",
    "NotDead",
    "OnDead",
    "Pause",
    "Permanent",
    "RetryLater",
    "Task",
    "TaskHandler",
    "Thresholds",
    "Vitals",
    "Worker",
    "alive",
    "all_dead_items",
    "asked_wait",
    "checks_of_lanes",
    "dead_items",
    "dead_items_of_all",
    "finished",
    "joined",
    "postponed",
    "redrive",
    "silence",
    "slot_of",
    "still_dead",
    "wait_until_booked",
    "waiting",
]
