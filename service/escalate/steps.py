"""One event of an incident as one commit: the incident, the books of the phones it concerns, its messages, its audit.

Codes are given out here, in the same commit as the page that carries them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.core import Channel, exact_json, ids, timestamp
from service.escalate.callbacks import owed
from service.escalate.effects import Effects, IncidentMessage
from service.escalate.events import DeliveryFailed, Event, Opened, PageSent, Reply, Timer
from service.escalate.gathering import GROUPS, GatheredNotice, leaves_at
from service.escalate.incident import Contact, Incident
from service.escalate.items import GatheredMessage, Summary, digest_item, incident_item, message_item, summary_item
from service.escalate.page import PageAttempt
from service.escalate.phone_book_changes import PhoneBooks
from service.escalate.phonebook import PAGES_APART, ListedPage, Standing
from service.escalate.policy import Role
from service.escalate.record import IncidentRecord, lines
from service.escalate.states import Acknowledged, Cancelled, Open, Unacknowledged
from service.escalate.transition import transition
from service.messages import Ruling, RulingCommit, RulingWord
from service.storage import AuditEntry, Item


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """What one event comes to; the books it changed are the caller's to commit with it."""

    record: IncidentRecord
    item: Item
    spawn: Sequence[Item]
    audit: Sequence[AuditEntry]
    alarms: bool = False
    """Whether the operator must be told that no page of the incident could be sent."""


@dataclass(frozen=True, slots=True)
class TransitionResult:
    """What an event makes of an incident, before codes are given out; a phone's book may be needed for that."""

    item: Item | None
    record: IncidentRecord
    event: Event
    incident: Incident
    effects: Effects

    @property
    def phones(self) -> frozenset[str]:
        """The phones whose books will be asked: those paged anew, and everybody paged when the state changes."""
        changed = self.incident.state.name != self.record.incident.state.name
        asked = {page.contact for page in self.incident.pages if changed or page.code is None}
        return frozenset(phone for n in asked if (phone := self.incident.contacts[n - 1].phone) is not None)


def moved(
    item: Item | None, record: IncidentRecord, event: Event, on_call: tuple[Contact, ...] = ()
) -> TransitionResult | None:
    """What `event` makes of an incident; None if nothing. `on_call` is who is on call then for its rosters."""
    after, effects = transition(replace(record.incident, on_call=on_call), event)
    incident = replace(after, on_call=())
    if incident == record.incident and effects == Effects():
        return None
    return TransitionResult(item, record, event, incident, effects)


def written(step: TransitionResult, books: PhoneBooks) -> IncidentChange:
    """What to commit for an incident that moved on."""
    record, event, effects = step.record, step.event, step.effects
    coded = _with_codes(_answerable_again(record.incident, step.incident, books), books)
    coded = _summarised(coded, effects.messages, event.at, books)
    _keep_standing(record.incident, coded, event.at, books)
    if isinstance(event, Reply) and coded.state != record.incident.state:
        _note_that_somebody_is_there(coded, event.contact, books)
    writer = event.contact if isinstance(event, Reply) else None
    spawn = [item for m in effects.messages for item in _sent(coded, m, event.at, books, is_answer=m.contact == writer)]
    after, callbacks = owed(record.incident, record.after(coded, effects), effects, event.at)
    spawn += callbacks
    alarms = _told_at(coded) not in (None, _told_at(record.incident))
    audit = [*_audit(after, effects, event)]
    if (made := _ruled(record, coded, event, books)) is not None:
        spawn, audit = [*spawn, *made.spawn], [*audit, made.audit]
    return IncidentChange(after, incident_item(step.item, after), spawn, audit, alarms)


def _ruled(before: IncidentRecord, after: Incident, event: Event, books: PhoneBooks) -> RulingCommit | None:
    """The review that the incident is about, decided by the YES or the final NO that this event is."""
    if before.review is None or after.state == before.incident.state:
        return None
    match after.state:
        case Acknowledged(by=by, contact=contact):
            word, reason = RulingWord.APPROVE, ""
        case Cancelled(by=by, declined=True, contact=contact):
            word, reason = RulingWord.REJECT, "declined by the person who was asked"
        case _:
            return None
    origin = None if isinstance(event, Opened | Timer | PageSent | DeliveryFailed) else event.origin
    via, request = ("", None) if origin is None else (origin.via.value, origin.request)
    return books.rule(before.review, Ruling(word, reason, by, event.at, via, request, contact))


