"""What each process adds to the pulse."""

from __future__ import annotations

from service.core import Clock, PeriodicTask
from service.http import metrics as http_metrics
from service.operations import pulse
from service.operations.pulse import PulseRecorder, counted_by
from service.rulesets import metrics as ruleset_metrics
from service.storage import Store
from service.work import DONE, Vitals


def of_api(store: Store, clock: Clock) -> PeriodicTask:
    """An API process counts calls, those that failed, and decisions."""
    totals = {
        "requests": counted_by(http_metrics.REQUESTS, route="/v1/"),
        "failures": counted_by(http_metrics.REQUESTS, route="/v1/", status="5"),
        "decisions": counted_by(ruleset_metrics.DECISIONS),
    }
    return _task(PulseRecorder(store, clock, totals))


def of_worker(store: Store, clock: Clock) -> PeriodicTask:
    """A worker counts what it has done and decided, and looks how late the lanes are."""
    totals = {"work": counted_by(DONE), "decisions": counted_by(ruleset_metrics.DECISIONS)}
    return _task(PulseRecorder(store, clock, totals, Vitals(store, clock).overdue))


def _task(recorder: PulseRecorder) -> PeriodicTask:
    return PeriodicTask("adding to the pulse", pulse.EVERY, recorder.record)
