"""Work: items that are due are claimed, handled and saved, lane by lane, most urgent first."""

from service.work.dead import DeadItem, NotDead, alive, all_dead_items, dead_items, dead_items_of_all, redrive
from service.work.lanes import A_HAND_OVER, BEGUN_WITHIN, BY_URGENCY, LONGEST_CALL, POLICIES, LanePolicy
from service.work.registry import FOR_EVER, Burial, Duty, Handler, Registry, Together
from service.work.retry import Permanent, RetryLater
from service.work.steps import Step, Task, finished, joined, postponed, waiting
from service.work.worker import Worker

__all__ = [
    "A_HAND_OVER",
    "BEGUN_WITHIN",
    "BY_URGENCY",
    "FOR_EVER",
    "LONGEST_CALL",
    "POLICIES",
    "Burial",
    "DeadItem",
    "Duty",
    "Handler",
    "LanePolicy",
    "NotDead",
    "Permanent",
    "Registry",
    "RetryLater",
    "Step",
    "Task",
    "Together",
    "Worker",
    "alive",
    "all_dead_items",
    "dead_items",
    "dead_items_of_all",
    "finished",
    "joined",
    "postponed",
    "redrive",
    "waiting",
]
