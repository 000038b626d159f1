"""Whose pages only wait for us: for a worker, or for their turn under the rate of their channel.

A level's time may end before its page could leave. Then it counts why: a page that waits in our own queue keeps its
level waiting too, one that no provider takes hands it on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from service.core import from_state
from service.escalate.incident import Incident
from service.escalate.items import MESSAGE, Fate, Summary, message_id, outgoing_of, summary_id
from service.escalate.page import PageAttempt
from service.escalate.phone_book_changes import PhoneBooks
from service.storage import MAX_WRITES, Item, Store
from service.work import slot_of


def turns_of(incidents: Sequence[Incident], books: PhoneBooks, store: Store, now: datetime) -> Mapping[str, datetime]:
    """For each due incident, by id, when the last of the pages leaves that only wait for us.

    Those without such pages are left out. Nothing is read where all pages have left, which is nearly always.
    """
    due = [record for record in incidents if record.due_at is not None and record.due_at <= now]
    carriers = {
        record.id: [(name, page) for page in record.leaving() for name in _carriers(record, page, books)]
        for record in due
    }
    items = _items({name for named in carriers.values() for name, _ in named}, store)
    turns = {
        record.id: [
            turn
            for name, page in carriers[record.id]
            if name in items and (turn := _turn(items[name], page, is_held(record, page, books), now)) is not None
        ]
        for record in due
    }
    return {name: max(each) for name, each in turns.items() if each}


def carrier(incident: Incident, page: PageAttempt, books: PhoneBooks) -> str:
    """The id of the item that carries a page now: its own message, or the phone's next summary."""
    phone = incident.contacts[page.contact - 1].phone
    if phone is not None and is_held(incident, page, books):
        return summary_id(books.key(phone), books[phone].summaries)
    return message_id(incident.id, page.message)


def is_held(incident: Incident, page: PageAttempt, books: PhoneBooks) -> bool:
    """Whether a page waits for the next summary of its phone."""
    phone = incident.contacts[page.contact - 1].phone
    return page.in_summary and phone is not None and page.code in books[phone].held


def _carriers(incident: Incident, page: PageAttempt, books: PhoneBooks) -> Sequence[str]:
    """What may carry a page: also the latest summaries, which may have left without their incidents knowing yet."""
    phone, own = incident.contacts[page.contact - 1].phone, carrier(incident, page, books)
    if not page.in_summary or phone is None or is_held(incident, page, books):
        return [own]
    latest = books[phone].summaries
    return [own, *(summary_id(books.key(phone), number) for number in (latest - 1, latest))]


def _items(names: Iterable[str], store: Store) -> Mapping[str, Item]:
    items: dict[str, Item] = {}
    asked = sorted(names)
    for start in range(0, len(asked), MAX_WRITES):
        items |= store.get_many(asked[start : start + MAX_WRITES])
    return items


def _turn(item: Item, page: PageAttempt, is_held: bool, now: datetime) -> datetime | None:
    """When the page leaves; None if more than its turn keeps it back, or if nothing is left to do."""
    if item.due_at is None or _is_kept_back(item) or not _carries(item, page, is_held):
        return None
    return max(now, slot_of(item) or now)


def _carries(item: Item, page: PageAttempt, is_held: bool) -> bool:
    """Whether a message is the page's, a summary is to list it or still to tell its incident what became of it."""
    if item.kind == MESSAGE:
        return True
    summary = from_state(Summary, item.state)
    if summary.end is None:
        return is_held
    return page.code in {named.code for named in summary.left}


def _is_kept_back(item: Item) -> bool:
    if item.kind == MESSAGE:
        outgoing = outgoing_of(item)
        return outgoing.held or outgoing.fate is not Fate.PENDING
    return from_state(Summary, item.state).held
