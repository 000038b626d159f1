"""Who could not be reached, and how an incident goes on of which no page could be sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.core import Channel
from service.escalate.events import Failure


@dataclass(frozen=True, slots=True)
class UnreachedContact:
    """A contact could not be reached on a channel, for a page of this level."""

    level: int
    contact: int
    channel: Channel
    why: Failure


NOT_SENT_PAUSES = (1, 2, 5, 10)
"""Minutes from the end of a round in which no page could be sent to the next round; the last one repeats."""

GIVEN_UP_AFTER = timedelta(hours=24)
"""How long it is tried to send a first page of an incident."""

OPERATOR_TOLD_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class UnsentPages:
    """No page could be sent although all levels were tried, `rounds` times since the first page was due.

    `told_at` is when the operator was last told.
    """

    rounds: int
    since: datetime
    told_at: datetime

    @property
    def pause(self) -> timedelta:
        """How long until it begins again."""
        return timedelta(minutes=NOT_SENT_PAUSES[min(self.rounds, len(NOT_SENT_PAUSES)) - 1])

    @property
    def ends_at(self) -> datetime:
        """When it is given up."""
        return self.since + GIVEN_UP_AFTER

    def again(self, at: datetime) -> UnsentPages:
        """After one more round; the operator is told at most hourly."""
        told_at = at if at - self.told_at >= OPERATOR_TOLD_EVERY else self.told_at
        return replace(self, rounds=self.rounds + 1, told_at=told_at)
