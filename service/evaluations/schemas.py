"""The shapes of evaluation requests and answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, RootModel

from service.evaluations.decided import AnyOutcome, ShownExplanation
from service.http import Body, DescribedAs, Shown, TextPattern, shown_by
from service.messages import CallbackRefused, check_url
from service.rulesets import instant_of


def _as_of(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('write it as text: "2026-05-10" or "2026-05-10T09:00:00Z"')  # noqa: TRY004 - pydantic's way
    try:
        return instant_of(value)
    except OverflowError as error:
        raise ValueError("write a time of the years 1 to 9999, in UTC too") from error
    except ValueError as error:
        raise ValueError('write it like "2026-05-10" or "2026-05-10T09:00:00Z"') from error


def _callback(url: str | None) -> str | None:
    try:
        if url is not None:
            check_url(url)
    except CallbackRefused as error:
        raise ValueError(str(error)) from error
    return url


AsOf = Annotated[datetime, BeforeValidator(_as_of)]
"""An instant (RFC 3339 with its zone), or a date, which means its first instant in UTC."""


DRIVER: JsonValue = {
    "driver": {"age": 18, "name": "Brian"},
    "car": {"make": "honda", "style": "SPORTS", "color": "RED"},
    "policy": {"id": "1231231", "premium": "300"},
}
"""Facts of the shipped ruleset `premium`."""


class BareFacts(RootModel[Mapping[str, object]]):
    """The facts alone."""

    model_config = shown_by(DRIVER)


class Context(Body):
    """What an app says about its request; nothing of it is a fact."""

    request_id: Annotated[
        str | None,
        Field(description="Names the request in the audit; echoed as X-Request-Id."),
        TextPattern(re.compile(r"^[\x21-\x7e]{1,128}\Z"), "must be 1 to 128 visible ASCII characters, without spaces"),
    ] = None
    timestamp: Annotated[str | None, Field(max_length=255, description="Opaque; kept in the audit as it came.")] = None
    as_of: Annotated[
        AsOf | None,
        Field(description="Decide with the version and the `today` of this instant, an RFC 3339 time or a date."),
    ] = None
    callback_url: Annotated[
        str | None,
        Field(max_length=2_000, description="Told of what becomes of it: reviews, incidents and notifications."),
        AfterValidator(_callback),
    ] = None


class EvaluationRequest(Body):
    """Facts to decide about, as nested JSON, and, if the app likes, their context."""

    model_config = shown_by({"context": {"request_id": "REQ-99999"}, "request": DRIVER})

    request: Annotated[Mapping[str, object], Field(description='The facts: `driver.age` is `{"driver": {"age": …}}`.')]
    context: Context = Context()


class DryRunRequest(Body):
    """Facts to decide about without consequences: with a published version, a draft, or the active version."""

    model_config = shown_by({"request": DRIVER})

    request: Annotated[Mapping[str, object], Field(description="The facts, as nested JSON.")]
    version: Annotated[int | None, Field(ge=1, description="A published version instead of the active one.")] = None
    source: Annotated[str | None, Field(description="A rule file's text instead of a published version.")] = None
    as_of: Annotated[AsOf | None, Field(description="The instant that is taken for now.")] = None


DescribedOutcome = Annotated[Mapping[str, object], DescribedAs(AnyOutcome)]
DescribedExplanation = Annotated[Mapping[str, object], DescribedAs(ShownExplanation)]


class RulesetNamed(Shown):
    """The version that decided."""

    name: str
    version: Annotated[int | None, Field(description="null for a draft in a dry run.")]
    sha256: str


class Evaluation(Shown):
    """The answer: which rules fired, the request with their changes, and what else they asked for."""

    request_id: str
    evaluation_id: str
    ruleset: RulesetNamed
    fired: tuple[str, ...]
    result: Mapping[str, object]
    outcomes: tuple[DescribedOutcome, ...]
    explanation: DescribedExplanation | None = None


class ShownRuling(Shown):
    """What a person decided about a flagged evaluation: a reviewer, or the contact of the incident that asked."""

    decision: Literal["approve", "reject"]
    reason: str
    by: str
    at: datetime
    via: str | None = None


class OutcomeState(StrEnum):
    """How far something that rules asked for got.

    `done`: what it opened stands on its own; `dead`: no attempts are left, see `tocsin dead list`.
    """

    WAITS = "waits"
    WAITS_FOR_REVIEW = "waits_for_review"
    DONE = "done"
    DEAD = "dead"


class ShownOutcome(Shown):
    """Something that rules asked for, how far it got, and what it became.

    `status` is that of the notification, the state of the incident, what the review decided, or whether the event was
    emitted; null while it waits. `review` says who decided, and why.
    """

    id: str
    outcome: DescribedOutcome
    state: OutcomeState
    status: str | None = None
    notification_id: str | None = None
    incident_id: str | None = None
    review: Annotated[Mapping[str, object], DescribedAs(ShownRuling)] | None = None


class PastEvaluation(Shown):
    """An evaluation as it stands in the audit: what was asked and answered, and what became of it.

    `request` and `answer` are the documents as they were received and answered; `explanation` is made anew by the
    version that decided.
    """

    evaluation_id: str
    request_id: str
    app: str
    via: str
    asked_at: datetime
    answered_at: datetime
    ruleset: RulesetNamed
    fired: tuple[str, ...]
    request: object
    answer: object
    outcomes: tuple[ShownOutcome, ...]
    explanation: DescribedExplanation | None = None


class DryRunAnswer(Shown):
    """What would be answered, and why; `ruleset.version` is null for a draft."""

    request_id: str
    ruleset: RulesetNamed
    fired: tuple[str, ...]
    result: Mapping[str, object]
    outcomes: tuple[DescribedOutcome, ...]
    explanation: DescribedExplanation


class Policy(Shown):
    """The policy alone, as the ancestor answers it; the premium is a number."""

    id: str | None
    premium: float
