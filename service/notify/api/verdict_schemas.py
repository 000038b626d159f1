"""Models of judgements: how a text feels, what the rules decided, what a reviewer decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from service.http import DescribedAs, Shown
from service.notify.model import Decision


class ShownShares(Shown):
    """The share of each feeling in a text: decimal numbers as text, together 1."""

    Positive: str
    Negative: str
    Neutral: str
    Mixed: str


class ShownSentiment(Shown):
    """How a text feels, in the shape of Amazon Comprehend; empty where it could not be judged."""

    Sentiment: Literal["POSITIVE", "NEGATIVE", "NEUTRAL", "MIXED"] | None = None
    SentimentScore: ShownShares | None = None


class ShownVerdict(Shown):
    """What the sentiment rules decided: `harm` (0 to 1, as text) is how likely the text hurts, `worst` the passage."""

    fired: Sequence[str]
    ruleset_version: int | None
    reason: str | None
    harm: str | None = None
    worst: str | None = None


class ShownDecisionOfReview(Shown):
    """What a reviewer decided."""

    decision: Decision
    reason: str
    by: str
    at: datetime


DescribedSentiment = Annotated[Mapping[str, object], DescribedAs(ShownSentiment)]
DescribedDecision = Annotated[Mapping[str, object], DescribedAs(ShownVerdict)]
