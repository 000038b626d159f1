"""Evaluations: a request is decided by a ruleset, and what follows from it is done."""

from service.evaluations.bounds import MAX_EVENTS, MAX_TIME
from service.evaluations.candidates import Which
from service.evaluations.dry_run import DryRuns
from service.evaluations.event_samples import EventSamples, NoSample
from service.evaluations.event_trials import EventTest, EventTests
from service.evaluations.flow import Evaluated, Evaluations
from service.evaluations.past import PastEvaluations
from service.evaluations.policy import Received
from service.evaluations.reach import Reach
from service.evaluations.refusals import as_problems
from service.evaluations.schemas import EvaluationRequest
from service.evaluations.sentiment import InItsOwnLanguage, derived

__all__ = [
    "MAX_EVENTS",
    "MAX_TIME",
    "DryRuns",
    "Evaluated",
    "EvaluationRequest",
    "Evaluations",
    "EventSamples",
    "EventTest",
    "EventTests",
    "InItsOwnLanguage",
    "NoSample",
    "PastEvaluations",
    "Reach",
    "Received",
    "Which",
    "as_problems",
    "derived",
]
