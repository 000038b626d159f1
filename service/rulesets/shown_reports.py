"""The shapes of what two versions decide otherwise: of all requests, and of those that were replayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from service.http import DescribedAs, Shown


class ShownRulePart(Shown):
    """The rule that decides, and what it does."""

    rule: str
    does: str


class ShownDiffChange(Shown):
    """Requests for which `before` becomes `after`, null standing for no rule.

    `where` describes their regions, `more` are not described, and `example` is a request of one of them.
    """

    before: ShownRulePart | None
    after: ShownRulePart | None
    where: Sequence[str]
    more: int
    example: Mapping[str, object]


class ShownDecisionDiff(Shown):
    """What changes for requests; `equivalent` if every one is decided alike, as far as is known."""

    equivalent: bool
    notes: Sequence[str]
    changes: Sequence[ShownDiffChange]
    more: int


class ShownRuleChange(Shown):
    """Requests on which the rules `from` fired and now `to` do; equal where only what they do has changed."""

    before: Annotated[Sequence[str], Field(serialization_alias="from")]
    after: Annotated[Sequence[str], Field(serialization_alias="to")]
    count: int
    samples: Annotated[Sequence[str], Field(description="Ids of the first requests.")]


class ShownAmountChange(Shown):
    """By how much a number changed, new less old: in how many requests, and the sum, mean and largest as text."""

    changed: int
    sum: str
    mean: str
    largest: str


class ShownRequestSample(Shown):
    """One request, and why it is not decided."""

    request_id: str
    why: str | None = None


class ShownRequestGroup(Shown):
    """Some requests: how many, and the first of them."""

    count: int
    samples: Sequence[ShownRequestSample]


class ShownReplayReport(Shown):
    """What was counted of the requests replayed so far, the most frequent changes first.

    `refused` were decided by the old version and are not by the new one; `newly_uncovered` fired a rule and fire none;
    `not_compared` are not decided by the old version itself, and `newly_decided` are those of them that the new one
    decides.
    """

    requests: int
    changed: int
    changes: Sequence[ShownRuleChange]
    other_changes: int
    amounts: Annotated[Mapping[str, ShownAmountChange], Field(description="By the path of the fact.")]
    values: Annotated[Mapping[str, int], Field(description="How often another fact changed, by its path.")]
    outcomes_changed: int
    refused: ShownRequestGroup
    newly_uncovered: ShownRequestGroup
    not_compared: ShownRequestGroup
    newly_decided: int


class ShownRecentReplay(Shown):
    """The latest recorded requests, replayed against a version; `complete` if all up to now were."""

    against: int
    since: Annotated[datetime, Field(serialization_alias="from")]
    until: Annotated[datetime, Field(serialization_alias="to")]
    complete: bool
    report: ShownReplayReport


DescribedDiff = Annotated[Mapping[str, object], DescribedAs(ShownDecisionDiff)]
DescribedReport = Annotated[Mapping[str, object], DescribedAs(ShownReplayReport)]
DescribedReplay = Annotated[Mapping[str, object], DescribedAs(ShownRecentReplay)]
