"""Incidents on the store: opened, looked up, and moved on by what happens to them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from prometheus_client import Counter

from service.channels import OWN_FIELDS, ContactKeys, own_addresses
from service.core import Clock, TocsinError
from service.escalate import listing
from service.escalate.alerts import alert_item, counts_again, incident_of, naming
from service.escalate.contacts import Contacts, no_recipient
from service.escalate.effects import Entry, TimelineKind
from service.escalate.events import Event, Opened, Origin, SameAlert, Timer
from service.escalate.gathering import ContactLimits
from service.escalate.incident import Contact, Incident
from service.escalate.intake import DEFAULT_POLICY, NewIncident
from service.escalate.items import (
    INCIDENT,
    Outgoing,
    incident_id,
    incident_item,
    message_id,
    outgoing_of,
    record_of,
)
from service.escalate.lenient import LenientIncident, NotFitting
from service.escalate.listing import IncidentFilter, listed_item
from service.escalate.phone_book_changes import PhoneBooks
from service.escalate.policies import Policies, UnknownPolicy
from service.escalate.record import IncidentRecord
from service.escalate.states import Open
from service.escalate.steps import IncidentChange, TransitionResult, moved, written
from service.escalate.turns import turns_of
from service.messages import waits_for_review
from service.rosters import UnknownRoster
from service.storage import MAX_WRITES, BadCursor, Conflict, Item, Page, Store
from service.work import Commit, Task, joined

logger = logging.getLogger(__name__)

NOT_SENT = Counter(
    "tocsin_incidents_not_sent",
    "Alarms that no page of an incident could be sent: one at once, then one an hour while that lasts.",
)


class NoSuchIncident(TocsinError):
    """No incident has this id."""


class OtherContent(TocsinError):
    """An incident has this id already, with other content."""


class ReviewDecided(TocsinError):
    """The review that an incident asks about is decided already."""


class NoContacts(TocsinError):
    """Neither the incident nor its policy names anybody."""


@dataclass(frozen=True, slots=True)
class Incidents:
    """All incidents."""

    store: Store
    clock: Clock
    keys: ContactKeys
    policies: Policies
    contacts: Contacts
    limits: ContactLimits = field(default_factory=ContactLimits)

    def books(self) -> PhoneBooks:
        """The books of phones and addresses, for one commit."""
        return PhoneBooks(self.store, self.keys, self.limits)

    def open(
        self,
        new: NewIncident,
        app: str,
        fallback_id: str,
        left_out: Sequence[NotFitting] = (),
        origin: Origin | None = None,
        review: str | None = None,
    ) -> tuple[IncidentRecord, bool]:
        """Open an incident and page its first level; the one that is there, and False, if it was asked for before.

        `fallback_id` is its id if the app gave none. `left_out` is what its timeline begins with. `origin` is who asks:
        the same alert again is counted as theirs. `review` is the review that it decides.
        `OtherContent`, `UnknownPolicy`, `UnknownContact`, `NoContacts` or `ReviewDecided`.
        """
        name = new.id or fallback_id
        while True:
            item = self.store.get(incident_id(name))
            if item is not None:
                return _same(record_of(item), new), False
            alert = None if new.dedup_key is None else alert_item(self.store, app, new.dedup_key)
            if alert is not None and (counted := self._counted(alert, name, origin)) is not None:
                return counted, False
            opened = replace(self._opened(new, app, name, left_out), review=review)
            others = [*([] if alert is None else [naming(alert, name)]), *self._undecided(review)]
            try:
                self._save(opened, self.books(), others)
            except Conflict:
                continue  # somebody opened it, or a phone of it was paged, at the same moment
            logger.info("Incident %s opened", name, extra={"incident_id": name, "policy": new.policy})
            return self.get(name), True

    def _undecided(self, review: str | None) -> Sequence[Item]:
        """The waiting review, to be written unchanged: a decision made meanwhile then conflicts."""
        if review is None:
            return ()
        item = self.store.get(review)
        if item is None or not waits_for_review(item):
            raise ReviewDecided(f"the review {review} was decided")
        return (item,)

    def of_alert(self, app: str, dedup_key: str) -> str:
        """The id of the incident that a key of an app opened last; `NoSuchIncident`."""
        name = incident_of(alert_item(self.store, app, dedup_key))
        if name is None:
            raise NoSuchIncident(f"{app} opened no incident with the dedup_key {dedup_key!r}")
        return name

    def _counted(self, alert: Item, name: str, origin: Origin | None) -> IncidentRecord | None:
        """The incident that the key stands for, with its alert counted once more; None if there is none any more."""
        known = incident_of(alert)
        if known is None:
            return None
        try:
            record = self.apply(known, SameAlert(f"alert-{name}", self.clock.now(), origin))
        except NoSuchIncident:
            return None
        return record if counts_again(record.incident) else None

    def fitted(self, read: LenientIncident) -> LenientIncident:
        """What was read leniently, without the recipients and the policy that there are none of."""
        for position, contact in enumerate(read.new.contacts):
            if contact.roster is not None and (missing := self._missing(contact.roster)) is not None:
                read = read.without(position, "roster", missing)
            if contact.recipient is None:
                continue
            person = self.contacts.directory.get(contact.recipient)
            if person is None:
                read = read.without(position, "recipient", no_recipient(contact.recipient))
            elif not (person.phone or person.email or own_addresses(person)):
                why = f"recipient {contact.recipient!r} has no phone, email or {' or '.join(OWN_FIELDS)}"
                read = read.without(position, "recipient", why)
        try:
            return read.under(self.policies.get(read.new.policy))
        except UnknownPolicy as error:
            return read.with_policy(DEFAULT_POLICY, str(error)) if DEFAULT_POLICY in self.policies.names else read

    def _missing(self, roster: str) -> str | None:
        """Why there is no roster of this name; None if there is."""
        try:
            self.contacts.rosters.get(roster)
        except UnknownRoster as error:
            return str(error)
        return None

    def check(self, new: NewIncident) -> None:
        """Raise what `open` would raise about its content, but open nothing."""
        self._opened(new, "", "check")

    def get(self, name: str) -> IncidentRecord:
        """An incident as it is now; `NoSuchIncident`."""
        return record_of(self.item(name))

    def item(self, name: str) -> Item:
        """The item of an incident; `NoSuchIncident`."""
        item = self.store.get(incident_id(name))
        if item is None or item.kind != INCIDENT:
            raise NoSuchIncident(f"there is no incident {name!r}")
        return item

    def listed(self, wanted: IncidentFilter, *, cursor: str | None, limit: int) -> Page[IncidentRecord]:
        """Up to `limit` incidents that fit, newest first."""
        return listing.listed(self.store, wanted, cursor=cursor, limit=limit)

    def messages(self, name: str, *, cursor: str | None, limit: int) -> Page[Outgoing]:
        """Up to `limit` messages of an incident; the cursor is the last one's number. `NoSuchIncident`, `BadCursor`."""
        sent = self.get(name).incident.sent
        after = 0 if cursor is None else _number(cursor)
        last = min(after + limit, sent)
        names = [message_id(name, number) for number in range(after + 1, last + 1)]
        items: dict[str, Item] = {}
        for start in range(0, len(names), MAX_WRITES):
            items |= self.store.get_many(names[start : start + MAX_WRITES])
        return Page(
            [outgoing_of(items[item_id]) for item_id in names if item_id in items], str(last) if last < sent else None
        )

    def apply(self, name: str, event: Event) -> IncidentRecord:
        """Apply an event and commit the result; `NoSuchIncident`."""
        while True:
            item, books = self.item(name), self.books()
            changed = self.change_of(item, event, books)
            if changed is None:
                return record_of(item)
            try:
                self._commit(changed, books)
            except Conflict:
                continue
            log(changed)
            return changed.record

    def change(
        self, item: Item | None, record: IncidentRecord, event: Event, books: PhoneBooks
    ) -> IncidentChange | None:
        """The change that `event` makes to an incident; None if it makes none."""
        step = self._moved(item, record, event)
        return None if step is None else written(step, books)

    def change_of(self, item: Item, event: Event, books: PhoneBooks) -> IncidentChange | None:
        """`change` for an incident as it is stored."""
        return self.change(item, record_of(item), event, books)

    def _moved(self, item: Item | None, record: IncidentRecord, event: Event) -> TransitionResult | None:
        return moved(item, record, event, self.contacts.on_call(record.incident, event.at))

    def on_time(self, task: Task) -> Commit:
        """Handle an incident that came due."""
        return self.on_time_together([task])

    def on_time_together(self, tasks: Sequence[Task]) -> Commit:
        """Handle several that came due; a phone's book is read and written once for all of them."""
        books, now = self.books(), self.clock.now()
        records = [record_of(task.item) for task in tasks]
        turns = turns_of([record.incident for record in records], books, self.store, now)
        timers = [Timer(now, turns.get(record.incident.id)) for record in records]
        moves = [(t.item, self._moved(t.item, r, timer)) for t, r, timer in zip(tasks, records, timers, strict=True)]
        books.read_ahead(phone for _, move in moves if move is not None for phone in move.phones)
        return joined([_on_time(item, move, books) for item, move in moves], *books.changed())

    def _opened(self, new: NewIncident, app: str, name: str, left_out: Sequence[NotFitting] = ()) -> IncidentRecord:
        now = self.clock.now()
        given = tuple(self.contacts.of(n, contact) for n, contact in enumerate(new.contacts, start=1))
        policy, rosters = self.policies.get(new.policy).covering(len(given)).numbered(len(given))
        contacts = given + tuple(Contact(n, roster=name) for n, name in enumerate(rosters, start=len(given) + 1))
        if not contacts:
            raise NoContacts(f'name at least one: the policy "{policy.name}" names no roster')
        start = max(now, new.open_at or now)
        incident = Incident(name, new.description, new.url, contacts, policy, now, Open(0, 0, start))
        lines = tuple(Entry(now, TimelineKind.LEFT_OUT, contact=each.contact, why=each.sentence) for each in left_out)
        return IncidentRecord(
            *(incident, app, new.sha256, lines, new.callback_url, new.reference), dedup_key=new.dedup_key, listed=True
        )

    def _save(self, record: IncidentRecord, books: PhoneBooks, others: Sequence[Item] = ()) -> None:
        now = self.clock.now()
        starts_now = record.incident.due_at is not None and record.incident.due_at <= now
        changed = self.change(None, record, Opened(now), books) if starts_now else None
        if changed is None:
            self.store.save(incident_item(None, record), *others, spawn=[listed_item(record)])
        else:
            self._commit(changed, books, [*others, listed_item(record)])

    def _commit(self, changed: IncidentChange, books: PhoneBooks, others: Sequence[Item] = ()) -> None:
        self.store.save(changed.item, *books.changed(), *others, spawn=changed.spawn, audit=changed.audit)


def _on_time(item: Item, move: TransitionResult | None, books: PhoneBooks) -> Commit:
    """What an incident that came due commits beside the books."""
    if move is None:  # early: the clock of the worker that claimed it was ahead
        return Commit(incident_item(item, record_of(item)))
    changed = written(move, books)
    log(changed)
    return Commit(changed.item, spawn=changed.spawn, audit=changed.audit)


def log(changed: IncidentChange) -> None:
    """Say how an incident stands after something happened to it; the operator hears when none of its pages leaves."""
    incident = changed.record.incident
    level = incident.state.level if isinstance(incident.state, Open) else None
    extra = {"incident_id": incident.id, "state": incident.state.name, "escalation_level": level}
    logger.info("Incident %s is %s", incident.id, incident.state.name, extra=extra)
    if changed.alarms:
        NOT_SENT.inc()
        logger.error(
            "No page of incident %s could be sent: it begins again by itself; see its messages and `tocsin doctor`",
            incident.id,
            extra=extra,
        )


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
        raise BadCursor
    return int(cursor)


def _same(record: IncidentRecord, new: NewIncident) -> IncidentRecord:
    if record.sha256 != new.sha256:
        raise OtherContent(f"there is an incident {record.incident.id!r} already, with other content")
    return record
