"""Sentiment and language detection by Amazon Comprehend.

https://docs.aws.amazon.com/comprehend/latest/APIReference/API_DetectSentiment.html
https://docs.aws.amazon.com/comprehend/latest/APIReference/API_DetectDominantLanguage.html
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from service.aws import Clients, choices_of
from service.core import Tag, best_match, parse_tag
from service.language.aws.asking import asked
from service.language.protocols import (
    MIN_DETECT_CHARACTERS,
    Detected,
    LanguageUnknown,
    SentimentScore,
    check_length,
)

if TYPE_CHECKING:
    from mypy_boto3_comprehend.type_defs import SentimentScoreTypeDef

SHARE = Decimal("0.000001")


class ComprehendSentiment:
    """`Sentiment` by DetectSentiment, in the languages that its model lists."""

    def __init__(self, clients: Clients) -> None:
        self._client = clients.get("comprehend")
        self._languages = tuple(parse_tag(code) for code in choices_of(self._client, "DetectSentiment", "LanguageCode"))

    def score(self, text: str, language: Tag, /) -> SentimentScore:
        """Score a text; refused in a language that Comprehend does not know."""
        check_length(text)
        known = best_match(language, self._languages)
        if known is None:
            raise LanguageUnknown(f"Comprehend knows no sentiment in {language}: let a person review the message")
        # A literal type of 12 codes, which `choices` has just read from the model itself.
        code: str = str(known)
        return asked(
            "Comprehend",
            lambda: _score(self._client.detect_sentiment(Text=text, LanguageCode=code)["SentimentScore"]),  # type: ignore[arg-type]
        )


class ComprehendDetector:
    """`Detector` by DetectDominantLanguage."""

    def __init__(self, clients: Clients) -> None:
        self._client = clients.get("comprehend")

    def detect(self, text: str, /) -> Detected | None:
        """The dominant language, or None below `MIN_DETECT_CHARACTERS`."""
        if len(text.strip()) < MIN_DETECT_CHARACTERS:
            return None
        check_length(text)
        return asked("Comprehend", lambda: self._dominant(text))

    def _dominant(self, text: str) -> Detected | None:
        languages = self._client.detect_dominant_language(Text=text)["Languages"]
        dominant = max(languages, key=lambda language: language["Score"], default=None)
        return None if dominant is None else Detected(parse_tag(dominant["LanguageCode"]), float(dominant["Score"]))


def _score(shares: SentimentScoreTypeDef) -> SentimentScore:
    """Comprehend's single-precision shares, made to sum to exactly 1 by correcting the largest."""
    exact = {name: Decimal(str(shares[name])).quantize(SHARE) for name in ("Positive", "Negative", "Neutral", "Mixed")}
    exact[max(exact, key=exact.__getitem__)] += 1 - sum(exact.values())
    return SentimentScore(exact["Positive"], exact["Negative"], exact["Neutral"], exact["Mixed"])
