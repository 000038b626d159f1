"""Facts that are computed before deciding: how a text feels."""

from __future__ import annotations

from dataclasses import dataclass

from service.core import Tag, Unavailable
from service.decide import Derived, Facts, Ruleset, facts
from service.language import SURE, Detector, LanguageUnknown, Sentiment, SentimentScore, TextTooLong

ENGLISH = Tag("en")
"""The language that a text is scored in where nobody can tell which it is in: a few words, or none at all."""


class NoSentiment(Unavailable):
    """The ruleset asks how a text feels, and nothing here can tell."""


@dataclass(frozen=True, slots=True)
class InItsOwnLanguage:
    """`Sentiment` for texts whose language nobody declared: it is detected, and the text scored in it."""

    sentiment: Sentiment
    detector: Detector

    def score(self, text: str, language: Tag, /) -> SentimentScore:
        """As the service scores; in `language` only where the detector is not sure."""
        detected = self.detector.detect(text) if text.strip() else None
        is_sure = detected is not None and detected.confidence >= SURE
        return self.sentiment.score(text, detected.language if detected is not None and is_sure else language)


def derived(ruleset: Ruleset, given: Facts, sentiment: Sentiment | None) -> Facts:
    """`given` with the sentiments that the ruleset declares and the request does not bring.

    `NoSentiment` without a service; `FactsRefused` for a text that is too long, or in a language that the service does
    not know: it is never scored as if it were in another.
    """
    for derivation in facts.underived(ruleset, given):
        if sentiment is None:
            raise NoSentiment(
                f"{derivation.path} cannot be computed: no sentiment service is configured (`tocsin doctor`)"
            )
        scores = _scored(sentiment, derivation, str(given[derivation.source])).by_label()
        label = max(scores, key=scores.__getitem__)
        by_name = {name.lower(): share for name, share in scores.items()}
        given = facts.derive(given, derivation, label.capitalize(), by_name)
    return given


def _scored(sentiment: Sentiment, wanted: Derived, text: str) -> SentimentScore:
    try:
        return sentiment.score(text, ENGLISH)
    except TextTooLong as error:
        raise facts.FactsRefused((facts.FactError(wanted.source, str(error)),)) from error
    except LanguageUnknown as error:
        message = f"{error}; or send how it feels with the request ({wanted.path}.label, .positive, …)"
        raise facts.FactsRefused((facts.FactError(wanted.source, message),)) from error


def computed(ruleset: Ruleset, given: Facts) -> dict[str, str]:
    """The derived facts with their values as text, for the audit."""
    prefixes = tuple(f"{derivation.path}." for derivation in ruleset.derived)
    return {path: str(value) for path, value in given.items() if prefixes and path.startswith(prefixes)}
