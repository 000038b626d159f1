"""Whether a message may go out: how it feels, whom it would hurt, and what the sentiment rules make of that.

Nothing goes out unread because a service is down: what cannot be scored or decided is held for a person. Two kinds are
not judged: what goes out in the incident lane, for a page never waits, and templates, whose words administrators chose.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from service.core import Clock, Lane, TocsinError, Unavailable, parse_tag
from service.decide import AcceptanceWanted, Flagged, Outcome, Rejected, facts
from service.language import Sentiment, SentimentScore, Tone, ToneScore, words_of, words_to_judge
from service.notify.model import Notification, SourceMessage, Status, Verdict
from service.rulesets import ActiveVersions

RULESET = "sentiment"
"""The ruleset that accepts, flags or rejects messages; it may do nothing else."""

PATIENCE = 3
"""Attempts at scoring before the message is held for review."""

QUOTED = 200
"""Characters of the worst passage that a reason may quote."""

_SCALE = Decimal("0.0001")

_STRICTNESS = (Status.APPROVED, Status.HELD_FOR_REVIEW, Status.REJECTED)


@dataclass(frozen=True, slots=True)
class Validation:
    """Scores messages and asks the sentiment rules."""

    sentiment: Sentiment
    tone: Tone
    live: ActiveVersions
    clock: Clock

    def judged(self, notification: Notification, attempts: int) -> Notification:
        """The notification approved, held or rejected. Raises `Unavailable` while trying again is worth it."""
        if notification.lane is Lane.INCIDENT or notification.message.template is not None:
            return notification.moved(Status.APPROVED)
        try:
            status, verdict = self._judge(notification.message)
        except Unavailable as error:
            if attempts < PATIENCE:
                raise
            status, verdict = _held(error)
        except TocsinError as error:
            status, verdict = _held(error)
        return notification.judged(status, verdict)

    def _judge(self, message: SourceMessage) -> tuple[Status, Verdict]:
        """The strictest ruling on the source and on each of the author's own translations."""
        rulings = [self._ruled(words, language) for words, language in said_in_languages(message)]
        return max(rulings, key=lambda ruling: _STRICTNESS.index(ruling[0]))

    def _ruled(self, words: str, language: str) -> tuple[Status, Verdict]:
        score = self.sentiment.score(words_of(words), parse_tag(language))
        tone = self.tone.judge(words_to_judge(words))
        now = self.clock.now()
        serving = self.live.at(RULESET, now)
        request = {"message": {**_shares(score), **_harm(tone), "language": language}}
        decision = serving.decide(facts.read(serving.ruleset, request, now.date()))
        status, reason = _ruling(decision.outcomes)
        version = serving.version.number
        return status, Verdict(score.as_comprehend(), decision.fired, version, reason, tone.harm, _quoted(tone))


def said_in_languages(message: SourceMessage) -> Sequence[tuple[str, str]]:
    """The words that are judged, each with its language: the source first, then the author's own translations."""
    texts = [text for text in (message.subject, message.sms) if text]
    translated = [
        (". ".join(translations[text] for text in texts if text in translations), language)
        for language, translations in message.translations.items()
    ]
    return [(said_aloud(message), message.language), *translated]


def said_aloud(message: SourceMessage) -> str:
    """The words that are judged: the subject and the text."""
    return f"{message.subject}. {message.sms}" if message.subject else message.sms


def _shares(score: SentimentScore) -> dict[str, object]:
    """Rounded down, so that 0.49999 stays below a half."""
    return {label.lower(): share.quantize(_SCALE, ROUND_DOWN) for label, share in score.by_label().items()}


def _harm(tone: ToneScore) -> dict[str, object]:
    return {"harm": tone.harm, "worst": _quoted(tone)}


def _quoted(tone: ToneScore) -> str:
    """Enough of the worst passage to recognise it."""
    return textwrap.shorten(tone.worst, QUOTED, placeholder=" …")


def _ruling(outcomes: tuple[Outcome, ...]) -> tuple[Status, str | None]:
    """The strictest outcome counts; rules that say nothing leave the message to a person."""
    for outcome in outcomes:
        if isinstance(outcome, Rejected):
            return Status.REJECTED, outcome.reason
    for outcome in outcomes:
        if isinstance(outcome, Flagged):
            return Status.HELD_FOR_REVIEW, outcome.reason
    if any(isinstance(outcome, AcceptanceWanted) for outcome in outcomes):
        return Status.APPROVED, None
    return Status.HELD_FOR_REVIEW, "no sentiment rule decides about this message"


def _held(error: TocsinError) -> tuple[Status, Verdict]:
    return Status.HELD_FOR_REVIEW, Verdict({}, (), None, f"not judged: {error}")
