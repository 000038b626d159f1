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

from service.channels import Accepted, Email, Handed, Message, Outcome, Reason, Reference, Refused, Sms, VoiceCall
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
from service.notify.receipts import SILENCE
from service.notify.renditions import Renditions
from service.notify.turn import Done, Later, Onward
from service.recipients import Directory, Recipient
from service.storage import Item, Store
from service.work import LOOK, POLICIES, LanePauses, Permanent, Step, Task, finished, postponed

logger = logging.getLogger(__name__)

WRITES = 98
"""What one step of a page may write: the rest of a commit is for the page itself."""

IN_DOUBT = 4
"""Calls to providers in one step: a crash leaves no more than what rides in these in doubt."""

FRESH = timedelta(seconds=2)
"""How long a page goes by what it read of its readers: whoever says STOP meanwhile is heeded after that."""

SOONEST = timedelta(seconds=1)
"""How soon a page that waits is looked at again at the earliest, whatever the reason for waiting says."""


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
        """Send what is left of a page, or say when to come back."""
        page = page_of(task.item).redriven()
        context = self._context(page, self._notification(page.notification_id), task.now)
        if context.is_cancelled:
            return self._cancelled(task)
        if self.pauses.is_paused(task.item.lane):
            waiting = changed_page_item(task.item, stalls.queued(page, LOOK), task.now + LOOK)
            return Step(postponed(waiting, task.now + LOOK))
        wanted = self._next(page, page.left, context, task.now)
        if isinstance(wanted, Later):
            item = changed_page_item(task.item, wanted.of(page, task.now), wanted.until)
            return Step(postponed(item, wanted.until))
        return self._sent(task, page, context, wanted)

    def _sent(self, task: Task, page: DeliveryBatch, context: PageContext, copies: Sequence[Copy]) -> Step:
        """Hand copies over, and, while nothing is in the way, those after them that nobody has looked at yet."""
        versions = {copy.delivery.id: copy.version for copy in copies}
        versions |= self._mark(task, page, copies)
        while True:
            done = self._handed_over(task, page, copies, versions)
            onward = self._onward(task, done, context)
            if not isinstance(onward, Onward):
                return done.step if onward is None else done.booked(task, onward)
            marked = done.page.with_deliveries(self._sendings(onward.copies, task.now))
            self._checkpoint(task, marked, done.step, first=False)
            page, context, copies = marked, onward.context, onward.copies
            versions = dict.fromkeys((copy.delivery.id for copy in copies), 0)

    def _onward(self, task: Task, done: Done, context: PageContext) -> Onward | Later | None:
        """What goes on at once, its mark riding in the commit of what was just done; None if nothing does."""
        untouched = done.page.untouched
        if task.is_to_end or not done.called or not untouched:
            return None
        try:
            if self.pauses.is_paused(task.item.lane):
                return None
            if task.now - context.at > FRESH:
                context = self._context(done.page, context.notification, task.now)
            if context.is_cancelled:
                return None
            wanted = self._next(done.page, untouched, context, task.now)
        except Exception as error:  # noqa: BLE001  (what was sent is written down first; the next turn meets the same)
            logger.warning("A page goes on in another turn: %s", type(error).__name__, extra={"item_id": task.item.id})
            return None
        if isinstance(wanted, Later):
            return wanted if wanted.is_booked else None
        return Onward(context, wanted)

    def _next(
        self, page: DeliveryBatch, names: Sequence[str], context: PageContext, now: datetime
    ) -> Sequence[Copy] | Later:
        """The copies to be handled now, or when there will be some."""
        lane = context.notification.lane
        slots = self.slots.at(now, Urgency(lane))
        copies = self._copies(page, names, context, slots, now)
        if (rests_until := _idle_until(copies)) is not None:
            if stalls.is_over(page, lane, now):
                given_up = stalls.given_up(lane, "its providers are left alone")
                return [structs.replace(copy, plan=given_up) for copy in copies]
            return Later(rests_until)
        if not page.slots_booked and (until := _booked(copies, slots)) > now:
            return Later(until, is_booked=True)
        return [self._paced(copy, context, now) for copy in copies]

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

    def _handed_over(
        self, task: Task, page: DeliveryBatch, copies: Sequence[Copy], versions: Mapping[str, int]
    ) -> Done:
        sends = [(copy, copy.plan.message) for copy in copies if isinstance(copy.plan, Send)]
        outcomes = self.carriers.hand_over([message for _, message in sends], task.begin_by)
        handed = [self._remembered(message, each) for (_, message), each in zip(sends, outcomes, strict=True)]
        now = task.now
        after = [self._after(copy, each.outcome, page, task) for (copy, _), each in zip(sends, handed, strict=True)]
        unsent = [copy.unsent(now) for copy in copies if not isinstance(copy.plan, Send)]
        heard_of = [self._kept(one, versions[one.id], task) for one in after]
        kept = [delivery_item(one, versions[one.id], task.item.lane) for one in unsent]
        moved = stalls.after(page, [each.outcome for each in handed], now)
        changed = structs.replace(moved.with_deliveries([*after, *unsent]), slots_booked=False)
        step = _step(task, changed, [*after, *unsent], [*heard_of, *kept], handed)
        return Done(step, changed, called=any(map(self._is_in_doubt, copies)))

    def _remembered(self, message: Message, handed: Handed) -> Handed:
        """With the record that the phone opted out or the mailbox is gone, if that is why it was refused."""
        if isinstance(message, Email) and isinstance(handed.outcome, Refused) and handed.outcome.gone:
            return Handed(handed.outcome, (*handed.writes, self.manners.bounced(message.to)))
        opted_out = isinstance(handed.outcome, Refused) and handed.outcome.reason is Reason.OPTED_OUT
        if not opted_out or not isinstance(message, Sms | VoiceCall):
            return handed
        return Handed(handed.outcome, (*handed.writes, self.manners.told_by_provider(message.to.e164)))

    def _kept(self, delivery: Delivery, version: int, task: Task) -> Item:
        """The record of a delivery that was handed over; one that a provider took waits for its receipt."""
        by_provider = delivery.channel not in self.carriers.in_our_store
        waits = by_provider and delivery.status is DeliveryStatus.ACCEPTED
        return delivery_item(delivery, version, task.item.lane, silent_at=task.now + SILENCE if waits else None)

    def _is_in_doubt(self, copy: Copy) -> bool:
        return isinstance(copy.plan, Send) and copy.delivery.channel not in self.carriers.in_our_store

    def _calls(self, copy: Copy, before: Sequence[Copy]) -> int:
        """What it takes of a step's calls: speech of our own takes as long as all of them may."""
        if not isinstance(copy.plan, Send) or not (self._is_in_doubt(copy) or copy.delivery.channel is Channel.VOICE):
            return 0
        earlier = [one.plan.message for one in before if isinstance(one.plan, Send)]
        if self.carriers.joins(copy.plan.message, earlier):
            return 0
        return 1 if self._is_in_doubt(copy) else IN_DOUBT

    def _mark(self, task: Task, page: DeliveryBatch, copies: Sequence[Copy]) -> Mapping[str, int]:
        """Commit that some of these are about to be sent; answers the versions that changed by it.

        A record that is there already is marked too: receipts of the attempt before look at it.
        """
        in_doubt = [copy for copy in copies if self._is_in_doubt(copy)]
        if not in_doubt:
            return {}
        sending = {copy.delivery.id: copy for copy in in_doubt if copy.version or copy.delivery.attempt}
        records = [
            delivery_item(copy.delivery.sending(task.now), copy.version, task.item.lane) for copy in sending.values()
        ]
        marked = page.with_deliveries(self._sendings(copies, task.now))
        stored = self._checkpoint(task, marked, Step(task.item, records), first=True)
        return {item.id: item.version for item in stored[1:]}

    def _sendings(self, copies: Sequence[Copy], now: datetime) -> Sequence[Delivery]:
        return [copy.delivery.sending(now) for copy in copies if self._is_in_doubt(copy)]

    def _checkpoint(self, task: Task, page: DeliveryBatch, step: Step, *, first: bool) -> Sequence[Item]:
        """Commit the marks on a page, with what a step has to commit, and go on holding the page."""
        # A death after this costs these copies and no others, so that the page is no nearer to being given up. An
        # incident's are sent again: there it is.
        attempts = (task.item.attempts if first else 1) if task.item.lane is Lane.INCIDENT else 0
        item = changed_page_item(task.item, page, task.now)
        return task.checkpoint(structs.replace(item, attempts=attempts), *step.others, spawn=step.spawn)

    def _after(self, copy: Copy, outcome: Outcome, page: DeliveryBatch, task: Task) -> Delivery:
        if isinstance(outcome, Accepted):
            return structs.replace(copy.delivery.after(outcome, task.now, None), detail=copy.note)
        if not isinstance(outcome, Refused):
            return copy.delivery.after(outcome, task.now, None)
        if outcome.untried and stalls.is_over(page, task.item.lane, task.now):
            drop = stalls.given_up(task.item.lane, outcome.detail)
            return copy.delivery.moved(drop.status, task.now, drop.detail)
        return copy.delivery.after(outcome, task.now, self._again_at(copy, outcome, page, task))

    def _again_at(self, copy: Copy, refused: Refused, page: DeliveryBatch, task: Task) -> datetime | None:
        """When a refused copy may be tried again; None when it was tried often enough."""
        now = task.now
        if refused.untried:
            return stalls.again_at(page, refused, now)
        policy, attempt = POLICIES[task.item.lane], copy.delivery.attempt + 1
        if attempt >= policy.max_attempts:
            return None
        return now + max(policy.backoff.wait(attempt, self.chance()), refused.retry_after)


