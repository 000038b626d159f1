"""Sending what an incident says: pages, reminders, answers, summaries.

Quiet hours and a recipient's limits do not apply here. A page whose fate is unknown, or whose worker died, is
sent again: a second page is better than none.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from msgspec import structs

from service.channels import (
    CHANNELS,
    Accepted,
    ContactKind,
    Email,
    Message,
    Outcome,
    Reason,
    Reference,
    Refused,
    ReplyAddress,
    SendResult,
    Unknown,
)
from service.core import Channel, Lane, from_state, to_state
from service.escalate.events import Failure
from service.escalate.incident import Contact, Incident
from service.escalate.incidents import Incidents
from service.escalate.items import (
    BY_LINK,
    BY_MAIL_TOKEN,
    Fate,
    MailAnswer,
    Outgoing,
    OwnerNotice,
    PhoneAnswer,
    outgoing_of,
    sent_item,
)
from service.escalate.links import Link, Links
from service.escalate.policy import PAGING, Role
from service.escalate.results import ReadIncident, committed, failure, failure_of, read, sent
from service.escalate.states import Acknowledged, Cancelled, Open, Resolved
from service.escalate.wording import Wording
from service.messages import Carriers, OptOut, OptOutReason, OptOuts, RateLimiter, Urgency
from service.storage import Item
from service.work import LOOK, POLICIES, Commit, LanePauses, Task, finished, postponed, wait_until_booked, waiting

TRIED_SLOWLY = timedelta(minutes=1)
"""How long a page waits between tries, once it was refused more often than its lane allows."""

_URGENCY = {Role.PAGE: Urgency.PAGE, Role.LAST_RESORT: Urgency.PAGE, Role.REMINDER: Urgency.REMINDER}
"""Roles that ask somebody to act; all others inform."""


@dataclass(frozen=True, slots=True)
class PageSend:
    """A message that is being sent, the incident it is `about`, and when a provider was asked to take it."""

    task: Task
    outgoing: Outgoing
    about: ReadIncident
    contact: Contact
    begun_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncidentSender:
    """Handles messages of incidents and answers to phones."""

    incidents: Incidents
    wording: Wording
    carriers: Carriers
    slots: RateLimiter
    opt_outs: OptOuts
    links: Links | None = None
    reply_to: ReplyAddress | None = None
    pauses: LanePauses | None = None
    chance: Callable[[], float] = random.random

    def message(self, task: Task) -> Commit:
        """Send one message of an incident, and apply to the incident that it left or cannot arrive."""
        outgoing = replace(outgoing_of(task.item), attempt=task.item.attempts)
        about = read(self.incidents, outgoing.incident_id)
        incident = about.record.incident
        if not _is_needed(incident, outgoing):
            return Commit(sent_item(task.item, replace(outgoing, fate=Fate.DROPPED)))
        contact = incident.contacts[outgoing.contact - 1]
        if (opt_out := self._opt_out(contact, outgoing.channel)) is not None:
            refused = Refused(Reason.OPTED_OUT, opt_out.why.sentence)
            return self._after(PageSend(task, outgoing, about, contact, None), SendResult(refused))
        if outgoing.channel is Channel.EMAIL and outgoing.role in PAGING and self.reply_to is not None:
            self._take_answers(task, self.reply_to)
        link = None if self.links is None else self.links.of(incident, outgoing, task.item.id)
        if link is not None:
            outgoing = replace(outgoing, link_until=link.until)
            task.item = structs.replace(task.item, keys={**task.item.keys, BY_LINK: link.hash})
        message = self._worded(task, outgoing, incident, link)
        if message is None:
            refused = Refused(Reason.ADDRESS, f"the contact has no address for {outgoing.channel}")
            return self._after(PageSend(task, outgoing, about, contact, None), SendResult(refused))
        if (waits := self._waits(task, message)) is not None:
            return Commit(waits)
        sending = PageSend(task, outgoing, about, contact, _begun_at(task, incident))
        return self._after(sending, self.hand_over(task, message))

    def on_dead(self, item: Item, why: str) -> Commit:
        """What a message that was begun too often commits: the incident must not go on waiting for its answer."""
        outgoing = replace(outgoing_of(item), fate=Fate.FAILED, detail=why)
        about = read(self.incidents, outgoing.incident_id)
        return self._failed(item, outgoing, about, Failure.UNDELIVERED, self.incidents.clock.now())

    def answer(self, task: Task) -> Commit:
        """Send one answer to a phone; it is not worth more than one attempt at a time."""
        answer = from_state(PhoneAnswer, task.item.state)
        if not answer.commanded and self.opt_outs.ending_phone(answer.to, Lane.INCIDENT) is not None:
            return Commit(finished(task.item))
        reference = Reference(task.item.id, task.item.attempts, urgent=True)
        sms = self.wording.sms(answer.to, answer.language, (answer.template, *answer.then), answer.variables, reference)
        if (waits := self.turn(task, sms, Urgency.INCIDENT)) is not None:
            return Commit(waits)
        return self._sent_or_again(task, self.hand_over(task, sms))

    def owner_notice(self, task: Task) -> Commit:
        """Tell the owner of a policy what became of one of its contacts."""
        notice = from_state(OwnerNotice, task.item.state)
        reference = Reference(task.item.id, task.item.attempts, urgent=True)
        message = self.wording.notice(notice.to, notice.template, notice.variables, reference)
        if message is None:
            return Commit(finished(task.item))
        if (waits := self.turn(task, message, Urgency.INCIDENT)) is not None:
            return Commit(waits)
        return self._sent_or_again(task, self.hand_over(task, message))

    def mail_answer(self, task: Task) -> Commit:
        """Tell a contact that what they mailed could not be read as an answer, and how to answer."""
        answer = from_state(MailAnswer, task.item.state)
        incident = read(self.incidents, answer.incident_id).record.incident
        contact = incident.contact(answer.contact)
        if contact is None or contact.email is None or self._opt_out(contact, Channel.EMAIL) is not None:
            return Commit(finished(task.item))
        outgoing = Outgoing(
            incident_id=answer.incident_id,
            number=answer.number,
            role=Role.UNCLEAR,
            contact=answer.contact,
            level=answer.level,
            channel=Channel.EMAIL,
        )
        message = self._worded(task, outgoing, incident)
        if message is None:
            return Commit(finished(task.item))
        return self._sent_or_again(task, self.hand_over(task, message))

    def _take_answers(self, task: Task, address: ReplyAddress) -> None:
        """Let the message be found by the token in its reply address."""
        if address.is_tagged:
            keys = {**task.item.keys, BY_MAIL_TOKEN: address.tokens.of(task.item.id)}
            task.item = structs.replace(task.item, keys=keys)

    def _worded(self, task: Task, outgoing: Outgoing, incident: Incident, link: Link | None = None) -> Message | None:
        reference = Reference(task.item.id, outgoing.attempt, urgent=True)
        message = self.wording.of_message(incident, outgoing, reference, task.now, None if link is None else link.url)
        if isinstance(message, Email) and outgoing.role in PAGING and self.reply_to is not None:
            return structs.replace(message, reply_to=self.reply_to.of(task.item.id))
        return message

    def hand_over(self, task: Task, message: Message) -> SendResult:
        """Ask the carrier of a message's channel to take it."""
        return self.carriers.hand_over([message], task.begin_by)[0]

    def turn(self, task: Task, message: Message, urgency: Urgency) -> Item | None:
        """The item of a message that is no incident's own put off until its turn; None if its provider may be asked."""
        slots = self.slots.at(task.now, urgency)
        if slots.rests_until(message) is not None:
            return None  # the caller says so, and for how long
        return wait_until_booked(task, lambda: slots.book([message]))

    def _waits(self, task: Task, message: Message) -> Item | None:
        """The message's item put off while its providers are left alone, or until its turn; None if it may leave."""
        now, stored = task.now, outgoing_of(task.item)  # read once: a free slot must not lie ahead of the next reading
        if self.pauses is not None and self.pauses.is_paused(Lane.INCIDENT):
            held = replace(stored, held=True, detail="its lane is paused")
            return postponed(task.item, now + LOOK, {**task.item.state, **to_state(held)})
        slots = self.slots.at(now, _URGENCY.get(stored.role, Urgency.INCIDENT))
        if (until := slots.rests_until(message)) is not None:
            held = replace(stored, held=True, detail="its providers keep failing and are left alone")
            return postponed(task.item, until, {**task.item.state, **to_state(held)})
        if stored.held and stored.attempt == 0:  # it was never refused, and nobody is left alone any more
            task.item = structs.replace(task.item, state={**task.item.state, "held": False})
        return wait_until_booked(task, lambda: slots.book([message]))

    def _opt_out(self, contact: Contact, channel: Channel) -> OptOut | None:
        """What keeps even an incident from a contact: STOP, or a mailbox that is gone."""
        address, kind = contact.address(channel), CHANNELS[channel].opted_out_by
        return None if address is None or kind is None else self.opt_outs.ending(kind, address, Lane.INCIDENT)

    def _after(self, sending: PageSend, handed: SendResult) -> Commit:
        task, outgoing, outcome = sending.task, sending.outgoing, handed.outcome
        if isinstance(outcome, Refused) and outcome.untried:
            held = replace(outgoing_of(task.item), held=True, detail=outcome.detail)
            return Commit(postponed(task.item, task.now + outcome.retry_after, to_state(held)))
        retry_at = self.retry_at(task, outcome)
        match outcome:
            case Accepted(provider_id=provider_id):
                accepted = replace(outgoing, fate=Fate.ACCEPTED, provider_id=provider_id)
                return self._left(sending, sent_item(task.item, accepted), handed.writes)
            case Refused(reason=reason, detail=detail):
                if reason is Reason.OPTED_OUT:
                    self._remember_opt_out(sending.contact, outgoing.channel)
                if outcome.gone and sending.contact.email is not None:
                    self.opt_outs.add_email(sending.contact.email, OptOutReason.BOUNCE)
                if retry_at is not None:
                    return Commit(_tried_again(task.item, retry_at, outgoing, detail))
                if not outcome.permanent and _lasts(sending):
                    return Commit(_tried_slowly(task, outgoing, outcome))
                failed = replace(outgoing, fate=Fate.FAILED, detail=f"{reason.value}: {detail}")
                return self._failed(task.item, failed, sending.about, failure_of(reason), task.now)
            case Unknown(detail=detail):
                if retry_at is not None:
                    return self._may_have_left(sending, _tried_again(task.item, retry_at, outgoing, detail))
                unknown = replace(outgoing, fate=Fate.UNKNOWN, detail=detail)
                return self._may_have_left(sending, sent_item(task.item, unknown))

    def _left(self, sending: PageSend, item: Item, writes: Sequence[Item] = ()) -> Commit:
        event = sent(sending.outgoing, sending.task.now, sending.begun_at)
        return committed(self.incidents, item, sending.about, event, writes)

    def _may_have_left(self, sending: PageSend, item: Item) -> Commit:
        """The wait begins with the first try in doubt: further ones make it no longer."""
        page = sending.about.record.incident.page(sending.outgoing.level, sending.outgoing.contact)
        if page is not None and page.sent >= sending.outgoing.number:
            return Commit(item)
        return self._left(sending, item)

    def retry_at(self, task: Task, outcome: Outcome) -> datetime | None:
        """When to try again; None if it was taken, refused for good, or tried often enough."""
        policy = POLICIES[Lane.INCIDENT]
        permanent = isinstance(outcome, Accepted) or (isinstance(outcome, Refused) and outcome.permanent)
        if permanent or task.item.attempts >= policy.max_attempts:
            return None
        wait = policy.backoff.wait(task.item.attempts, self.chance())
        return task.now + (max(wait, outcome.retry_after) if isinstance(outcome, Refused) else wait)

    def _remember_opt_out(self, contact: Contact, channel: Channel) -> None:
        if CHANNELS[channel].opted_out_by is ContactKind.PHONE and contact.phone is not None:
            self.opt_outs.add_phone(contact.phone, OptOutReason.PROVIDER)

    def _failed(self, claimed: Item, outgoing: Outgoing, about: ReadIncident, why: Failure, now: datetime) -> Commit:
        item = sent_item(claimed, outgoing)
        event = failure(item.id, outgoing, why, now) if outgoing.role in PAGING else None
        return committed(self.incidents, item, about, event)

    def _sent_or_again(self, task: Task, handed: SendResult) -> Commit:
        if isinstance(handed.outcome, Refused) and handed.outcome.untried:
            return Commit(postponed(task.item, task.now + handed.outcome.retry_after))
        retry_at = self.retry_at(task, handed.outcome)
        if retry_at is not None:
            return Commit(again(task.item, retry_at))
        return Commit(finished(task.item), spawn=handed.writes)


