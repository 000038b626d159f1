"""What can happen to an incident, and the instant `at` which it happened.

An event that comes from outside has an `id`, so that one delivered twice is applied once. `Opened`, `Timer` and
`PageSent` need none: the state alone says whether there is anything to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.core.enums import Channel


@dataclass(frozen=True, slots=True)
class Opened:
    """The incident starts: its first level is to be paged."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ReplyYes:
    """A contact takes the incident. `level` is the level whose page the reply answers."""

    id: str
    at: datetime
    contact: int
    level: int


@dataclass(frozen=True, slots=True)
class ReplyNo:
    """A contact declines the incident. `level` is the level whose page the reply answers."""

    id: str
    at: datetime
    contact: int
    level: int


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
        """Whether it holds for the rest of the incident, not for this page alone."""
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
    """Somebody acknowledged by the API or a signed link; `contact` is who, where it is one of the contacts."""

    id: str
    at: datetime
    by: str
    contact: int | None = None


@dataclass(frozen=True, slots=True)
class ApiCancel:
    """The app that opened the incident, or an administrator, called it off."""

    id: str
    at: datetime
    by: str


Reply = ReplyYes | ReplyNo
FromOutside = Reply | DeliveryFailed | ApiAcknowledge | ApiCancel
Event = Opened | Timer | PageSent | FromOutside
