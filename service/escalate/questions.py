"""What is asked back about a reply that is no clear answer: why it is none, then how to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.escalate.incident import Incident
from service.escalate.phonebook import Listed, listing
from service.escalate.policy import Role
from service.escalate.replies import Answer, Understood
from service.messages import shorten
from service.replies import AFFIRMING, UNDECIDED, Decision, Kind, Reading, Reason, is_single

WORDS = 30
"""Characters of a reply that a question repeats."""

KEPT_WORDS = 160
"""Characters of a reply that the timeline keeps."""

Variables = Mapping[str, str | int]

WHY: Mapping[Reason, str] = {
    Reason.UNCLEAR: "ask-unclear",
    Reason.BOTH: "ask-both",
    Reason.ETA: "ask-eta",
    Reason.NOT_NOW: "ask-not-now",
    Reason.HANDOVER: "ask-handover",
    Reason.QUESTION: "ask-question",
    Reason.STOP: "ask-stop",
    Reason.HELP: "answer-help",
    Reason.WEAK: "ask-weak",
    Reason.LONG: "ask-long",
}
"""The template that begins a question; an automatic answer is asked nothing."""

UNREAD = "answer-not-understood"
"""Where there are no words to repeat, or nobody else to name."""

_SHOWN: Mapping[Reason, frozenset[Kind]] = {
    Reason.UNCLEAR: UNDECIDED | {Kind.EXCUSE},
    Reason.ETA: frozenset({Kind.ETA, Kind.LATER}),
    Reason.NOT_NOW: frozenset({Kind.NOT_NOW, Kind.LATER, Kind.ETA}),
    Reason.WEAK: AFFIRMING,
}
"""The kinds of phrases that a question of this reason repeats."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: its templates, one after the other, and what fills them."""

    templates: tuple[str, ...]
    variables: Variables


def reason_of(decision: Decision, understood: Understood) -> Reason:
    """Why a reply is asked about: also one that is clear in itself, but nothing that this policy waits for."""
    if decision.reason is not None:
        return decision.reason
    return Reason.NOT_NOW if understood.said.answer is Answer.LATER else Reason.UNCLEAR


def about_one(reason: Reason, understood: Understood, incident: Incident, page: Listed) -> Asked:
    """The question about one page, in the words of its policy."""
    repeated, following = repeated_words(reason, understood.readings), _next(incident, page.level)
    why = WHY.get(reason, UNREAD)
    if (reason in _SHOWN and not repeated) or (reason is Reason.HANDOVER and not following):
        why = UNREAD
    variables = {**listing([page]), "words": repeated, "next": following}
    return Asked((why, incident.policy.template(Role.ASK, page.level)), variables)


def repeated_words(reason: Reason, readings: Sequence[Reading]) -> str:
    """What was not understood, or was understood and is not enough, in the writer's words."""
    reading = next((reading for reading in readings if reading.whole), readings[0])
    words = list(reading.unknown) if reason is Reason.UNCLEAR else []
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
