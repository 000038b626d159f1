"""Testing events that are taken from live traffic: begin, look, stop."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Clock, Scope
from service.evaluations.bounds import MAX_EVENTS, MAX_TIME
from service.evaluations.candidates import CandidateChoice
from service.evaluations.event_samples import EventSamples, SampleCounts
from service.evaluations.problems import as_problems
from service.http import Answer, Body, Caller, Shown, endpoint, shown_by

PATH = "/v1/rulesets/<name>/test-events/sample"


class SampleRequest(Body):
    """How many of the live requests to test, and with which rules."""

    model_config = shown_by({"share": 10, "events": 100})

    share: Annotated[int, Field(ge=1, le=100, description="Of a hundred live requests, chosen by request id.")]
    version: Annotated[int | None, Field(ge=1, description="A published version instead of the active one.")] = None
    events: Annotated[int, Field(ge=1, le=MAX_EVENTS, description="It ends when so many were tested.")] = 100
    seconds: Annotated[
        int, Field(ge=1, le=int(MAX_TIME.total_seconds()), description="It ends after this time at the latest.")
    ] = 3_600


class ShownSample(Shown):
    """A sampling and what became of its events so far; `skipped` ones could not be tested."""

    ruleset: str
    version: int | None
    share: int
    events: int
    until: str
    by: str
    since: str
    running: bool
    matched: int
    not_matched: int
    error: int
    skipped: int


def blueprint(samples: EventSamples, clock: Clock) -> Blueprint:
    """The three calls; results are listed with those of other tested events."""
    routes = Blueprint("event samples", __name__)

    @endpoint(
        routes,
        "POST",
        PATH,
        summary="Test a share of the live requests",
        scope=Scope.RULES_WRITE,
        body=SampleRequest,
        creates=True,
        answers={201: ShownSample},
    )
    def begin_sample(name: str, body: SampleRequest, caller: Caller) -> Answer:
        """Test live requests after they came in, without any consequence, until there are enough or the time is over.

        Which requests are in the share depends on their ids alone. An earlier sampling of the ruleset ends. Results
        are listed by `GET /v1/rulesets/{name}/test-events`, each with the id of its request.
        """
        with as_problems():
            which, lasting = CandidateChoice(name, body.version), timedelta(seconds=body.seconds)
            begun = samples.begin(which, body.share, body.events, lasting, caller.app)
        return Answer(_shown(begun, clock))

    @endpoint(
        routes,
        "GET",
        PATH,
        summary="How far the sampling of live requests is",
        scope=Scope.RULES_READ,
        answers={200: ShownSample},
    )
    def read_sample(name: str) -> ShownSample:
        """Counts since it began, a second or two behind the requests."""
        with as_problems():
            return _shown(samples.sampled(name), clock)

    @endpoint(
        routes,
        "DELETE",
        PATH,
        summary="Stop sampling live requests",
        scope=Scope.RULES_WRITE,
        answers={204: None},
    )
    def stop_sample(name: str) -> Answer:
        """Take no more live requests and forget the counts; results stay listed."""
        with as_problems():
            samples.stop(name)
        return Answer(status=HTTPStatus.NO_CONTENT)

    return routes


def _shown(sampled: SampleCounts, clock: Clock) -> ShownSample:
    return ShownSample.model_validate(sampled.as_json(clock.now()))
