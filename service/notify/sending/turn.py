"""One turn of a batch of deliveries. Pure: nothing here reads a clock, a store or a provider.

    choose ── gathered ── booked ── paced ── marked ── (providers are asked) ── settle

`choose.py` says which copies are handled now and what becomes of each. `sender.py` asks for what they need: digests,
places in the rates, places with their readers. What it learns makes the next of these values. Once the marks are
committed it hands the messages over, and `settle.py` says what is to be committed after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import assert_never

from msgspec import structs

from service.channels import Message
from service.core import Channel, Lane
from service.notify.model import Delivery, DeliveryBatch
from service.notify.sending import stalls
from service.notify.sending.copies import BatchContext, Copy, Gather
from service.notify.sending.plan import Hold, Send
from service.recipients import Recipient


class WaitsFor(Enum):
    """Why nothing of a batch may leave yet."""

    PROVIDERS = "providers"
    """All that could take it are left alone."""
    RATES = "rates"
    """Its place in the rates is booked."""
    LANE = "lane"
    """A person has paused its lane."""


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing of a batch may leave before `until`."""

    until: datetime
    waits_for: WaitsFor

    def of(self, batch: DeliveryBatch, now: datetime) -> DeliveryBatch:
        """The batch as it waits. Waiting for its turn is no standing still."""
        match self.waits_for:
            case WaitsFor.PROVIDERS:
                return stalls.standing(batch, now)
            case WaitsFor.RATES:
                return structs.replace(stalls.queued(batch, self.until - now), slots_booked=True)
            case WaitsFor.LANE:
                return stalls.queued(batch, self.until - now)
            case _:
                assert_never(self.waits_for)


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """What is written of one delivery, over the record of this `version` (0: there is none yet).

    One that a provider took counts as unheard of from `silent_at` on.
    """

    delivery: Delivery
    version: int
    silent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandOver:
    """The copies that are handled in one turn of a batch: those with a message leave.

    `in_our_store` are the channels on which sending is nothing but a write of ours.
    """

    batch: DeliveryBatch
    copies: Sequence[Copy]
    context: BatchContext
    in_our_store: frozenset[Channel]

    @property
    def lane(self) -> Lane:
        """How urgent the batch is."""
        return self.context.notification.lane

    @property
    def leaving(self) -> Sequence[tuple[Copy, Message]]:
        """Each copy that leaves, with its message."""
        return [(copy, copy.plan.message) for copy in self.copies if isinstance(copy.plan, Send)]

    @property
    def in_doubt(self) -> Sequence[Copy]:
        """The copies of which nobody could say after a crash whether they have left."""
        return [copy for copy in self.copies if is_in_doubt(copy, self.in_our_store)]

    @property
    def gathering(self) -> Mapping[str, tuple[Recipient, Gather]]:
        """The copies (by delivery id) that join a digest, with their readers."""
        people = self.context.people
        return {
            copy.delivery.id: (people[copy.delivery.recipient_id], copy.plan)
            for copy in self.copies
            if isinstance(copy.plan, Gather)
        }

    def gathered(self, until: Mapping[str, datetime]) -> HandOver:
        """The copies after some (by delivery id) joined a digest: when to ask what became of each."""
        if not until:
            return self
        return self._with(
            structs.replace(copy, plan=Hold(until[copy.delivery.id])) if copy.delivery.id in until else copy
            for copy in self.copies
        )

    @property
    def to_book(self) -> Sequence[Message]:
        """The messages that need a place in the rates; none once the batch has waited for its own."""
        return () if self.batch.slots_booked else [message for _, message in self.leaving]

    def booked(self, until: datetime, now: datetime) -> HandOver | Later:
        """The copies with places in the rates from `until` on."""
        return Later(until, WaitsFor.RATES) if until > now else self

    @property
    def to_pace(self) -> Mapping[str, str]:
        """Ids of readers whose copies (by delivery id) count towards how much one person gets: an incident does not."""
        if self.lane is Lane.INCIDENT:
            return {}
        return {copy.delivery.id: copy.delivery.recipient_id for copy, _ in self.leaving if not copy.delivery.paced}

    def paced(self, free_at: Mapping[str, datetime], now: datetime) -> HandOver:
        """The copies after their readers' places were booked (by delivery id): each leaves when its place is free."""
        if not free_at:
            return self
        return self._with(_paced(copy, free_at.get(copy.delivery.id), now) for copy in self.copies)

    def marked(self, now: datetime) -> DeliveryBatch:
        """The batch as it is committed before providers are asked."""
        return self.batch.with_deliveries(copy.delivery.sending(now) for copy in self.in_doubt)

    def marked_records(self, now: datetime) -> Sequence[DeliveryRecord]:
        """The records that are marked with the batch: receipts of an earlier attempt look at them.

        A first attempt is marked on its batch alone.
        """
        again = [copy for copy in self.in_doubt if copy.version or copy.delivery.attempt]
        return [DeliveryRecord(copy.delivery.sending(now), copy.version) for copy in again]

    def with_versions(self, versions: Mapping[str, int]) -> HandOver:
        """The same copies after some of their records (by delivery id) were written."""
        if not versions:
            return self
        return self._with(
            structs.replace(copy, version=versions.get(copy.delivery.id, copy.version)) for copy in self.copies
        )

    def _with(self, copies: Iterable[Copy]) -> HandOver:
        return replace(self, copies=list(copies))


def is_in_doubt(copy: Copy, in_our_store: frozenset[Channel]) -> bool:
    """Whether a provider is asked to take a copy."""
    return isinstance(copy.plan, Send) and copy.delivery.channel not in in_our_store


def _paced(copy: Copy, free_at: datetime | None, now: datetime) -> Copy:
    if free_at is None:
        return copy
    if free_at > now:
        return structs.replace(copy, plan=Hold(free_at, paced=True))
    return structs.replace(copy, delivery=structs.replace(copy.delivery, paced=True))
