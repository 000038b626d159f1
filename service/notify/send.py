"""Sending a page: plan each copy, book places in the rates, hand over, keep what became of each.

Nobody's failure touches anybody else's copy: outcomes are kept by delivery, and a page that comes due again handles
only what is left. Deliveries for a provider are marked `sending` before the call, so that after a crash only those are
in doubt; an incident's are sent again, any other's wait as `unknown` for their receipt.

    mark 1-4 ── send 1-4 ── commit what became of 1-4, mark 5-8 ── send 5-8 ── commit 5-8, mark 9-12 ── …

A first attempt is marked on its page alone: the record of a delivery is written once, with what became of it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import structs

from service.channels import Reference
from service.core.enums import Channel, Lane
from service.messages import Carriers, RateLimiter, Rendition, StepRates, Urgency
from service.notify import stalls
from service.notify.addressees import Addressees, is_guest, people_in
from service.notify.batch import DeliveryBatch
from service.notify.cancel import cancelled_page, is_cancelled
from service.notify.copies import Copy, PageContext, addressed
from service.notify.delivery import Delivery, DeliveryStatus
from service.notify.digests import Digests, Waits, Went
from service.notify.items import changed_page_item, delivery_item, page_of
from service.notify.notification import Notification
from service.notify.plan import DeliveryPolicy, Drop, Enclosed, Hold, Plan, Send, plan, values_for
from service.notify.renditions import Renditions
from service.notify.turn import DeliveryRecord, HandOver, Later, Settled, WaitsFor, is_in_doubt, settle
from service.recipients import Directory, Recipient
from service.storage import Item, Store
from service.work import LOOK, LanePauses, Permanent, Step, Task, finished

logger = logging.getLogger(__name__)

WRITES = 98
"""What one step of a page may write: the rest of a commit is for the page itself."""

IN_DOUBT = 4
"""Calls to providers in one step: a crash leaves no more than what rides in these in doubt."""

FRESH = timedelta(seconds=2)
"""How long a page goes by what it read of its readers: whoever says STOP meanwhile is heeded after that."""


@dataclass(frozen=True, slots=True)
class PageSender:
    """Handles items of kind `page`."""

    store: Store
    directory: Directory
    renditions: Renditions
    carriers: Carriers
    slots: RateLimiter
    manners: DeliveryPolicy
    digests: Digests
    pauses: LanePauses
    addressees: Addressees
    chance: Callable[[], float] = random.random

    def computes(self, item: Item) -> bool:
        """Whether sending a page waits for nobody outside: no provider, and no voice, which is another process."""
        channels = self._notification(item.keys["pages"]).expansion.channels
        return bool(channels) and Channel.VOICE not in channels and self.carriers.in_our_store.issuperset(channels)

    def handle(self, task: Task) -> Step:
        """Send what is left of a batch, or say when to come back."""
        batch = page_of(task.item).redriven()
        context = self._context(batch, self._notification(batch.notification_id), task.now)
        if context.is_cancelled:
            return self._cancelled(task)
        if self.pauses.is_paused(task.item.lane):
            return _waiting(task, batch, Later(task.now + LOOK, WaitsFor.LANE))
        turn = self._next(batch, batch.left, context, task.now)
        return _waiting(task, batch, turn) if isinstance(turn, Later) else self._sent(task, turn)

    def _sent(self, task: Task, turn: HandOver) -> Step:
        """Hand copies over, and, while nothing is in the way, those after them that nobody has looked at yet."""
        turn = self._marked(task, turn)
        while True:
            settled = self._handed_over(task, turn)
            onward = self._onward(task, settled, turn.context)
            if not isinstance(onward, HandOver):
                return self._step(task, settled if onward is None else settled.waiting(onward, task.now))
            self._checkpoint(task, onward.marked(task.now), self._step(task, settled), first=False)
            turn = onward

    def _onward(self, task: Task, settled: Settled, context: PageContext) -> HandOver | Later | None:
        """What goes on at once, its mark riding in the commit of what was just settled; None if nothing does."""
        batch = settled.batch
        if task.is_to_end or not settled.was_asked or not batch.untouched:
            return None
        try:
            if self.pauses.is_paused(task.item.lane):
                return None
            if task.now - context.at > FRESH:
                context = self._context(batch, context.notification, task.now)
            if context.is_cancelled:
                return None
            turn = self._next(batch, batch.untouched, context, task.now)
        except Exception as error:  # noqa: BLE001  (what was sent is written down first; the next turn meets the same)
            logger.warning("A batch goes on in another turn: %s", type(error).__name__, extra={"item_id": task.item.id})
            return None
        if isinstance(turn, Later):
            return turn if turn.waits_for is WaitsFor.RATES else None
        return turn

    def _next(self, page: DeliveryBatch, names: Sequence[str], context: PageContext, now: datetime) -> HandOver | Later:
        """The copies to be handled now, or when there will be some."""
        lane = context.notification.lane
        slots = self.slots.at(now, Urgency(lane))
        copies = self._copies(page, names, context, slots, now)
        if (rests_until := _idle_until(copies)) is not None:
            if stalls.is_over(page, lane, now):
                given_up = stalls.given_up(lane, "its providers are left alone")
                return self._turn(page, [structs.replace(copy, plan=given_up) for copy in copies], context)
            return Later(rests_until, WaitsFor.PROVIDERS)
        if not page.slots_booked and (until := _booked(copies, slots)) > now:
            return Later(until, WaitsFor.RATES)
        return self._turn(page, [self._paced(copy, context, now) for copy in copies], context)

    def _turn(self, batch: DeliveryBatch, copies: Sequence[Copy], context: PageContext) -> HandOver:
        return HandOver(batch, copies, context, self.carriers.in_our_store)

    def _notification(self, notification_id: str) -> Notification:
        notification = self.renditions.notification(notification_id)
        if notification is None:
            raise Permanent("the notification of this page is gone")
        return notification

    def _context(self, page: DeliveryBatch, notification: Notification, now: datetime) -> PageContext:
        names = [page.recipients[name] for name in page.left]
        described = self.addressees.of(notification, names)
        came_along = people_in(described)
        asked = [name for name in names if name not in came_along]
        wanted = {**self.directory.get_lately(asked), **came_along}
        languages = {person.language for person in wanted.values()}
        renditions = {language: self.renditions.get(notification, language) for language in languages}
        people, notes = self._reachable(wanted, renditions)
        refusing = self.manners.opted_out(people.values(), notification.lane)
        cancelled = is_cancelled(self.store, notification.id)
        own = {name: one.variables for name, one in described.items() if one.variables}
        return PageContext(notification, people, refusing, renditions, now, cancelled, own, notes)

    def _cancelled(self, task: Task) -> Step:
        """What has not left never leaves."""
        cancelled = cancelled_page(self.store, task.item, task.now)
        if cancelled is None:
            return Step(finished(task.item))
        return Step(cancelled.page, others=cancelled.records)

    def _reachable(
        self, people: Mapping[str, Recipient], renditions: Mapping[str, Rendition | None]
    ) -> tuple[Mapping[str, Recipient], Mapping[str, str]]:
        """People by the channel that reaches them, with a note for each whom no call can be read out to."""
        notes: dict[str, str] = {}
        reached: dict[str, Recipient] = {}
        for name, person in people.items():
            rendition = renditions[person.language]
            channel = self.manners.instead_of_a_call(person, rendition)
            reached[name] = person if channel is None else structs.replace(person, preference=channel)
            if channel is not None and rendition is not None:
                notes[name] = f"no voice speaks {rendition.language}: sent by {channel.value} instead"
        return reached, notes

    def _copies(
        self, page: DeliveryBatch, names: Sequence[str], context: PageContext, slots: StepRates, now: datetime
    ) -> Sequence[Copy]:
        """As many copies of what is left as one commit can write and a crash may leave in doubt."""
        looked_at = [name for name in names if name in page.lines]
        stored = self.store.get_many(looked_at) if looked_at else {}
        copies: list[Copy] = []
        budget, calls, takes = WRITES, IN_DOUBT, slots.moment()
        for name in names:
            person = context.people.get(page.recipients[name])
            item = stored.get(name)
            delivery = addressed(item, name, page, person)
            copy = self._copy(delivery, item.version if item else 0, person, context, slots, now)
            budget -= copy.weight
            calls -= self._calls(copy, copies)
            if budget < 0 or calls < 0 or (isinstance(copy.plan, Send) and not takes(copy.plan.message)):
                break
            copies.append(copy)
        return copies

    def _copy(
        self,
        delivery: Delivery,
        version: int,
        person: Recipient | None,
        context: PageContext,
        slots: StepRates,
        now: datetime,
    ) -> Copy:
        if (gathered := self._gathered(delivery, context, now)) is not None:
            return Copy(delivery, version, gathered)
        if person is None:
            return Copy(delivery, version, Drop(DeliveryStatus.FAILED, "the recipient was removed"))
        if (opt_out := context.refusing.get(person.user_id)) is not None:
            return Copy(delivery, version, Drop(DeliveryStatus.SUPPRESSED, opt_out.why.sentence))
        plan = self._plan(delivery, person, context, slots, now)
        return Copy(delivery, version, plan, context.notes.get(person.user_id))

    def _plan(
        self, delivery: Delivery, person: Recipient, context: PageContext, slots: StepRates, now: datetime
    ) -> Plan:
        notification, rendition = context.notification, context.renditions[person.language]
        if delivery.status is DeliveryStatus.SENDING and notification.lane is not Lane.INCIDENT:
            return Drop(DeliveryStatus.UNKNOWN, "a worker died while sending: only a receipt can tell")
        if delivery.retry_at is not None and delivery.retry_at > now:
            return Hold(delivery.retry_at)
        reference = Reference(delivery.id, delivery.attempt + 1, urgent=notification.lane is Lane.INCIDENT)
        values = values_for(person, notification.message.variables, context.own_values.get(person.user_id, {}))
        enclosed = self._enclosed(notification)
        wanted = plan(person, rendition, values, notification.lane, reference, self.manners, now, enclosed)
        if isinstance(wanted, Send) and (rests_until := slots.rests_until(wanted.message)) is not None:
            return Hold(rests_until, idle=True)
        if not isinstance(wanted, Send) or (window := _window(notification, person.user_id)) is None:
            return wanted
        return Hold(self.digests.join(notification, person, wanted.message, window, now).until)

    def _enclosed(self, notification: Notification) -> Enclosed:
        """What its emails carry besides their words."""
        message = notification.message
        return Enclosed(message.reply_to, lambda: self.renditions.attachments(notification))

    def _paced(self, copy: Copy, context: PageContext, now: datetime) -> Copy:
        """A copy goes when its reader has not had too many lately. Asking takes a place, and so comes last."""
        is_urgent = context.notification.lane is Lane.INCIDENT
        is_gathered = _window(context.notification, copy.delivery.recipient_id) is not None
        if self.manners.free_at is None or copy.delivery.paced or is_urgent or is_gathered:
            return copy
        if not isinstance(copy.plan, Send):
            return copy
        free_at = self.manners.free_at(context.people[copy.delivery.recipient_id], now)
        if free_at > now:
            return structs.replace(copy, plan=Hold(free_at, paced=True))
        return structs.replace(copy, delivery=structs.replace(copy.delivery, paced=True))

    def _gathered(self, delivery: Delivery, context: PageContext, now: datetime) -> Plan | None:
        """What becomes of a copy that has joined a digest: whatever became of that. None for any other copy."""
        if _window(context.notification, delivery.recipient_id) is None:
            return None
        match self.digests.fate(delivery.id, context.notification, delivery.recipient_id, now):
            case Waits(until=until):
                return Hold(until)
            case Went(status=status, detail=detail):
                return Drop(status, detail)
            case None:
                return None

    def _handed_over(self, task: Task, turn: HandOver) -> Settled:
        handed = self.carriers.hand_over([message for _, message in turn.leaving], task.begin_by)
        return settle(turn, handed, task.now, [self.chance() for _ in handed])

    def _calls(self, copy: Copy, before: Sequence[Copy]) -> int:
        """What it takes of a step's calls: speech of our own takes as long as all of them may."""
        is_asked = is_in_doubt(copy, self.carriers.in_our_store)
        if not isinstance(copy.plan, Send) or not (is_asked or copy.delivery.channel is Channel.VOICE):
            return 0
        earlier = [one.plan.message for one in before if isinstance(one.plan, Send)]
        if self.carriers.joins(copy.plan.message, earlier):
            return 0
        return 1 if is_asked else IN_DOUBT

    def _marked(self, task: Task, turn: HandOver) -> HandOver:
        """Commit that some of these are about to leave; answers them with the versions that their records then have."""
        if not turn.in_doubt:
            return turn
        now = task.now
        records = [_record_item(record, task.item.lane) for record in turn.marked_records(now)]
        stored = self._checkpoint(task, turn.marked(now), Step(task.item, records), first=True)
        return turn.with_versions({item.id: item.version for item in stored[1:]})

    def _checkpoint(self, task: Task, batch: DeliveryBatch, step: Step, *, first: bool) -> Sequence[Item]:
        """Commit the marks on a batch, with what a step has to commit, and go on holding the batch."""
        # A death after this costs these copies and no others, so that the batch is no nearer to being given up. An
        # incident's are sent again: there it is.
        attempts = (task.item.attempts if first else 1) if task.item.lane is Lane.INCIDENT else 0
        item = changed_page_item(task.item, batch, task.now)
        return task.checkpoint(structs.replace(item, attempts=attempts), *step.others, spawn=step.spawn)

    def _step(self, task: Task, settled: Settled) -> Step:
        """What is committed of a turn, with the record that a phone opted out or a mailbox is gone."""
        refused = [*map(self.manners.told_by_provider, settled.opted_out), *map(self.manners.bounced, settled.gone)]
        return Step(
            changed_page_item(task.item, settled.batch, settled.due_at),
            others=[_record_item(record, task.item.lane) for record in settled.records],
            spawn=[*settled.children, *refused],
        )


def _window(notification: Notification, recipient: str) -> timedelta | None:
    """How long a copy gathers in a digest; None where it is sent by itself: a digest names stored profiles alone."""
    is_alone = notification.lane is Lane.INCIDENT or is_guest(recipient)
    return None if is_alone else notification.message.digest


def _idle_until(copies: Sequence[Copy]) -> datetime | None:
    """When to look at a page again of which nothing can leave; None if there is something to do, or to write down."""
    holds = [copy.plan for copy in copies if isinstance(copy.plan, Hold) and copy.plan.idle]
    return min(hold.until for hold in holds) if holds and len(holds) == len(copies) else None


def _booked(copies: Sequence[Copy], slots: StepRates) -> datetime:
    """When rates let these copies go."""
    return slots.book(copy.plan.message for copy in copies if isinstance(copy.plan, Send))


def _waiting(task: Task, batch: DeliveryBatch, later: Later) -> Step:
    return Step(changed_page_item(task.item, later.of(batch, task.now), later.until))


def _record_item(record: DeliveryRecord, lane: Lane) -> Item:
    return delivery_item(record.delivery, record.version, lane, silent_at=record.silent_at)
