"""The list of all incidents, newest first, by filters.

An incident's own item is found by its id, which its app may have chosen. So each incident has a small item beside it
whose id begins with the time: the list is read by those. Incidents of earlier versions have none and come last, by id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.core import from_state, timestamp, to_state
from service.escalate.incident import Contact
from service.escalate.items import ALL, BY_STATE, INCIDENT, incident_id, record_of
from service.escalate.record import IncidentRecord
from service.storage import MAX_WRITES, Item, Page, Store, from_cursor, to_cursor

LISTED = "incident-listed"

LOOKED_AT = 1_000
"""Incidents that one call looks at for those that fit; a page may then hold fewer than were asked for, even none."""

SORTED = 500
"""Incidents in one state up to which they are found by their state and sorted; beyond that the list is gone through."""


@dataclass(frozen=True, slots=True)
class ListedIncident:
    """What the list knows of an incident without reading it."""

    incident_id: str
    app: str
    policy: str


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents: all that fit everything that is said.

    `person` is a recipient's id or a name, `by_address` also a phone (E.164) or an email address. `since` is inclusive,
    `until` exclusive.
    """

    state: str | None = None
    app: str | None = None
    policy: str | None = None
    person: str | None = None
    by_address: bool = False
    since: datetime | None = None
    until: datetime | None = None

    def fits(self, record: IncidentRecord) -> bool:
        """Whether an incident fits."""
        incident = record.incident
        return (
            self.state in (None, incident.state.name)
            and self.app in (None, record.app)
            and self.policy in (None, incident.policy.name)
            and (self.person is None or any(self._is(contact) for contact in incident.contacts))
            and (self.since is None or incident.opened_at >= self.since)
            and (self.until is None or incident.opened_at < self.until)
        )

    def may_fit(self, listed: ListedIncident) -> bool:
        """Whether an incident could fit, so that it is worth reading."""
        return self.app in (None, listed.app) and self.policy in (None, listed.policy)

    def _is(self, contact: Contact) -> bool:
        addresses = (contact.phone, contact.email) if self.by_address else ()
        return self.person in [each for each in (contact.recipient, contact.name, *addresses) if each is not None]


def listed_item(record: IncidentRecord) -> Item:
    """The item by which a new incident is listed."""
    incident = record.incident
    state = to_state(ListedIncident(incident.id, record.app, incident.policy.name))
    return Item(_place(record), LISTED, state, keys=dict([ALL]))


def _place(record: IncidentRecord) -> str:
    """The id of what stands for an incident in the list, whose order is that of the list."""
    incident = record.incident
    if not record.listed:
        return incident_id(incident.id)
    return f"listed-{timestamp(incident.opened_at)}-{incident.id}"


def listed(store: Store, wanted: IncidentFilter, *, cursor: str | None, limit: int) -> Page[IncidentRecord]:
    """Up to `limit` incidents that fit, newest first."""
    if wanted.state is not None and (few := _few(store, wanted.state)) is not None:
        return _sorted(few, wanted, from_cursor(cursor), limit)
    return _gone_through(store, wanted, cursor or _start(wanted), limit)


def _start(wanted: IncidentFilter) -> str | None:
    return None if wanted.until is None else to_cursor(f"listed-{timestamp(wanted.until)}")


def _few(store: Store, state: str) -> Sequence[IncidentRecord] | None:
    page = store.by_index(BY_STATE, state, limit=SORTED)
    return None if page.cursor is not None else [record_of(item) for item in page.items]


def _sorted(
    few: Sequence[IncidentRecord], wanted: IncidentFilter, after: str | None, limit: int
) -> Page[IncidentRecord]:
    places = {_place(record): record for record in few if wanted.fits(record)}
    left = [place for place in sorted(places, reverse=True) if after is None or place < after]
    page = left[:limit]
    return Page([places[place] for place in page], to_cursor(page[-1]) if len(left) > limit else None)


def _gone_through(store: Store, wanted: IncidentFilter, cursor: str | None, limit: int) -> Page[IncidentRecord]:
    records: list[IncidentRecord] = []
    looked_at = 0
    while looked_at < LOOKED_AT:
        page = store.by_index(*ALL, cursor=cursor, limit=MAX_WRITES, newest_first=True)
        for place, record in _records(store, page.items, wanted):
            if record is not None and wanted.fits(record):
                records.append(record)
            cursor = to_cursor(place)
            if len(records) == limit:
                return Page(records, cursor if _goes_on(page, place) else None)
        cursor, looked_at = page.cursor, looked_at + len(page.items)
        if cursor is None or _is_too_old(page.items[-1], wanted):
            return Page(records, None)
    return Page(records, cursor)


def _goes_on(page: Page[Item], place: str) -> bool:
    return page.cursor is not None or place != page.items[-1].id


def _is_too_old(item: Item, wanted: IncidentFilter) -> bool:
    return wanted.since is not None and item.kind == LISTED and item.id < f"listed-{timestamp(wanted.since)}"


def _records(
    store: Store, items: Sequence[Item], wanted: IncidentFilter
) -> Iterator[tuple[str, IncidentRecord | None]]:
    """Each entry's place and its incident, None where that cannot fit or is gone."""
    names = {item.id: from_state(ListedIncident, item.state) for item in items if item.kind == LISTED}
    worth = [incident_id(each.incident_id) for each in names.values() if wanted.may_fit(each)]
    by_id = store.get_many(worth) if worth else {}
    for item in items:
        own = item if item.kind == INCIDENT else by_id.get(incident_id(names[item.id].incident_id))
        yield item.id, None if own is None else record_of(own)