def _window(notification: Notification, recipient: str) -> timedelta | None:
    """How long a copy gathers in a digest; None where it is sent by itself: a digest names stored profiles alone."""
    is_alone = notification.lane is Lane.INCIDENT or is_guest(recipient)
    return None if is_alone else notification.message.digest


def _idle_until(copies: Sequence[Copy]) -> datetime | None:
    """When to look at a page again of which nothing can leave; None if there is something to do, or to write down."""
    holds = [copy.plan for copy in copies if isinstance(copy.plan, Hold) and copy.plan.idle]
    return min(hold.until for hold in holds) if holds and len(holds) == len(copies) else None


def _not_at_once(waits_until: datetime | None, now: datetime) -> datetime | None:
    """A page that waits for an instant that is over would be committed over and over."""
    return now + SOONEST if waits_until is not None and waits_until <= now else waits_until


def _booked(copies: Sequence[Copy], slots: StepRates) -> datetime:
    """When rates let these copies go."""
    return slots.book(copy.plan.message for copy in copies if isinstance(copy.plan, Send))


def _step(
    task: Task, page: DeliveryBatch, deliveries: Sequence[Delivery], kept: Sequence[Item], handed: Sequence[Handed]
) -> Step:
    waits = {one.id: one.retry_at for one in deliveries if one.retry_at is not None}
    untouched = any(name not in waits for name in page.left)
    due_at = task.now if untouched else _not_at_once(min(waits.values(), default=None), task.now)
    return Step(
        changed_page_item(task.item, page, due_at),
        others=kept,
        spawn=[write for result in handed for write in result.writes],
    )
