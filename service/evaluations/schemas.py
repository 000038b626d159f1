"""The shapes of evaluation requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from service.http import Body, Shown
from service.rulesets import instant_of


def _as_of(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('write it as text: "2026-05-10" or "2026-05-10T09:00:00Z"')  # noqa: TRY004 - pydantic's way
    return instant_of(value)


AsOf = Annotated[datetime, BeforeValidator(_as_of)]
"""An instant (RFC 3339 with its zone), or a date, which means its first instant in UTC."""


class Context(Body):
    """What an app says about its request; nothing of it is a fact."""

    request_id: Annotated[
        str | None,
        Field(pattern=r"^[\x21-\x7e]{1,128}$", description="Names the request in the audit; echoed as X-Request-Id."),
    ] = None
    timestamp: Annotated[str | None, Field(max_length=255, description="Opaque; kept in the audit as it came.")] = None
    as_of: Annotated[
        AsOf | None,
        Field(description="Decide with the version and the `today` of this instant, an RFC 3339 time or a date."),
    ] = None


class EvaluationRequest(Body):
    """Facts to decide about, as nested JSON, and, if the app likes, their context."""

    request: Annotated[Mapping[str, object], Field(description='The facts: `driver.age` is `{"driver": {"age": …}}`.')]
    context: Context = Context()


class DryRunRequest(Body):
    """Facts to decide about without consequences: with a published version, a draft, or the active version."""

    request: Annotated[Mapping[str, object], Field(description="The facts, as nested JSON.")]
    version: Annotated[int | None, Field(ge=1, description="A published version instead of the active one.")] = None
    source: Annotated[str | None, Field(description="A rule file's text instead of a published version.")] = None
    as_of: Annotated[AsOf | None, Field(description="The instant that is taken for now.")] = None


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
    outcomes: tuple[Mapping[str, object], ...]
    explanation: Mapping[str, object] | None = None


class OutcomeState(StrEnum):
    """How far something that rules asked for got.

    `done`: what it opened stands on its own; `dead`: no attempts are left, see `tocsin dead list`.
    """

    WAITS = "waits"
    WAITS_FOR_REVIEW = "waits_for_review"
    DONE = "done"
    DEAD = "dead"


class ShownOutcome(Shown):
    """Something that rules asked for, and how far it got."""

    id: str
    outcome: Mapping[str, object]
    state: OutcomeState


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
    explanation: Mapping[str, object] | None = None


class DryRunAnswer(Shown):
    """What would be answered, and why; `ruleset.version` is null for a draft."""

    request_id: str
    ruleset: RulesetNamed
    fired: tuple[str, ...]
    result: Mapping[str, object]
    outcomes: tuple[Mapping[str, object], ...]
    explanation: Mapping[str, object]


class Policy(Shown):
    """The policy alone, as the ancestor answers it; the premium is a number."""

    id: str | None
    premium: float
