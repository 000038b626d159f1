"""A carrier takes batches of messages out.

The outbox's sending is a write to our own store: it answers what to write, the caller commits that together with the
result, and nothing is ever in doubt. A provider is called for real, and the caller marks its deliveries before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from service.channels.message import Message, Outcome
from service.core import Record
from service.storage import Item

M_contra = TypeVar("M_contra", bound=Message, contravariant=True)


class SendResult(Record, frozen=True):
    """What became of one message, and what must be written with that."""

    outcome: Outcome
    writes: Sequence[Item] = ()


class Carrier(Protocol[M_contra]):
    """A way out for one kind of message."""

    @property
    def name(self) -> str:
        """The provider, as breakers, rates and metrics call it."""

    @property
    def is_our_store(self) -> bool:
        """Whether sending only returns writes for our own store, so that it cannot be half done."""

    def joins(self, message: M_contra, earlier: Sequence[M_contra], /) -> bool:
        """Whether a message costs no call of its own when it follows `earlier` messages."""

    def hand_over(self, messages: Sequence[M_contra], begin_by: datetime, /) -> Sequence[SendResult]:
        """Send messages; what became of each, in order. No call is begun after `begin_by`: the rest stays untried."""


class SingleSender(Protocol[M_contra]):
    """A channel as its adapters are written (`service.channels`)."""

    def send(self, message: M_contra, /) -> Outcome:
        """Send one message."""


class BulkSender(Protocol[M_contra]):
    """A channel that takes messages of one content in one call."""

    def alike(self, one: M_contra, other: M_contra, /) -> bool:
        """Whether two messages would ride in one call."""

    def send_many(self, messages: Sequence[M_contra], /) -> Sequence[Outcome]:
        """Send messages that are alike in one call; the outcome of each, in order."""
