"""Forgetting what an erased person wrote: the words of their replies leave the timelines of all incidents.

Only the incidents know who their contacts were, so all are gone through, some at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from msgspec import structs

from service.core import Lane, caseless, from_state, ids, to_state, to_stored_json
from service.escalate.effects import Entry
from service.escalate.incident import Contact
from service.escalate.incidents import Incidents
from service.escalate.items import ALL, INCIDENT, incident_id, record_of
from service.escalate.listing import LISTED, ListedIncident
from service.escalate.record import IncidentRecord
from service.recipients import Recipient
from service.storage import Conflict, Item
from service.work import Commit, Task, finished, waiting

KIND = "incident-forgetting"

AT_ONCE = 50
"""Incidents of one step."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Somebody who was erased, and how far the list of incidents was gone through."""

    user_id: str
    phone: str | None = None
    email: str | None = None
    cursor: str | None = None

    def was(self, contact: Contact) -> bool:
        """Whether a contact is this person: by their id, phone or address."""
        by_phone = self.phone is not None and contact.phone == self.phone
        by_email = self.email is not None and caseless(contact.email or "") == caseless(self.email)
        return contact.recipient == self.user_id or by_phone or by_email


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Takes the words of erased people out of incidents."""

    incidents: Incidents

    def begin(self, person: Recipient) -> None:
        """Let a worker forget what somebody wrote."""
        now = self.incidents.clock.now()
        erased = Erased(person.user_id, person.contact("phone"), person.email)
        item = Item(f"forgetting-{ids.fresh(now)}", KIND, to_state(erased), lane=Lane.TRANSACTIONAL, due_at=now)
        self.incidents.store.add(item)

    def handle(self, task: Task) -> Commit:
        """Go through the next incidents."""
        erased = from_state(Erased, task.item.state)
        page = self.incidents.store.by_index(*ALL, cursor=erased.cursor, limit=AT_ONCE, newest_first=True)
        for name in _names(page.items):
            self._forget(name, erased)
        if page.cursor is None:
            return Commit(finished(task.item, {}))
        return Commit(waiting(task.item, task.now, to_state(replace(erased, cursor=page.cursor))))

    def _forget(self, name: str, erased: Erased) -> None:
        while (item := self.incidents.store.get(name)) is not None and item.kind == INCIDENT:
            record = record_of(item)
            after = _without_words(record, erased)
            if after == record:
                return
            try:
                self.incidents.store.save(structs.replace(item, state=to_stored_json(after)))
            except Conflict:
                continue  # the incident moved on meanwhile
            return


def _names(items: Iterable[Item]) -> Iterator[str]:
    """The ids of the incidents that a list names."""
    for item in items:
        yield incident_id(from_state(ListedIncident, item.state).incident_id) if item.kind == LISTED else item.id


def _without_words(record: IncidentRecord, erased: Erased) -> IncidentRecord:
    numbers = {contact.number for contact in record.incident.contacts if erased.was(contact)}
    return replace(
        record, timeline=tuple(_silent(line) if line.contact in numbers else line for line in record.timeline)
    )


def _silent(line: Entry) -> Entry:
    return replace(line, words=None)
