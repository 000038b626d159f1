"""Testing events: one, or a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from flask import Blueprint
from pydantic import Field, ValidationError

from service.core import Scope
from service.evaluations.candidates import CandidateChoice
from service.evaluations.event_trials import EventTest, EventTests
from service.evaluations.problems import as_problems
from service.evaluations.schemas import DRIVER, AsOf, DescribedOutcome, RulesetNamed
from service.http import (
    JSON,
    Body,
    Caller,
    Format,
    ProblemType,
    Shown,
    endpoint,
    invalid_model,
    json_document,
    shown_by,
)
from service.rulesets import MAX_FILE_BYTES, Paged, TrialPlaces

MAX_EVENTS = 200
"""Events in one call."""


class EventBatch(Body):
    """Events to test; one alone may also be sent without the wrapping."""

    model_config = shown_by({"events": [DRIVER]})

    events: Annotated[
        Sequence[object],
        Field(
            min_length=1,
            max_length=MAX_EVENTS,
            description="Each holds the facts, or is an EventBridge envelope whose `detail` holds them.",
        ),
    ]
    version: Annotated[int | None, Field(ge=1, description="A published version instead of the active one.")] = None
    source: Annotated[str | None, Field(description="A rule file's text instead of a published version.")] = None
    as_of: Annotated[AsOf | None, Field(description="The instant that is taken for now.")] = None


class EventFault(Shown):
    """What is wrong with an event."""

    path: str
    message: str


class WhyNot(Shown):
    """A rule that was near to firing, and the comparisons that kept it from that, in sentences."""

    rule: str
    because: tuple[str, ...]


class EventResult(Shown):
    """What became of an event.

    `matched`: rules fired, `result` is the payload as they left it. `not_matched`: `why_not` says what kept the nearest
    rules from firing. `error`: the event does not fit the ruleset, `errors` says where.
    """

    event_id: str | None
    status: Literal["matched", "not_matched", "error"]
    fired: tuple[str, ...]
    result: Mapping[str, object] | None
    outcomes: tuple[DescribedOutcome, ...]
    why_not: tuple[WhyNot, ...]
    errors: tuple[EventFault, ...]


class EventResults(Shown):
    """The results of a call, in the order of its events."""

    ruleset: RulesetNamed
    matched: int
    not_matched: int
    error: int
    items: tuple[EventResult, ...]


class KeptResult(EventResult):
    """A result as it is listed later."""

    ruleset: RulesetNamed
    app: str
    at: str
    sampled: Annotated[bool, Field(description="Whether it was taken from live traffic.")] = False
    request_id: Annotated[str | None, Field(description="The live request that it was taken from.")] = None


class KeptResults(Shown):
    """Results, newest first."""

    items: tuple[KeptResult, ...]
    next_cursor: str | None


def blueprint(tests: EventTests, places: TrialPlaces) -> Blueprint:
    """Testing events, and what was found."""
    routes = Blueprint("event tests", __name__)
    _add_test(routes, tests, places)
    _add_list(routes, tests)
    return routes


def _add_test(routes: Blueprint, tests: EventTests, places: TrialPlaces) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/rulesets/<name>/test-events",
        summary="Test events against the rules",
        scope=Scope.RULES_READ,
        body=[Format(JSON, _read, EventBatch)],
        body_limit=MAX_FILE_BYTES,
        creates=True,
        answers={200: EventResults},
        problems=[ProblemType.TOO_MANY_REQUESTS],
    )
    def test_events(name: str, body: EventBatch, caller: Caller) -> EventResults:
        """Say for each event whether rules match it, why not, or what is wrong with it; nothing is carried out.

        Send `{"events": [...]}`, or one event alone: its facts, or an EventBridge envelope around them. Results are
        kept for 30 days, and the audit has each event as a dry run.
        """
        which = CandidateChoice(name, body.version, body.source)
        test = EventTest(caller.resource_id, which, body.events, caller.request_id, caller.app, body.as_of)
        with places.place(caller.key_id, body.source), as_problems():
            asked, results = tests.run(test)
        items = tuple(EventResult.model_validate(result) for result in results)
        counts = {status: sum(item.status == status for item in items) for status in STATUSES}
        return EventResults(ruleset=RulesetNamed.model_validate(asked.named()), items=items, **counts)


def _add_list(routes: Blueprint, tests: EventTests) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/rulesets/<name>/test-events",
        summary="List tested events",
        scope=Scope.RULES_READ,
        query=Paged,
        answers={200: KeptResults},
    )
    def list_test_events(name: str, query: Paged) -> KeptResults:
        """What became of the events that were tested in the last 30 days, newest first."""
        with as_problems():
            page = tests.listed(name, query.cursor, query.limit)
        return KeptResults(items=tuple(map(KeptResult.model_validate, page.items)), next_cursor=page.cursor)


STATUSES = ("matched", "not_matched", "error")


def _read(raw: bytes) -> EventBatch:
    document = json_document(raw)
    wrapped = isinstance(document, Mapping) and isinstance(document.get("events"), list)
    try:
        return EventBatch.model_validate(document if wrapped else {"events": [document]})
    except ValidationError as error:
        raise invalid_model(error) from error
