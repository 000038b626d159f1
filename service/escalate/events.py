"""What can happen to an incident, and the instant `at` which it happened.

An event that comes from outside has an `id`, so that one delivered twice is applied once. `Opened`, `Timer` and
`PageSent` need none: the state alone says whether there is anything to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.core import Channel


class Via(StrEnum):
    """How a person's word reached us."""

    SMS = "sms"
    LINK = "link"
    EMAIL = "email"
    CALL = "call"
    API = "api"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who really acted; names are only claimed. `app`, the id of its `key` and that of its `request` are the API's."""

    via: Via
    app: str | None = None
    key: str | None = None
    request: str | None = None


BY_SMS = Origin(Via.SMS)


@dataclass(frozen=True, slots=True)
class Opened:
    """The incident starts: its first level is to be paged."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ReplyYes:
    """A contact takes the incident. `level` is the level whose page the reply answers.

    One that is `quiet` says no YES anew: "thanks, looking now" needs no answer from who has it.
    """

    id: str
    at: datetime
    contact: int
    level: int
    origin: Origin = BY_SMS
    words: str | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class ReplyNo:
    """A contact declines the incident. `level` is the level whose page the reply answers."""

    id: str
    at: datetime
    contact: int
    level: int
    origin: Origin = BY_SMS
    words: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """A contact says that it is over. `level` is the level whose page the reply answers."""

    id: str
    at: datetime
    contact: int
    level: int
    origin: Origin = BY_SMS
    words: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyUndo:
    """A contact takes back what they answered. `level` is the level whose page the reply answers."""

    id: str
    at: datetime
    contact: int
    level: int
    origin: Origin = BY_SMS
    words: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyLater:
    """A contact wants to be asked again later, in so many `minutes` if they say so.

    `level` is the level whose page the reply answers.
    """

    id: str
    at: datetime
    contact: int
    level: int
    minutes: int | None = None
    origin: Origin = BY_SMS
    words: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyWho:
    """A contact asks who has it. `level` is the level whose page the reply answers."""

    id: str
    at: datetime
    contact: int
    level: int
    origin: Origin = BY_SMS
    words: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyUnclear:
    """A contact wrote what is no clear answer; `why` it is not, as `service.replies` calls the reasons.

    `leans_yes` says that it is rather a YES, `answered` that its writer shall hear how it stands, where it is over.
    """

    id: str
    at: datetime
    contact: int
    level: int
    why: str
    leans_yes: bool = False
    answered: bool = False
    origin: Origin = BY_SMS
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """The incident may be due; it is ignored when it is not.

    `turn` is when the last of the present pages leaves that only wait for us: for a worker, or for their turn under the
    rate of their channel. None where none of them does.
    """

    at: datetime
    turn: datetime | None = None


@dataclass(frozen=True, slots=True)
class PageSent:
    """A provider took a page or reminder of `level`, or may have it. `message` is its number.

    `begun_at` is when the provider was asked, at the earliest, where that is known: before `at`, the end of the call.
    """

    at: datetime
    contact: int
    level: int
    channel: Channel
    message: int
    begun_at: datetime | None = None


class Failure(StrEnum):
    """Why a page does not reach a contact on a channel."""

    OPTED_OUT = "opted_out"
    REFUSED = "refused"  # the provider or our own rules will never deliver there: no such number, blocked
    ONE_WAY = "one_way"  # no sender identity for that country can receive the answer
    UNDELIVERED = "undelivered"  # every try failed; a later page may still arrive
    NOT_SENT = "not_sent"  # no provider took it before its time was up; a later page may still arrive

    @property
    def lasts(self) -> bool:
        """Whether it applies to the rest of the incident, not only to this page."""
        return self not in (Failure.UNDELIVERED, Failure.NOT_SENT)


@dataclass(frozen=True, slots=True)
class DeliveryFailed:
    """A page or reminder of `level` did not reach a contact on a channel, finally."""

    id: str
    at: datetime
    contact: int
    level: int
    channel: Channel
    why: Failure


@dataclass(frozen=True, slots=True)
class ApiAcknowledge:
    """Somebody acknowledged by the API; `contact` is who, where it is one of the contacts."""

    id: str
    at: datetime
    by: str
    contact: int | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class ApiCancel:
    """The app that opened the incident, or an administrator, called it off."""

    id: str
    at: datetime
    by: str
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class ApiResolve:
    """An app, or somebody by the API, says that it is over; `contact` is who, where it is one of the contacts."""

    id: str
    at: datetime
    by: str
    contact: int | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class ApiReopen:
    """Somebody wants the incident to begin again at the first level."""

    id: str
    at: datetime
    by: str
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class ApiEscalate:
    """Somebody wants the next level to be asked now."""

    id: str
    at: datetime
    by: str
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class ApiNote:
    """Somebody writes something down beside the incident."""

    id: str
    at: datetime
    by: str
    text: str
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class SameAlert:
    """The alert that opened the incident came again."""

    id: str
    at: datetime
    origin: Origin | None = None


Reply = ReplyYes | ReplyNo | ReplyDone | ReplyUndo | ReplyLater | ReplyWho
FromApi = ApiAcknowledge | ApiCancel | ApiResolve | ApiReopen | ApiEscalate | ApiNote | SameAlert
FromOutside = Reply | ReplyUnclear | DeliveryFailed | FromApi
Event = Opened | Timer | PageSent | FromOutside
