"""What must be done, and written down, when something happens to an incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.core import Channel
from service.escalate.events import Origin
from service.escalate.policy import Role


@dataclass(frozen=True, slots=True)
class IncidentMessage:
    """One message to send. `number` counts the incident's messages: it makes a delivery's id deterministic.

    The text needs the incident as well: description, link, the code of (`level`, `contact`), who acknowledged and
    when. A `passive` message answers a reply that changed nothing; how many of those a phone gets is limited.
    """

    number: int
    role: Role
    contact: int
    level: int
    channel: Channel
    passive: bool = False


class TimelineKind(StrEnum):
    """What a line of the timeline says."""

    OPENED = "opened"
    LEFT_OUT = "left_out"
    SENT = "sent"
    SAID_YES = "said_yes"
    SAID_NO = "said_no"
    ESCALATED = "escalated"
    ON_CALL = "on_call"
    CONTACT_SKIPPED = "contact_skipped"
    LEVEL_SKIPPED = "level_skipped"
    LEFT_LATE = "left_late"
    NOT_SENT = "not_sent"
    BEGUN_AGAIN = "begun_again"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    SAID_DONE = "said_done"
    SAID_UNDO = "said_undo"
    SAID_LATER = "said_later"
    ASKED_WHO = "asked_who"
    GIVEN_BACK = "given_back"
    WITHDRAWN = "withdrawn"
    POSTPONED = "postponed"
    RENEWED = "renewed"
    LAPSED = "lapsed"
    REPEATED = "repeated"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    PASSED_ON = "passed_on"
    NOTE = "note"
    SAME_ALERT = "same_alert"
    UNCLEAR = "unclear"
    WAITS = "waits"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline. It names contacts by number alone, so that erasing a person leaves it whole.

    `by` is the name that somebody gave, `origin` who really acted. `words` is what a person wrote: never in the audit.
    """

    at: datetime
    kind: TimelineKind
    level: int | None = None
    contact: int | None = None
    channel: Channel | None = None
    role: Role | None = None
    why: str | None = None
    by: str | None = None
    origin: Origin | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """Messages to send and lines for the timeline. The next timer is the new incident's `due_at`."""

    messages: tuple[IncidentMessage, ...] = ()
    timeline: tuple[Entry, ...] = ()

    def __add__(self, later: Effects) -> Effects:
        return Effects(self.messages + later.messages, self.timeline + later.timeline)


NOTHING = Effects()
