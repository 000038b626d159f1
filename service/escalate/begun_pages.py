"""Whether a page may have been sent by a given instant: only then can a reply of that time be an answer to it.

Once a page has left its incident knows when the provider was first asked. Before that its message tells: a try whose
outcome is not known yet, because it is under way or its worker died, may have succeeded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.core import from_state
from service.escalate.incident import Incident
from service.escalate.items import MESSAGE, Summary, incident_id, outgoing_of, record_of
from service.escalate.page import PageAttempt
from service.escalate.phone_book_changes import PhoneBooks
from service.escalate.phonebook import ListedPage
from service.escalate.turns import carrier
from service.storage import Item, Store
from service.work import slot_of

CLOCKS_DIFFER = timedelta(seconds=5)
"""How much the clocks of SMS carriers may differ from ours."""


@dataclass(frozen=True, slots=True)
class BegunPages:
    """Which pages of a phone may have been sent by `then`."""

    store: Store
    books: PhoneBooks
    phone: str
    then: datetime

    def by_then(self, listed: ListedPage) -> bool:
        """Whether a provider may have been asked to take the page by then."""
        if listed.paged_at > self.then:
            return False
        item = self.store.get(incident_id(listed.incident_id))
        incident = None if item is None else record_of(item).incident
        page = None if incident is None else incident.page(listed.level, listed.contact)
        if incident is None or page is None:
            return False
        begun_at = self._begun_at(incident, page)
        return begun_at is not None and begun_at <= self.then

    def _begun_at(self, incident: Incident, page: PageAttempt) -> datetime | None:
        """The earliest instant at which a provider may have been asked; None if none was."""
        if page.begun_at is not None or page.first == 0:  # an earlier version wrote down when it was due, no more
            return page.begun_at or page.at
        carried = self.store.get(carrier(incident, page, self.books))
        if carried is None or not page.in_summary or page.code in self.books[self.phone].held:
            return None if carried is None else _open_try(carried, page)
        return page.at  # its summary was sent, which is about to be written down


def _open_try(item: Item, page: PageAttempt) -> datetime | None:
    """When a try of a message began, at the earliest, whose outcome is not known."""
    if item.kind == MESSAGE:
        outgoing = outgoing_of(item)
        return _last_try(item, outgoing.attempt, outgoing.not_before or page.at)
    summary = from_state(Summary, item.state)
    return summary.begun_at or _last_try(item, summary.attempt, summary.not_before or page.at)


def _last_try(item: Item, known: int, not_before: datetime) -> datetime | None:
    if item.attempts <= known:
        return None
    return max(not_before, slot_of(item) or not_before)
