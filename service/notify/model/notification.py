"""A notification: one message for an audience, from accepted to completed. Pure: its parts and its states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from service.core import Channel, Lane


class Status(StrEnum):
    """The state of a notification."""

    ACCEPTED = "accepted"
    VALIDATING = "validating"
    HELD_FOR_REVIEW = "held_for_review"
    REJECTED = "rejected"
    APPROVED = "approved"
    TRANSLATING = "translating"
    SENDING = "sending"
    COMPLETED = "completed"
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


FINAL = frozenset({Status.REJECTED, Status.COMPLETED, Status.COMPLETED_WITH_FAILURES, Status.CANCELLED})
"""Nothing is left to send; only a supplied translation or a retry reopens a completed one."""

STOPPED = frozenset({Status.REJECTED, Status.CANCELLING, Status.CANCELLED})
"""Nothing more is ever sent."""


@dataclass(frozen=True, slots=True)
class DigestPiece:
    """What one copy in a digest says, its slots filled: `heading` is an email's subject, `html` the body of its own
    HTML, where its template has some."""

    text: str
    heading: str | None = None
    html: str | None = None


@dataclass(frozen=True, slots=True)
class SourceMessage:
    """What is to be said, in its source language, with its slots open: as it stood when it was accepted.

    A later edit of the template changes no notification that is under way. A digest says what it `gathered`, by the
    delivery that each piece is a copy of, and holds no slots. `translations` are the author's own: by language, what is
    said instead of each text. Answers by mail go to `reply_to`, or to the sender where it is None.
    `html` of a digest is the document in which the bodies of its pieces stand.
    """

    language: str
    sms: str
    subject: str | None = None
    html: str | None = None
    voice: str | None = None
    template: str | None = None
    digest: timedelta | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    gathered: Mapping[str, DigestPiece] = field(default_factory=dict)
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reply_to: str | None = None
    attachments: tuple[str, ...] = ()
    """Ids of the files that its emails carry."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sentiment rules made of the message: the scores, the rules that fired and by which version.

    `harm` (0 to 1) is how likely the message would hurt its readers, and `worst` the passage that makes it so.
    """

    scores: Mapping[str, object]
    fired: tuple[str, ...]
    ruleset_version: int | None
    reason: str | None = None
    harm: Decimal | None = None
    worst: str | None = None

    @property
    def harm_as_text(self) -> str | None:
        """The harm as the API writes decimals; None for a verdict of an earlier version."""
        return None if self.harm is None else str(self.harm)


class Decision(StrEnum):
    """What a reviewer can say."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Review:
    """What a person decided about a held message."""

    decision: Decision
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Expansion:
    """How far the audience has been written out into batches, and the languages and channels met on the way.

    `edition` is that of the audience's members when it began (None: of an earlier version, or not yet).
    """

    cursor: str | None = None
    pages: int = 0
    deliveries: int = 0
    languages: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ()
    complete: bool = False
    released: int = 0
    edition: str | None = None

    def with_batch(self, recipients: int, languages: tuple[str, ...], channels: tuple[Channel, ...]) -> Expansion:
        """The expansion after one more batch; `released` counts the batches that were let go to be sent."""
        return replace(
            self,
            pages=self.pages + 1,
            deliveries=self.deliveries + recipients,
            languages=tuple(dict.fromkeys((*self.languages, *languages))),
            channels=tuple(dict.fromkeys((*self.channels, *channels))),
        )


@dataclass(frozen=True, slots=True)
class Reopening:
    """A language whose translation was supplied: batches from `next_page` on are still to be let go again."""

    language: str
    next_page: int = 1


@dataclass(frozen=True, slots=True)
class Retrying:
    """Copies that failed, and with `in_doubt` those that may have arrived, are to be sent once more: batches from
    `next_page` on are still to be let go."""

    in_doubt: bool = False
    next_page: int = 1


@dataclass(frozen=True, slots=True)
class Notification:
    """One message for an audience or for named recipients; `reference` is what its app calls it.

    `describes_recipients` when `addressees` holds profiles or values of those that it names.
    """

    id: str
    app: str
    request_id: str
    message: SourceMessage
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
    reopening: tuple[Reopening, ...] = ()
    completions: int = 0
    completed_at: datetime | None = None
    reference: str | None = None
    retrying: tuple[Retrying, ...] = ()
    describes_recipients: bool = False

    def moved(self, status: Status) -> Notification:
        """The notification in another status."""
        return replace(self, status=status)

    def judged(self, status: Status, verdict: Verdict) -> Notification:
        """The notification after the sentiment rules spoke."""
        return replace(self, status=status, verdict=verdict)

    def reviewed(self, review: Review) -> Notification:
        """The notification after a person decided about it."""
        status = Status.APPROVED if review.decision is Decision.APPROVE else Status.REJECTED
        return replace(self, status=status, review=review)

    def ended(self, status: Status, at: datetime) -> Notification:
        """The notification when nothing is left to send."""
        return replace(self, status=status, completed_at=at, completions=self.completions + 1)

    def reopened(self, language: str) -> Notification:
        """The notification after a translation that it waited for was supplied; a stopped one stays so."""
        if self.status in STOPPED:
            return self
        queue = (*self.reopening, Reopening(language))
        status = Status.SENDING if self.status in FINAL else self.status
        return replace(self, status=status, reopening=queue, completed_at=None)

    def retried(self, *, in_doubt: bool) -> Notification:
        """The notification whose failed copies are to be sent once more."""
        return replace(self, status=Status.SENDING, retrying=(*self.retrying, Retrying(in_doubt)), completed_at=None)
