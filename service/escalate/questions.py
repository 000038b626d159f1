"""The question about a reply that is not clear: why it is not, then how to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.escalate.incident import Incident
from service.escalate.phonebook import ListedPage, listing
from service.escalate.policy import Role
from service.escalate.replies import ClearAnswer, UnderstoodReply
from service.messages import shorten
from service.replies import AFFIRMING, UNDECIDED, AskReason, PhraseKind, Reading, ReplyDecision, is_single

WORDS = 30
"""Characters of a reply that a question repeats."""

KEPT_WORDS = 160
"""Characters of a reply that the timeline keeps."""

Variables = Mapping[str, str | int]

WHY: Mapping[AskReason, str] = {
    AskReason.UNCLEAR: "ask-unclear",
    AskReason.BOTH: "ask-both",
    AskReason.ETA: "ask-eta",
    AskReason.NOT_NOW: "ask-not-now",
    AskReason.HANDOVER: "ask-handover",
    AskReason.QUESTION: "ask-question",
    AskReason.STOP: "ask-stop",
    AskReason.HELP: "answer-help",
    AskReason.WEAK: "ask-weak",
    AskReason.LONG: "ask-long",
}
"""The template that begins a question; an automatic answer is asked nothing."""

UNREAD = "answer-not-understood"
"""Where there are no words to repeat, or nobody else to name."""

_SHOWN: Mapping[AskReason, frozenset[PhraseKind]] = {
    AskReason.UNCLEAR: UNDECIDED | {PhraseKind.EXCUSE},
    AskReason.ETA: frozenset({PhraseKind.ETA, PhraseKind.LATER}),
    AskReason.NOT_NOW: frozenset({PhraseKind.NOT_NOW, PhraseKind.LATER, PhraseKind.ETA}),
    AskReason.WEAK: AFFIRMING,
}
"""The kinds of phrases that a question of this reason repeats."""


@dataclass(frozen=True, slots=True)
class QuestionTexts:
    """A question: its templates, one after the other, and what fills them."""

    templates: tuple[str, ...]
    variables: Variables


def reason_of(decision: ReplyDecision, understood: UnderstoodReply) -> AskReason:
    """Why a reply is asked about: also one that is clear in itself, but nothing that this policy waits for."""
    if decision.reason is not None:
        return decision.reason
    return AskReason.NOT_NOW if understood.said.answer is ClearAnswer.LATER else AskReason.UNCLEAR


def about_one(reason: AskReason, understood: UnderstoodReply, incident: Incident, page: ListedPage) -> QuestionTexts:
    """The question about one page, in the words of its policy."""
    repeated, following = repeated_words(reason, understood.readings), _next(incident, page.level)
    why = WHY.get(reason, UNREAD)
    if (reason in _SHOWN and not repeated) or (reason is AskReason.HANDOVER and not following):
        why = UNREAD
    variables = {**listing([page]), "words": repeated, "next": following}
    return QuestionTexts((why, incident.policy.template(Role.ASK, page.level)), variables)


def repeated_words(reason: AskReason, readings: Sequence[Reading]) -> str:
    """The words of the writer that were not understood, or are not enough."""
    reading = next((reading for reading in readings if reading.whole), readings[0])
    words = list(reading.unknown) if reason is AskReason.UNCLEAR else []
    if not words:
        wanted = _SHOWN.get(reason, frozenset())
        words = [span.text for span in reading.spans if span.kind in wanted][:1]
    text = " ".join(words)
    joined = "".join(text.split()) if text and is_single(text[0]) else text
    return shorten(joined, WORDS)


def kept_words(text: str) -> str:
    """As much of a reply as the timeline keeps."""
    return shorten(text, KEPT_WORDS)


def _next(incident: Incident, level: int) -> str:
    following = incident.next_level(level)
    names = [] if following is None else [contact.label for contact in incident.listed(following)]
    return names[0] if names else ""