def _told_at(incident: Incident) -> datetime | None:
    return None if incident.not_sent is None else incident.not_sent.told_at


def _answerable_again(before: Incident, after: Incident, books: PhoneBooks) -> Incident:
    """An incident that is open again, without the codes that its phones have forgotten: those may mean others now."""
    if isinstance(before.state, Open) or not isinstance(after.state, Open):
        return after
    return replace(after, pages=tuple(_if_listed(after, page, books) for page in after.pages))


def _if_listed(incident: Incident, page: PageAttempt, books: PhoneBooks) -> PageAttempt:
    phone = incident.contacts[page.contact - 1].phone
    if phone is None or page.code is None or books[phone].page(incident.id, page.contact, page.level) is not None:
        return page
    return replace(page, code=None)


def _with_codes(incident: Incident, books: PhoneBooks) -> Incident:
    if all(page.code is not None for page in incident.pages):
        return incident
    return replace(incident, pages=tuple(_with_code(incident, page, books) for page in incident.pages))


def _with_code(incident: Incident, page: PageAttempt, books: PhoneBooks) -> PageAttempt:
    phone = incident.contacts[page.contact - 1].phone
    if page.code is not None or phone is None:
        return page
    books[phone] = book = books[phone].paged(incident.id, page.contact, page.level, page.at, incident.description)
    listed = book.page(incident.id, page.contact, page.level)
    in_summary = page.channel is Channel.SMS and book.storm(page.at)
    if listed is not None and page.channel is Channel.SMS and not in_summary:
        books[phone] = book.leaving(listed.code, _leaves_at(book.before(listed.code), page.at, books))
    return replace(page, code=listed.code if listed else None, in_summary=in_summary)


def _leaves_at(former: ListedPage | None, at: datetime, books: PhoneBooks) -> datetime:
    """When a page to a phone leaves: a moment after the `former` one, if that may still be leaving."""
    if former is None or former.leaves_at is None or former.leaves_at + PAGES_APART <= at or books.has_left(former):
        return at
    return former.leaves_at + PAGES_APART


def _summarised(incident: Incident, messages: Sequence[IncidentMessage], at: datetime, books: PhoneBooks) -> Incident:
    """The incident whose pages join a summary if one is sent again, or reminded of, while a storm lasts."""
    joining = {
        (m.level, m.contact)
        for m in messages
        if m.role in (Role.PAGE, Role.REMINDER) and m.channel is Channel.SMS and _in_storm(incident, m, at, books)
    }
    if not joining:
        return incident
    pages = (
        replace(page, in_summary=True) if (page.level, page.contact) in joining and page.code is not None else page
        for page in incident.pages
    )
    return replace(incident, pages=tuple(pages))


def _in_storm(incident: Incident, message: IncidentMessage, at: datetime, books: PhoneBooks) -> bool:
    phone = incident.contacts[message.contact - 1].phone
    return phone is not None and books[phone].in_storm(at)


def _keep_standing(before: Incident, after: Incident, at: datetime, books: PhoneBooks) -> None:
    for phone in {after.contacts[page.contact - 1].phone for page in after.pages}:
        if phone is not None and standing(before, phone) is not standing(after, phone):
            books[phone] = books[phone].standing(after.id, standing(after, phone), at)


def standing(incident: Incident, phone: str) -> Standing:
    """How an incident stands for a phone. Whoever is asked whether they are still on it has an open question."""
    match incident.state:
        case Open():
            return Standing.OPEN
        case Unacknowledged():
            return Standing.UNACKNOWLEDGED
        case Acknowledged(asked=asked) if incident.owner is not None and incident.owner.phone == phone:
            return Standing.OPEN if asked else Standing.TAKEN
        case _:
            return Standing.OVER


def _note_that_somebody_is_there(incident: Incident, contact: int, books: PhoneBooks) -> None:
    if phone := incident.contacts[contact - 1].phone:
        books[phone] = books[phone].acted()


