"""Sends a batch: the thin shell around `turn.py`, which asks stores and providers and commits what the turn says.

Nobody's failure touches anybody else's copy: what becomes of each is kept by delivery, and a batch that comes due again
handles only what is left. Deliveries for a provider are marked `sending` before the call, so that after a crash only
those are in doubt; an incident's are sent again, any other's wait as `unknown` for their receipt.

    mark 1-4 ── send 1-4 ── commit what became of 1-4, mark 5-8 ── send 5-8 ── commit 5-8, mark 9-12 ── …

A first attempt is marked on its batch alone: the record of a delivery is written once, with what became of it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import structs

from service.core import Channel, Lane
from service.messages import Carriers, OptOuts, Pace, RateLimiter, StepRates, Urgency
from service.notify.cancel import cancelled_batch
from service.notify.digests import Digests
from service.notify.model import DeliveryBatch, Notification, batch_of, changed_batch_item, delivery_item
from service.notify.sending.choose import TurnInput, choose, digest_window
from service.notify.sending.context_reader import ContextReader
from service.notify.sending.copies import BatchContext
from service.notify.sending.plan import DeliveryPolicy, MailEnclosure
from service.notify.sending.settle import Settled, settle
from service.notify.sending.turn import DeliveryRecord, HandOver, Later, WaitsFor
from service.notify.texts import Renditions
from service.storage import Item, Store
from service.work import LOOK, Commit, LanePauses, Permanent, Task, finished

logger = logging.getLogger(__name__)

FRESH = timedelta(seconds=2)
"""How long a batch uses what was read of its readers: a STOP that is said meanwhile counts after that."""


@dataclass(frozen=True, slots=True)
class BatchSender:
    """Handles items of kind `page`. `pace` is how much one person gets; None where there is no limit."""

    store: Store
    contexts: ContextReader
    renditions: Renditions
    carriers: Carriers
    limiter: RateLimiter
    policy: DeliveryPolicy
    digests: Digests
    opt_outs: OptOuts
    pauses: LanePauses
    pace: Pace | None = None
    chance: Callable[[], float] = random.random

    def computes(self, item: Item) -> bool:
        """Whether sending a batch waits for nobody outside: no provider, and no voice, which is another process."""
        channels = self._notification(item.keys["pages"]).expansion.channels
        return bool(channels) and Channel.VOICE not in channels and self.carriers.in_our_store.issuperset(channels)

    def handle(self, task: Task) -> Commit:
        """Send what is left of a batch, or say when to come back."""
        batch = batch_of(task.item).redriven()
        context = self.contexts.read(batch, self._notification(batch.notification_id), task.now)
        if context.is_cancelled:
            return self._cancelled(task)
        if self.pauses.is_paused(task.item.lane):
            return _waiting(task, batch, Later(task.now + LOOK, WaitsFor.LANE))
        turn = self._next(batch, batch.left, context, task.now)
        return _waiting(task, batch, turn) if isinstance(turn, Later) else self._sent(task, turn)

    def _sent(self, task: Task, turn: HandOver) -> Commit:
        """Hand copies over, and, while nothing is in the way, those after them that nobody has looked at yet."""
        turn = self._marked(task, turn)
        while True:
            settled = self._handed_over(task, turn)
            onward = self._onward(task, settled, turn.context)
            if not isinstance(onward, HandOver):
                return self._step(task, settled if onward is None else settled.waiting(onward, task.now))
            self._checkpoint(task, onward.marked(task.now), self._step(task, settled), first=False)
            turn = onward

    def _onward(self, task: Task, settled: Settled, context: BatchContext) -> HandOver | Later | None:
        """What goes on at once, its mark riding in the commit of what was just settled; None if nothing does."""
        batch = settled.batch
        if task.is_to_end or not settled.was_asked or not batch.untouched:
            return None
        try:
            if self.pauses.is_paused(task.item.lane):
                return None
            if task.now - context.at > FRESH:
                context = self.contexts.read(batch, context.notification, task.now)
            if context.is_cancelled:
                return None
            turn = self._next(batch, batch.untouched, context, task.now)
        except Exception as error:  # noqa: BLE001  (what was sent is written down first; the next turn meets the same)
            logger.warning("A batch goes on in another turn: %s", type(error).__name__, extra={"item_id": task.item.id})
            return None
        if isinstance(turn, Later):
            return turn if turn.waits_for is WaitsFor.RATES else None
        return turn

    def _next(
        self, batch: DeliveryBatch, names: Sequence[str], context: BatchContext, now: datetime
    ) -> HandOver | Later:
        """The copies that are handled now, with the places booked that they need; or when there will be some."""
        rates = self.limiter.at(now, Urgency(context.notification.lane))
        turn = choose(self._input(batch, names, context, rates, now))
        if isinstance(turn, Later):
            return turn
        turn = turn.gathered(self._join_digests(turn, now))
        booked = turn.booked(rates.book(turn.to_book), now)
        if isinstance(booked, Later) or (pace := self.pace) is None:
            return booked
        return booked.paced({name: pace.free_at(self.store, who, now) for name, who in booked.to_pace.items()}, now)

    def _input(
        self, batch: DeliveryBatch, names: Sequence[str], context: BatchContext, rates: StepRates, now: datetime
    ) -> TurnInput:
        notification = context.notification
        recorded = [name for name in names if name in batch.lines]
        recipients = {name: batch.recipients[name] for name in names}
        gathered = {name: who for name, who in recipients.items() if digest_window(notification, who) is not None}
        return TurnInput(
            batch,
            names,
            context,
            stored=self.store.get_many(recorded) if recorded else {},
            fates=self.digests.fates(gathered, notification, now) if gathered else {},
            policy=self.policy,
            enclosed=MailEnclosure(notification.message.reply_to, lambda: self.renditions.attachments(notification)),
            rates=rates,
            joins=self.carriers.joins,
            in_our_store=self.carriers.in_our_store,
            now=now,
        )

    def _join_digests(self, turn: HandOver, now: datetime) -> Mapping[str, datetime]:
        """Put the copies that gather into their digests; when to ask what became of each, by delivery id."""
        notification = turn.context.notification
        return {
            name: self.digests.join(notification, person, gather.message, gather.window, now).until
            for name, (person, gather) in turn.gathering.items()
        }

    def _notification(self, notification_id: str) -> Notification:
        notification = self.renditions.notification(notification_id)
        if notification is None:
            raise Permanent("the notification of this batch is gone")
        return notification

    def _cancelled(self, task: Task) -> Commit:
        """What has not left never leaves."""
        cancelled = cancelled_batch(self.store, task.item, task.now)
        if cancelled is None:
            return Commit(finished(task.item))
        return Commit(cancelled.item, others=cancelled.records)

    def _handed_over(self, task: Task, turn: HandOver) -> Settled:
        handed = self.carriers.hand_over([message for _, message in turn.leaving], task.begin_by)
        return settle(turn, handed, task.now, [self.chance() for _ in handed])

    def _marked(self, task: Task, turn: HandOver) -> HandOver:
        """Commit that some of these are about to leave; answers them with the versions that their records then have."""
        if not turn.in_doubt:
            return turn
        now = task.now
        records = [_record_item(record, task.item.lane) for record in turn.marked_records(now)]
        stored = self._checkpoint(task, turn.marked(now), Commit(task.item, records), first=True)
        return turn.with_versions({item.id: item.version for item in stored[1:]})

    def _checkpoint(self, task: Task, batch: DeliveryBatch, step: Commit, *, first: bool) -> Sequence[Item]:
        """Commit the marks on a batch, with what a step has to commit, and go on holding the batch."""
        # A death after this costs these copies and no others, so that the batch is no nearer to being given up. An
        # incident's are sent again: there it is.
        attempts = (task.item.attempts if first else 1) if task.item.lane is Lane.INCIDENT else 0
        item = changed_batch_item(task.item, batch, task.now)
        return task.checkpoint(structs.replace(item, attempts=attempts), *step.others, spawn=step.spawn)

    def _step(self, task: Task, settled: Settled) -> Commit:
        """What is committed of a turn, with the record that a phone opted out or a mailbox is gone."""
        refused = [*map(self.opt_outs.told_by_provider, settled.opted_out), *map(self.opt_outs.bounced, settled.gone)]
        return Commit(
            changed_batch_item(task.item, settled.batch, settled.due_at),
            others=[_record_item(record, task.item.lane) for record in settled.records],
            spawn=[*settled.children, *refused],
        )


def _waiting(task: Task, batch: DeliveryBatch, later: Later) -> Commit:
    return Commit(changed_batch_item(task.item, later.of(batch, task.now), later.until))


def _record_item(record: DeliveryRecord, lane: Lane) -> Item:
    return delivery_item(record.delivery, record.version, lane, silent_at=record.silent_at)
