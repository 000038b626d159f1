"""Sending what an incident says: pages, reminders, answers, summaries.

Nothing here is held back by quiet hours or a recipient's limit. A page whose fate is unknown, or whose worker died, is
sent again: a second page is better than none.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec import structs

from service.channels import Accepted, Outcome, Reason, Reference, Refused, Unknown
from service.channels.carrier import Handed
from service.channels.carrier import Message as Outbound
from service.escalate.books import Books
from service.escalate.events import DeliveryFailed, Failure
from service.escalate.incident import Acknowledged, Cancelled, Contact, Incident, Open
from service.escalate.incidents import Incidents, log
from service.escalate.items import (
    Fate,
    Outgoing,
    PhoneAnswer,
    Summary,
    outgoing_of,
    sent_item,
)
from service.escalate.links import Links
from service.escalate.phonebook import PhoneBook, Standing
from service.escalate.policy import PAGING, Role
from service.escalate.record import IncidentRecord
from service.escalate.steps import change_of
from service.escalate.wording import Wording
from service.messages.carriers import Carriers, Slots
from service.messages.optouts import OptOut, OptOuts, Why
from service.records import from_state, to_state
from service.storage import Item
from service.words import Channel, Lane
from service.work import POLICIES, Step, Task, finished, postponed, waiting
from service.work.rates import wait_until_booked

SUMMARY_CODES = 20
"""Codes that one summary or question lists: as many as a person reads."""

_FAILURES = {
    Reason.OPTED_OUT: Failure.OPTED_OUT,
    Reason.ADDRESS: Failure.REFUSED,
    Reason.BLOCKED: Failure.REFUSED,
    Reason.ONE_WAY: Failure.ONE_WAY,
    Reason.CONTENT: Failure.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Sender:
    """Handles messages of incidents, answers to phones and summaries."""

    incidents: Incidents
    wording: Wording
    carriers: Carriers
    slots: Slots
    opt_outs: OptOuts
    links: Links | None = None
    chance: Callable[[], float] = random.random

    def message(self, task: Task) -> Step:
        """Send one message of an incident, and tell the incident when it cannot arrive."""
        outgoing = replace(outgoing_of(task.item), attempt=task.item.attempts)
        record = self.incidents.get(outgoing.incident_id)
        if not _is_needed(record.incident, outgoing):
            return Step(sent_item(task.item, replace(outgoing, fate=Fate.DROPPED)))
        contact = record.incident.contacts[outgoing.contact - 1]
        if (opt_out := self._opt_out(contact, outgoing.channel)) is not None:
            refused = Refused(Reason.OPTED_OUT, opt_out.why.sentence)
            return self._after(task, outgoing, record, Handed(refused))
        message = self._worded(task, outgoing, record.incident)
        now = task.now  # read once: a slot that is free now must not lie ahead of the clock's next reading
        if (waits := wait_until_booked(task, lambda: self.slots.at(now).book([message]))) is not None:
            return Step(waits)
        return self._after(task, outgoing, record, self._hand_over(task, message))

    def buried(self, item: Item, why: str) -> Step:
        """What a message that was begun too often commits: the incident must not go on waiting for its answer."""
        outgoing = replace(outgoing_of(item), fate=Fate.FAILED, detail=why)
        return self._failed(item, outgoing, Failure.UNDELIVERED, self.incidents.clock.now())

    def answer(self, task: Task) -> Step:
        """Send one answer to a phone; it is not worth more than one attempt at a time."""
        answer = from_state(PhoneAnswer, task.item.state)
        if not answer.commanded and self.opt_outs.ending_phone(answer.to, Lane.INCIDENT) is not None:
            return Step(finished(task.item))
        reference = Reference(task.item.id, task.item.attempts)
        sms = self.wording.sms(answer.to, answer.language, answer.template, answer.variables, reference)
        return self._sent_or_again(task, self._hand_over(task, sms), books=None)

    def summary(self, task: Task) -> Step:
        """Send the codes of the pages that a storm held back."""
        summary = from_state(Summary, task.item.state)
        books = Books(self.incidents.store, self.incidents.keys)
        held = _still_open(books[summary.to])
        books[summary.to] = books[summary.to].summarised()
        if not held or self.opt_outs.ending_phone(summary.to, Lane.INCIDENT) is not None:
            return Step(finished(task.item), others=books.changed())
        reference = Reference(task.item.id, task.item.attempts)
        sms = self.wording.sms(summary.to, summary.language, "incident-storm", codes_of(held), reference)
        return self._sent_or_again(task, self._hand_over(task, sms), books)

    def _worded(self, task: Task, outgoing: Outgoing, incident: Incident) -> Outbound:
        link = self.links.of(incident, outgoing) if self.links is not None else None
        return self.wording.of_message(incident, outgoing, Reference(task.item.id, outgoing.attempt), link)

    def _hand_over(self, task: Task, message: Outbound) -> Handed:
        return self.carriers.hand_over([message], task.begin_by)[0]

    def _opt_out(self, contact: Contact, channel: Channel) -> OptOut | None:
        """What keeps even an incident from a contact: STOP, or a mailbox that is gone."""
        if channel is Channel.EMAIL:
            return None if contact.email is None else self.opt_outs.ending_email(contact.email, Lane.INCIDENT)
        return None if contact.phone is None else self.opt_outs.ending_phone(contact.phone, Lane.INCIDENT)

    def _after(self, task: Task, outgoing: Outgoing, record: IncidentRecord, handed: Handed) -> Step:
        if isinstance(handed.outcome, Refused) and handed.outcome.untried:
            return Step(postponed(task.item, task.now + handed.outcome.retry_after))
        retry_at = self._retry_at(task, handed.outcome)
        match handed.outcome:
            case Accepted(provider_id=provider_id):
                accepted = replace(outgoing, fate=Fate.ACCEPTED, provider_id=provider_id)
                return Step(sent_item(task.item, accepted), spawn=handed.writes)
            case Refused(reason=reason, detail=detail):
                if reason is Reason.OPTED_OUT:
                    self._remember_opt_out(record.incident.contacts[outgoing.contact - 1], outgoing.channel)
                if retry_at is not None:
                    return Step(_again(task.item, retry_at, replace(outgoing, detail=detail)))
                failed = replace(outgoing, fate=Fate.FAILED, detail=f"{reason.value}: {detail}")
                return self._failed(task.item, failed, _FAILURES.get(reason, Failure.UNDELIVERED), task.now)
            case Unknown(detail=detail):
                if retry_at is not None:
                    return Step(_again(task.item, retry_at, replace(outgoing, detail=detail)))
                return Step(sent_item(task.item, replace(outgoing, fate=Fate.UNKNOWN, detail=detail)))

    def _retry_at(self, task: Task, outcome: Outcome) -> datetime | None:
        policy = POLICIES[Lane.INCIDENT]
        permanent = isinstance(outcome, Accepted) or (isinstance(outcome, Refused) and outcome.permanent)
        if permanent or task.item.attempts >= policy.max_attempts:
            return None
        wait = policy.backoff.wait(task.item.attempts, self.chance())
        return task.now + (max(wait, outcome.retry_after) if isinstance(outcome, Refused) else wait)

    def _remember_opt_out(self, contact: Contact, channel: Channel) -> None:
        if channel is not Channel.EMAIL and contact.phone is not None:
            self.opt_outs.add_phone(contact.phone, Why.PROVIDER)

    def _failed(self, claimed: Item, outgoing: Outgoing, why: Failure, now: datetime) -> Step:
        """The message's end and what the incident makes of it, in one commit."""
        item = sent_item(claimed, outgoing)
        if outgoing.role not in PAGING:
            return Step(item)
        books = Books(self.incidents.store, self.incidents.keys)
        failed = failure(item.id, outgoing, why, now)
        changed = change_of(self.incidents.item(outgoing.incident_id), failed, books)
        if changed is None:
            return Step(item)
        log(changed.record)
        return Step(item, others=[changed.item, *books.changed()], spawn=changed.spawn, audit=changed.audit)

    def _sent_or_again(self, task: Task, handed: Handed, books: Books | None) -> Step:
        if isinstance(handed.outcome, Refused) and handed.outcome.untried:
            return Step(postponed(task.item, task.now + handed.outcome.retry_after))
        retry_at = self._retry_at(task, handed.outcome)
        if retry_at is not None:
            return Step(_again(task.item, retry_at))
        return Step(finished(task.item), others=books.changed() if books else [], spawn=handed.writes)


