"""A notification: one message for an audience, from accepted to completed. Pure: its parts and its states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from service.words import Channel, Lane


class Status(StrEnum):
    """Where a notification is (DESIGN §5)."""

    ACCEPTED = "accepted"
    VALIDATING = "validating"
    HELD_FOR_REVIEW = "held_for_review"
    REJECTED = "rejected"
    APPROVED = "approved"
    TRANSLATING = "translating"
    SENDING = "sending"
    COMPLETED = "completed"
    COMPLETED_WITH_FAILURES = "completed_with_failures"


FINAL = frozenset({Status.REJECTED, Status.COMPLETED, Status.COMPLETED_WITH_FAILURES})
"""Nothing is left to send; only a supplied translation reopens a completed one."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said, in its source language: a text, or a template with its variables."""

    language: str
    text: str = ""
    subject: str | None = None
    template: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sentiment rules made of the message: the scores, the rules that fired and by which version."""

    scores: Mapping[str, object]
    fired: tuple[str, ...]
    ruleset_version: int | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """What a person decided about a held message."""

    decision: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Expansion:
    """How far the audience has been written out into pages, and the languages and channels met on the way."""

    cursor: str | None = None
    pages: int = 0
    deliveries: int = 0
    languages: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    complete: bool = False
    released: int = 0

    def with_page(self, recipients: int, languages: tuple[str, ...], channels: tuple[Channel, ...]) -> Expansion:
        """The expansion after one more page; `released` counts the pages that were let go to be sent."""
        return replace(
            self,
            pages=self.pages + 1,
            deliveries=self.deliveries + recipients,
            languages=tuple(dict.fromkeys((*self.languages, *languages))),
            channels=tuple(dict.fromkeys((*self.channels, *channels))),
        )


@dataclass(frozen=True, slots=True)
class Notification:
    """One message for an audience or for named recipients."""

    id: str
    app: str
    request_id: str
    message: Message
    accepted_at: datetime
    audience: str | None = None
    recipients: tuple[str, ...] = ()
    lane: Lane = Lane.BULK
    status: Status = Status.ACCEPTED
    send_at: datetime | None = None
    callback_url: str | None = None
    verdict: Verdict | None = None
    review: Review | None = None
    expansion: Expansion = Expansion()
    translated: tuple[str, ...] = ()
    completed_at: datetime | None = None

    def moved(self, status: Status) -> Notification:
        """The notification in another status."""
        return replace(self, status=status)
