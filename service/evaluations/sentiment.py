"""Facts that are computed before deciding: how a text feels."""

from __future__ import annotations

from service.decide import facts
from service.decide.ruleset import Facts, Ruleset
from service.errors import Unavailable
from service.language import Sentiment, SentimentScore, TextTooLong
from service.tags import Tag

ENGLISH = Tag("en")
"""The language a text is scored in when the ruleset does not say."""


class NoSentiment(Unavailable):
    """The ruleset asks how a text feels, and nothing here can tell."""


def derived(ruleset: Ruleset, given: Facts, sentiment: Sentiment | None) -> Facts:
    """`given` with the sentiments that the ruleset declares and the request does not bring.

    `NoSentiment` without a service; `FactsRefused` for a text that is too long to be scored.
    """
    for one in facts.underived(ruleset, given):
        if sentiment is None:
            raise NoSentiment(f"{one.path} cannot be computed: no sentiment service is configured (`tocsin doctor`)")
        scores = _scored(sentiment, one.source, str(given[one.source])).by_label()
        label = max(scores, key=scores.__getitem__)
        by_name = {name.lower(): share for name, share in scores.items()}
        given = facts.derive(given, one, label.capitalize(), by_name)
    return given


def _scored(sentiment: Sentiment, path: str, text: str) -> SentimentScore:
    try:
        return sentiment.score(text, ENGLISH)
    except TextTooLong as error:
        raise facts.FactsRefused((facts.FactError(path, str(error)),)) from error


def computed(ruleset: Ruleset, given: Facts) -> dict[str, str]:
    """The derived facts with their values as text, for the audit."""
    prefixes = tuple(f"{one.path}." for one in ruleset.derived)
    return {path: str(value) for path, value in given.items() if prefixes and path.startswith(prefixes)}