def failure(name: str, outgoing: Outgoing, why: Failure, at: datetime) -> DeliveryFailed:
    """The event that a message could not arrive."""
    return DeliveryFailed(name, at, outgoing.contact, outgoing.level, outgoing.channel, why)


def codes_of(pages: Sequence[tuple[int, str]]) -> dict[str, str | int]:
    """The variables of a text that lists codes, latest first."""
    codes = list(dict.fromkeys(code for code, _ in pages))
    shown = ", ".join(str(code) for code in codes[:SUMMARY_CODES]) + (", …" if len(codes) > SUMMARY_CODES else "")
    return {"count": len({incident for _, incident in pages}), "codes": shown, "code": str(codes[0])}


def _still_open(book: PhoneBook) -> list[tuple[int, str]]:
    pages = [page for page in reversed(book.pages) if page.code in book.held and page.standing is Standing.OPEN]
    return [(page.code, page.incident_id) for page in pages]


def _is_needed(incident: Incident, outgoing: Outgoing) -> bool:
    """Nobody is paged once it is over; a reminder is for the level that is waiting."""
    if outgoing.role not in PAGING:
        return True
    match incident.state:
        case Acknowledged() | Cancelled():
            return False
        case Open(level=level):
            return outgoing.role is not Role.REMINDER or outgoing.level == level
        case _:
            return outgoing.role is Role.LAST_RESORT


def _again(item: Item, at: datetime, outgoing: Outgoing | None = None) -> Item:
    # Attempts go on counting: `waiting` would begin afresh.
    later = waiting(item, at, None if outgoing is None else to_state(outgoing))
    return structs.replace(later, attempts=item.attempts)
