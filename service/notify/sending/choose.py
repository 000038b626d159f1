"""Which copies of a batch are handled now, and what becomes of each. Total over every state of a copy.

Pure but for the files of emails, which are large: `enclosed` reads them when the first email of a turn needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from msgspec import structs

from service.channels import Message, Reference
from service.core import Channel, Lane
from service.notify.audience import is_guest
from service.notify.digests import DigestOutcome, DigestWaits
from service.notify.model import IN_DOUBT_DETAIL, Delivery, DeliveryBatch, DeliveryStatus, Notification
from service.notify.sending import stalls
from service.notify.sending.copies import BatchContext, Copy, Gather, addressed
from service.notify.sending.plan import DeliveryPolicy, Drop, Hold, MailEnclosure, Plan, Send, plan, values_for
from service.notify.sending.turn import HandOver, Later, WaitsFor, is_in_doubt
from service.recipients import Recipient
from service.storage import Item

WRITES = 98
"""What one turn of a batch may write: the rest of a commit is for the batch itself."""

IN_DOUBT = 4
"""Calls to providers in one turn: a crash leaves no more than what rides in these in doubt."""


class ProviderRates(Protocol):
    """How things stand at one moment with the providers and their rates."""

    def rests_until(self, message: Message, /) -> datetime | None:
        """Until when every provider that could take the message is left alone; None if one may be asked."""

    def moment(self) -> Callable[[Message], bool]:
        """Takes the messages of one moment, one by one: False for the first that is more than its rate lets out."""


@dataclass(frozen=True, slots=True)
class TurnInput:
    """What a turn decides by, as it was read for it.

    `names` are the deliveries that are looked at, in order; `stored` the records that some of them have, and `fates`
    what became of those that joined a digest. `joins` says of a message whether it costs no call of its own after
    earlier ones, `in_our_store` on which channels sending is nothing but a write of ours.
    """

    batch: DeliveryBatch
    names: Sequence[str]
    context: BatchContext
    stored: Mapping[str, Item]
    fates: Mapping[str, DigestWaits | DigestOutcome]
    policy: DeliveryPolicy
    enclosed: MailEnclosure
    rates: ProviderRates
    joins: Callable[[Message, Sequence[Message]], bool]
    in_our_store: frozenset[Channel]
    now: datetime


def choose(turn: TurnInput) -> HandOver | Later:
    """The copies that are handled now, or when there will be some."""
    copies, lane = _within_limits(turn), turn.context.notification.lane
    if (rests_until := _idle_until(copies)) is not None:
        if not stalls.is_over(turn.batch, lane, turn.now):
            return Later(rests_until, WaitsFor.PROVIDERS)
        given_up = stalls.given_up(lane, "its providers are left alone")
        copies = [structs.replace(copy, plan=given_up) for copy in copies]
    return HandOver(turn.batch, copies, turn.context, turn.in_our_store)


def digest_window(notification: Notification, recipient: str) -> timedelta | None:
    """How long a copy gathers in a digest; None where it is sent by itself: a digest names stored profiles alone."""
    is_alone = notification.lane is Lane.INCIDENT or is_guest(recipient)
    return None if is_alone else notification.message.digest


def _within_limits(turn: TurnInput) -> Sequence[Copy]:
    """As many copies, in order, as one commit can write and a crash may leave in doubt."""
    copies, messages = list[Copy](), list[Message]()
    writes, calls, lets_out = WRITES, IN_DOUBT, turn.rates.moment()
    for name in turn.names:
        copy = _planned(name, turn)
        writes -= copy.weight
        if isinstance(copy.plan, Send):
            message = copy.plan.message
            calls -= _calls(copy, message, messages, turn)
            if calls < 0 or writes < 0 or not lets_out(message):
                break
            messages.append(message)
        elif writes < 0:
            break
        copies.append(copy)
    return copies


def _calls(copy: Copy, message: Message, earlier: Sequence[Message], turn: TurnInput) -> int:
    """What a message takes of a turn's calls: speech of our own takes as long as all of them may."""
    is_asked = is_in_doubt(copy, turn.in_our_store)
    if not is_asked and copy.delivery.channel is not Channel.VOICE:
        return 0
    if turn.joins(message, earlier):
        return 0
    return 1 if is_asked else IN_DOUBT


def _idle_until(copies: Sequence[Copy]) -> datetime | None:
    """When to look at a batch again of which nothing can leave; None if there is something to do, or to write down."""
    holds = [copy.plan for copy in copies if isinstance(copy.plan, Hold) and copy.plan.idle]
    return min(hold.until for hold in holds) if holds and len(holds) == len(copies) else None


def _planned(name: str, turn: TurnInput) -> Copy:
    recipient, item = turn.batch.recipients[name], turn.stored.get(name)
    person = turn.context.people.get(recipient)
    delivery, version = addressed(item, name, turn.batch, person), item.version if item else 0
    return Copy(delivery, version, _plan(delivery, person, turn), turn.context.notes.get(recipient))


def _plan(delivery: Delivery, person: Recipient | None, turn: TurnInput) -> Plan | Gather:
    if delivery.status is DeliveryStatus.SENDING and turn.context.notification.lane is not Lane.INCIDENT:
        return Drop(DeliveryStatus.UNKNOWN, IN_DOUBT_DETAIL)
    if (fate := turn.fates.get(delivery.id)) is not None:
        return _like_its_digest(fate)
    if person is None:
        return Drop(DeliveryStatus.FAILED, "the recipient was erased before this was sent")
    if (opt_out := turn.context.refusing.get(person.user_id)) is not None:
        return Drop(DeliveryStatus.SUPPRESSED, opt_out.why.sentence)
    if delivery.retry_at is not None and delivery.retry_at > turn.now:
        return Hold(delivery.retry_at)
    return _next_attempt(delivery, person, turn)


def _next_attempt(delivery: Delivery, person: Recipient, turn: TurnInput) -> Plan | Gather:
    """What becomes of a copy that is due: it may still wait for providers or join a digest."""
    wanted = _addressed_to(delivery, person, turn)
    if not isinstance(wanted, Send):
        return wanted
    if (rests_until := turn.rates.rests_until(wanted.message)) is not None:
        return Hold(rests_until, idle=True)
    window = digest_window(turn.context.notification, person.user_id)
    return wanted if window is None else Gather(wanted.message, window)


def _addressed_to(delivery: Delivery, person: Recipient, turn: TurnInput) -> Plan:
    """What its reader is sent, if anything."""
    context, notification = turn.context, turn.context.notification
    reference = Reference(delivery.id, delivery.attempt + 1, urgent=notification.lane is Lane.INCIDENT)
    values = values_for(person, notification.message.variables, context.own_values.get(person.user_id, {}))
    rendition, lane = context.renditions[person.language], notification.lane
    return plan(person, rendition, values, lane, reference, turn.policy, turn.now, turn.enclosed)


def _like_its_digest(fate: DigestWaits | DigestOutcome) -> Plan:
    """What becomes of a copy that has joined a digest: whatever became of that."""
    match fate:
        case DigestWaits(until=until):
            return Hold(until)
        case DigestOutcome(status=status, detail=detail):
            return Drop(status, detail)
        case _:
            assert_never(fate)
