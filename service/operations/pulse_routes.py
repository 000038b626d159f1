"""The pulse over HTTP: what was done in each of the last minutes, and how late the lanes were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Clock, Scope
from service.http import Query, Shown, endpoint
from service.operations.pulse import MinutePulse, pulse_of
from service.storage import Store


class PulseQuery(Query):
    """How far back."""

    minutes: Annotated[int, Field(ge=1, le=240, description="How many minutes, the present one included.")] = 60


class ShownMinute(Shown):
    """A minute: `requests` answered, `failures` among them (5xx), `decisions`, and items of `work` that workers did.

    `late` says by lane how many seconds its oldest item was late at most; a lane at which no worker looked is missing.
    """

    at: datetime
    requests: int
    failures: int
    decisions: int
    work: int
    late: Mapping[str, float]


class ShownPulse(Shown):
    """Minutes, oldest first; the last one is not over yet."""

    items: Sequence[ShownMinute]


def blueprint(store: Store, clock: Clock) -> Blueprint:
    """`GET /v1/pulse`."""
    routes = Blueprint("pulse", __name__)

    @endpoint(
        routes,
        "GET",
        "/v1/pulse",
        summary="Read what was done in the last minutes",
        scope=(Scope.ADMIN, Scope.AUDIT),
        query=PulseQuery,
        answers={200: ShownPulse},
    )
    def show_pulse(query: PulseQuery) -> ShownPulse:
        """Of all processes together, up to 15 seconds late. Kept for a day; `/metrics` has finer counts."""
        return ShownPulse(items=[_shown(*minute) for minute in pulse_of(store, clock.now(), query.minutes)])

    return routes


def _shown(at: datetime, pulse: MinutePulse) -> ShownMinute:
    counts = {name: pulse.counts.get(name, 0) for name in ("requests", "failures", "decisions", "work")}
    return ShownMinute(at=at, late=pulse.late, **counts)
