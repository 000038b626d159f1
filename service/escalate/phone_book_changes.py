"""The phone books that one commit reads and changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from msgspec import structs

from service.channels import ContactKeys
from service.core import from_state, to_state
from service.escalate.gathering import ContactLimits
from service.escalate.items import book_id, incident_id, record_of
from service.escalate.phonebook import ListedPage, PhoneBook
from service.messages import Ruling, RulingCommit, ruled, waits_for_review
from service.storage import MAX_WRITES, Item, Store

KIND = "phone-book"


class PhoneBooks:
    """Phone books by phone (E.164) or email address, each read once and written at most once."""

    def __init__(self, store: Store, keys: ContactKeys, limits: ContactLimits | None = None) -> None:
        self.limits = limits or ContactLimits()
        self._store = store
        self._keys = keys
        self._items: dict[str, Item] = {}
        self._read: dict[str, PhoneBook] = {}
        self._books: dict[str, PhoneBook] = {}
        self._ruled: dict[str, RulingCommit] = {}

    def key(self, phone: str) -> str:
        """The phone, or the email address, as it may stand in an id."""
        return self._keys.email(phone) if "@" in phone else self._keys.phone(phone)

    def __getitem__(self, phone: str) -> PhoneBook:
        if phone not in self._books:
            name = book_id(self.key(phone))
            self._keep(phone, name, self._store.get(name))
        return self._books[phone]

    def read_ahead(self, phones: Iterable[str]) -> None:
        """Read many at once, as far as one question goes; those that are asked for beyond it are read one by one."""
        names = {phone: book_id(self.key(phone)) for phone in islice(dict.fromkeys(phones), MAX_WRITES)}
        items = self._store.get_many(list(names.values())) if names else {}
        for phone, name in names.items():
            self._keep(phone, name, items.get(name))

    def _keep(self, phone: str, name: str, stored: Item | None) -> None:
        item = self._items[phone] = stored or Item(name, KIND, {})
        self._read[phone] = self._books[phone] = from_state(PhoneBook, item.state)

    def __setitem__(self, phone: str, book: PhoneBook) -> None:
        if self[phone] != book:
            self._books[phone] = book

    def has_left(self, listed: ListedPage) -> bool:
        """Whether a provider took a page, or may have; a page that this commit adds has not left."""
        item = self._store.get(incident_id(listed.incident_id))
        page = None if item is None else record_of(item).incident.page(listed.level, listed.contact)
        return page is not None and page.has_left

    def rule(self, review_id: str, ruling: Ruling) -> RulingCommit | None:
        """Decide about what a rule flagged, in this commit; None if it does not wait any more."""
        item = self._store.get(review_id)
        if item is None or review_id in self._ruled or not waits_for_review(item):
            return None
        self._ruled[review_id] = made = ruled(item, ruling)
        return made

    def changed(self) -> Sequence[Item]:
        """The items of the books that are not as they were read, and of the reviews that were decided."""
        decided = [made.item for made in self._ruled.values()]
        return decided + [
            structs.replace(self._items[phone], state=to_state(book))
            for phone, book in self._books.items()
            if book != self._read[phone]
        ]
