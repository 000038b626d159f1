"""The page of a level to a contact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from service.core import Channel
from service.escalate.events import PageSent


@dataclass(frozen=True, slots=True)
class PageAttempt:
    """A contact was paged on a level, by a channel; `code` tells replies of one phone apart, once it is assigned.

    `in_summary` says that it went out, or will, in a summary of several: so do its reminders.

    `message` is the number of the message that carries it now, `first` of the first one on this channel, `sent` of the
    latest that a provider took or may have: 0 if none. All are 0 in what earlier versions wrote, whose pages count as
    sent. `begun_at` is when a provider was first asked to take one. `waited`
    says that an unclear answer gave its writer one more wait.
    """

    level: int
    contact: int
    channel: Channel
    at: datetime
    code: int | None = None
    in_summary: bool = False
    message: int = 0
    first: int = 0
    sent: int = 0
    begun_at: datetime | None = None
    waited: bool = False

    @property
    def has_left(self) -> bool:
        """Whether a provider took the page on its channel, or may have it."""
        return self.sent >= self.first

    @property
    def is_leaving(self) -> bool:
        """Whether the message that carries it now has yet to leave."""
        return self.sent < self.message

    def carried_by(self, message: int, channel: Channel, at: datetime, *, anew: bool = False) -> PageAttempt:
        """The page once another message carries it; `anew` if its level begins again."""
        first = self.first if channel is self.channel and not (anew and self.has_left) else message
        return replace(self, channel=channel, at=at, message=message, first=first)

    def left(self, event: PageSent) -> PageAttempt:
        """The page once one of its messages left."""
        sent = max(self.sent, event.message)
        return replace(self, sent=sent, begun_at=self.begun_at or event.begun_at or self.at)