def _is_needed(incident: Incident, outgoing: Outgoing) -> bool:
    """Nobody is paged once it is over, nor by a page or reminder of a level that was left, or that another replaced."""
    if outgoing.role is Role.STILL_ON_IT:
        return isinstance(incident.state, Acknowledged) and incident.state.asked > 0
    if outgoing.role not in PAGING:
        return True
    match incident.state:
        case Acknowledged() | Cancelled() | Resolved():
            return False
        case Open(level=level):
            page = incident.page(outgoing.level, outgoing.contact)
            replaced = page is not None and page.message > outgoing.number
            return outgoing.role is Role.LAST_RESORT or (outgoing.level == level and not replaced)
        case _:
            return outgoing.role is Role.LAST_RESORT


def _lasts(sending: PageSend) -> bool:
    """Whether a page is tried until its level is over: where its contact has no other channel, nothing is gained by
    giving up before."""
    outgoing, incident = sending.outgoing, sending.about.record.incident
    if outgoing.role not in (Role.PAGE, Role.REMINDER):
        return False
    return not incident.has_other_channel(outgoing.level, sending.contact, outgoing.channel)


def _tried_slowly(task: Task, outgoing: Outgoing, refused: Refused) -> Item:
    """Half of the tries are given back: a worker that dies in the next one must not use up the last."""
    attempts = POLICIES[Lane.INCIDENT].max_attempts // 2
    at = task.now + max(TRIED_SLOWLY, refused.retry_after)
    item = structs.replace(task.item, attempts=attempts)
    return _tried_again(item, at, replace(outgoing, attempt=attempts), f"{refused.reason.value}: {refused.detail}")


def _begun_at(task: Task, incident: Incident) -> datetime:
    """When a provider was first asked to take this message, at the earliest.

    That is now, unless a try before it never told its outcome, for its worker died: that one may have succeeded.
    """
    stored = outgoing_of(task.item)
    if task.item.attempts <= stored.attempt + 1:
        return task.now
    return may_have_begun_at(stored, incident) or task.now


def may_have_begun_at(outgoing: Outgoing, incident: Incident) -> datetime | None:
    """Before when a message was surely not handed over; None if the incident knows no page of it."""
    page = incident.page(outgoing.level, outgoing.contact)
    return outgoing.not_before or (None if page is None else page.at)


def _tried_again(item: Item, at: datetime, outgoing: Outgoing, detail: str) -> Item:
    return again(item, at, to_state(replace(outgoing, detail=detail, held=True, not_before=at)))


def again(item: Item, at: datetime, state: Mapping[str, object] | None = None) -> Item:
    """The item to be tried again at `at`; its attempts go on counting: `waiting` would begin afresh."""
    return structs.replace(waiting(item, at, state), attempts=item.attempts)
