"""A queue that other systems write to, with its dead letters: a protocol; `service.aws.inbox` is the adapter on SQS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

MOST_AT_ONCE = 10
"""Letters that are received at once (SQS gives no more)."""


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A message as it was received. It comes back unless it is deleted; `receives` counts how often it came."""

    id: str
    text: str
    receipt: str
    receives: int = 1


class InboundQueue(Protocol):
    """The queue. Every method may raise `Unavailable`."""

    def receive(self) -> Sequence[QueueMessage]:
        """Up to `MOST_AT_ONCE` letters, waiting some seconds for the first."""

    def delete(self, letters: Sequence[QueueMessage]) -> None:
        """Let go of letters that are done."""

    def hide(self, letter: QueueMessage, how_long: timedelta) -> None:
        """Let a letter come back later."""

    def refuse(self, letter: QueueMessage, reason: str) -> None:
        """Put a letter among the dead ones, with the reason; only then it leaves the queue."""