def _sent(
    incident: Incident, message: IncidentMessage, at: datetime, books: PhoneBooks, *, is_answer: bool = False
) -> Sequence[Item]:
    """The message as an item; none where the phone has had enough answers, or gets a summary instead."""
    contact = incident.contacts[message.contact - 1]
    plain = [message_item(incident.id, message, _due_at(contact, incident, message, at, books))]
    if message.role in GROUPS and not message.passive:
        gathered = _notice(incident, message, at, books, is_answer=is_answer)
        return plain if gathered is None else gathered
    if contact.phone is None or message.channel is not Channel.SMS:
        return plain
    if message.passive:
        return plain if _may_answer(contact.phone, at, books) else []
    page = incident.page(message.level, message.contact)
    if message.role not in (Role.PAGE, Role.REMINDER) or page is None or page.code is None or not page.in_summary:
        return plain
    return _summary(contact, page.code, at, books)


def _due_at(
    contact: Contact, incident: Incident, message: IncidentMessage, at: datetime, books: PhoneBooks
) -> datetime:
    if contact.phone is None or message.role is not Role.PAGE or message.channel is not Channel.SMS:
        return at
    listed = books[contact.phone].page(incident.id, message.contact, message.level)
    return at if listed is None or listed.leaves_at is None else max(at, listed.leaves_at)


def _notice(
    incident: Incident, message: IncidentMessage, at: datetime, books: PhoneBooks, *, is_answer: bool
) -> Sequence[Item] | None:
    """The message put among those that its address is told of together; None if it leaves by itself.

    One that `is_answer` tells a person what became of their own words.
    """
    address = incident.contacts[message.contact - 1].address(message.channel)
    if address is None:
        return None
    group, channel = GROUPS[message.role], message.channel
    digest = GatheredMessage(address, channel, group)
    waits = any(digest.holds(notice) for notice in books[address].notices)
    in_storm = _in_storm(incident, message, at, books)
    sent, limits = books[address].told, books.limits
    waits = waits and (in_storm or not is_answer)
    due_at = at if waits else leaves_at(group, channel, sent, limits, at, in_storm=in_storm, is_answer=is_answer)
    if due_at is None:
        books[address] = books[address].telling(channel, at)
        return None
    number = (incident.id, message.number, message.role, message.contact, message.level, channel)
    books[address] = books[address].noticing(GatheredNotice(*number))
    if waits:
        return ()
    books[address] = book = books[address].telling(channel, due_at).with_digest()
    return [digest_item(books.key(address), book.digests, digest, due_at)]


def _summary(contact: Contact, code: int, at: datetime, books: PhoneBooks) -> Sequence[Item]:
    """Put the code on the phone's next summary; the first one on it brings the summary's item."""
    phone = contact.phone or ""
    waiting = bool(books[phone].held)
    books[phone] = book = books[phone].holding(code, at)
    summary = Summary(phone, contact.language)
    return [] if waiting else [summary_item(books.key(phone), book.summaries, summary, book.summary_at or at)]


def _may_answer(phone: str, at: datetime, books: PhoneBooks) -> bool:
    allowed = books[phone].may_answer(at)
    if allowed:
        books[phone] = books[phone].answered(at)
    return allowed


def _audit(record: IncidentRecord, effects: Effects, event: Event) -> Sequence[AuditEntry]:
    """What happened, with contacts by number alone: erasing a person leaves the audit whole.

    What was done by the API is found by the id of its request too, and is its app's doing.
    """
    if not effects.timeline:
        return []
    about = {"incident_id": record.incident.id, "state": record.incident.state.name, "at": timestamp(event.at)}
    origin = None if isinstance(event, Opened | Timer | PageSent | DeliveryFailed) else event.origin
    app = record.app if origin is None or origin.app is None else origin.app
    whole = about | {"timeline": lines(effects.timeline)}
    entries = [_entry(f"incident-{record.incident.id}", app, whole, event.at)]
    if origin is not None and origin.request is not None:
        entries.append(_entry(origin.request, app, about | {"event": effects.timeline[0].kind.value}, event.at))
    return entries


def _entry(request_id: str, app: str, members: Mapping[str, object], at: datetime) -> AuditEntry:
    return AuditEntry(ids.fresh(at), request_id, "incident", at, app, exact_json.dumps(members))
