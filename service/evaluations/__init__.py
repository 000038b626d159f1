"""Evaluations: a request is decided by a ruleset, and what follows from it is done."""

from service.evaluations.bounds import MAX_EVENTS, MAX_TIME
from service.evaluations.candidates import CandidateChoice, candidate
from service.evaluations.dry_run import DryRuns
from service.evaluations.event_samples import EventSamples, NoSample
from service.evaluations.event_trial_routes import EventFault, WhyNot
from service.evaluations.event_trials import EventTest, EventTests, tested
from service.evaluations.flow import EvaluatedCall, Evaluations
from service.evaluations.past import PastEvaluations
from service.evaluations.policy import ReceivedRequest
from service.evaluations.problems import as_problems
from service.evaluations.reach import ReachCheck
from service.evaluations.schemas import DescribedOutcome, EvaluationRequest
from service.evaluations.sentiment import InItsOwnLanguage, derived

__all__ = [
    "MAX_EVENTS",
    "MAX_TIME",
    "CandidateChoice",
    "DescribedOutcome",
    "DryRuns",
    "EvaluatedCall",
    "EvaluationRequest",
    "Evaluations",
    "EventFault",
    "EventSamples",
    "EventTest",
    "EventTests",
    "InItsOwnLanguage",
    "NoSample",
    "PastEvaluations",
    "ReachCheck",
    "ReceivedRequest",
    "WhyNot",
    "as_problems",
    "candidate",
    "derived",
    "tested",
]
