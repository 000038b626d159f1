"""When messages to one phone or address are sent as one instead of each by itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from service.core import Channel
from service.escalate.policy import Role
from service.messages import Pace

GATHERED_FOR = timedelta(seconds=10)
"""How long the first of several messages waits for the others before they leave as one."""

APART = timedelta(seconds=60)
"""How far apart the messages to one phone leave in a storm, by one channel."""

STORM_LASTS = timedelta(hours=1)
"""How long after its last summary of pages a phone counts as being in a storm."""

REMEMBERED = 20
"""Times of messages that are remembered of an address."""


class NoticeGroup(StrEnum):
    """Messages that one text can stand for, each with a template of its own: `storm-escalated`, …"""

    ESCALATED = "escalated"
    EXHAUSTED = "exhausted"
    TAKEN = "taken"
    OVER = "over"
    THANKS = "thanks"
    NOTED = "noted"
    LAST_RESORT = "last-resort"


GROUPS: Mapping[Role, NoticeGroup] = {
    Role.ESCALATED: NoticeGroup.ESCALATED,
    Role.PASSED_ON: NoticeGroup.ESCALATED,
    Role.EXHAUSTED: NoticeGroup.EXHAUSTED,
    Role.TAKEN: NoticeGroup.TAKEN,
    Role.CANCELLED: NoticeGroup.OVER,
    Role.ENDED: NoticeGroup.OVER,
    Role.RESOLVED: NoticeGroup.OVER,
    Role.CLOSED: NoticeGroup.OVER,
    Role.THANKS: NoticeGroup.THANKS,
    Role.DECLINED: NoticeGroup.NOTED,
    Role.NOTED: NoticeGroup.NOTED,
    Role.LAST_RESORT: NoticeGroup.LAST_RESORT,
}

_ANSWERS = frozenset({NoticeGroup.THANKS, NoticeGroup.NOTED})
"""What answers a person's own words is never held back by a limit."""


@dataclass(frozen=True, slots=True)
class ContactLimits:
    """How many messages beyond pages one person gets by a channel before further ones are combined."""

    texts: Pace = field(default_factory=lambda: Pace(5, timedelta(minutes=15)))
    calls: Pace = field(default_factory=lambda: Pace(3, timedelta(minutes=15)))

    def of(self, channel: Channel) -> Pace:
        """The limit of a channel; mails have that of SMS."""
        return self.calls if channel is Channel.VOICE else self.texts


@dataclass(frozen=True, slots=True)
class GatheredNotice:
    """A message that waits to be sent together with others of its address, channel and group.

    `number` is the message's in its incident.
    """

    incident_id: str
    number: int
    role: Role
    contact: int
    level: int
    channel: Channel

    @property
    def group(self) -> NoticeGroup:
        """Which text can stand for it."""
        return GROUPS[self.role]


@dataclass(frozen=True, slots=True)
class SentNotice:
    """When a message beyond pages left by a channel, or is to leave."""

    at: datetime
    channel: Channel


def leaves_at(
    group: NoticeGroup,
    channel: Channel,
    sent: Sequence[SentNotice],
    limits: ContactLimits,
    at: datetime,
    *,
    in_storm: bool,
    is_answer: bool = False,
) -> datetime | None:
    """When a message leaves that is sent together with others; None if it leaves by itself and now."""
    if is_answer or group in _ANSWERS:
        return at + GATHERED_FOR if in_storm else None
    limit = limits.of(channel)
    recent = sorted(each.at for each in sent if each.channel is channel and each.at > at - limit.within)
    free_at = at if len(recent) < limit.messages else recent[-limit.messages] + limit.within
    if not in_storm and free_at <= at:
        return None
    apart = recent[-1] + APART if recent and in_storm else at
    return max(at + GATHERED_FOR, apart, free_at)
