"""Testing events against the mappings over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from flask import Blueprint
from pydantic import Field

from service.core import Scope
from service.evaluations import DescribedOutcome, EventFault, WhyNot
from service.http import Body, Caller, FieldError, Shown, endpoint, invalid, shown_by
from service.intake.events.file import parse
from service.intake.events.mappings import Mappings
from service.intake.mapped_events import MappedEvents
from service.rulesets import TrialPlaces

MAX_SOURCE = 1_000_000
"""Characters of a file of mappings that comes with its events."""

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a call: the file in characters of several bytes, and the events."""

MOST_EVENTS = 200
"""Events in one call."""

MOST_FINDINGS = 100
"""Mistakes of a file of mappings that an answer lists."""

STATUSES = ("matched", "not_matched", "unmapped", "error")


class MappedEventBatch(Body):
    """Events as the intake queue gets them, and the mappings to try instead of those of this installation."""

    model_config = shown_by(
        {"events": [{"source": "kitchen.menu", "detail-type": "Menu Changed", "detail": {"place": "berlin"}}]}
    )

    events: Annotated[Sequence[object], Field(min_length=1, max_length=MOST_EVENTS)]
    source: Annotated[str | None, Field(max_length=MAX_SOURCE, description="The text of a file of mappings.")] = None


class MappedEventResult(Shown):
    """What would become of an event.

    `unmapped`: no mapping is for it, and `nearest` says which misses it by what. Else `becomes` names what it asks for
    and `body` is that request. `matched`, `not_matched` and `error` are the ruleset's verdict as its own test gives it;
    a notification or an incident is matched unless `errors` say why it would be refused.
    """

    event_id: str | None = None
    status: Literal["matched", "not_matched", "unmapped", "error"]
    becomes: str | None = None
    body: Mapping[str, object] | None = None
    nearest: tuple[str, ...] = ()
    fired: tuple[str, ...]
    result: Mapping[str, object] | None
    outcomes: tuple[DescribedOutcome, ...]
    why_not: tuple[WhyNot, ...]
    errors: tuple[EventFault, ...]


class MappedEventResults(Shown):
    """The results of a call, in the order of its events."""

    matched: int
    not_matched: int
    unmapped: int
    error: int
    items: tuple[MappedEventResult, ...]


def blueprint(events: MappedEvents, current: Callable[[], Mappings], places: TrialPlaces) -> Blueprint:
    """The call that tries events with the mappings."""
    routes = Blueprint("intake", __name__)

    @endpoint(
        routes,
        "POST",
        "/v1/intake/test-events",
        summary="Test events against the mappings",
        scope=Scope.RULES_READ,
        body=MappedEventBatch,
        body_limit=MAX_BODY,
        answers={200: MappedEventResults},
    )
    def test_mapped_events(body: MappedEventBatch, caller: Caller) -> MappedEventResults:
        """Say for each event which mapping of `rules/events.yaml` is for it, what it becomes, and what would be done.

        Nothing is carried out or kept. The events are those that the intake queue gets, envelope and all.
        """
        with places.place(caller.key_id, body.source):
            mappings = current() if body.source is None else read_mappings(body.source)
            items = [MappedEventResult.model_validate(events.tried(each, mappings)) for each in body.events]
        counts = {status: sum(item.status == status for item in items) for status in STATUSES}
        return MappedEventResults(items=tuple(items), **counts)

    return routes


def read_mappings(source: str) -> Mappings:
    """The mappings of a file's text, or 422 with what is wrong with it first."""
    parsed = parse(source)
    if parsed.mappings is None:
        listed = parsed.findings[:MOST_FINDINGS]
        raise invalid([FieldError("source", f"line {each.at.line}: {each.message}") for each in listed])
    return replace(parsed.mappings, where="the source")
