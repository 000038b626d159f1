"""The directory: recipients and the audiences they belong to.

A person's contact data stands in one item and nowhere else, so that removing it erases them. Belonging to an audience
is an item of its own that names both, so that paging through an audience of any size never scans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from zlib import crc32

from msgspec import structs

from service.channels import ContactKeys
from service.core import Clock, caseless, from_state, to_state
from service.recipients.audiences import Audiences, Edition
from service.recipients.profile import Recipient
from service.recipients.profile_cache import ProfileCache
from service.storage import MAX_WRITES, Conflict, Item, Page, Relisting, Store, from_cursor, to_cursor

KIND = "recipient"
MAX_AT_ONCE = 1000
"""Recipients that one call may add to an audience."""

NO_RECIPIENT = "is not a known recipient: add them first"
"""What is wrong with an id that no recipient has."""

SHARDS = 8
"""Parts of the list of all recipients: one part would be one partition of a DynamoDB index."""

LOOKED_AT = 1_000
"""Recipients that one page of a search looks at: it ends there although its `limit` is not reached."""

MOST_SHOWN = 100
"""Audiences that are shown of one recipient."""

MOST_HOLDERS = 10
"""Recipients that are shown of one phone or address."""

_TOGETHER = 50
"""Recipients in one commit: each is two writes at most, and a commit holds 100."""


@dataclass(frozen=True, slots=True)
class Member:
    """A recipient and the audiences it belongs to, the first `MOST_SHOWN` of them."""

    recipient: Recipient
    audiences: tuple[str, ...]


class Directory:
    """Recipients and audiences on the store."""

    def __init__(self, store: Store, keys: ContactKeys, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._lately = ProfileCache(clock)
        self.audiences = Audiences(store, clock)

    def relisting(self) -> Relisting:
        """Lets profiles be found by their phone and address that an earlier version stored."""
        return Relisting(self._store, _id(""), lambda item: self._item(_recipient(item), item).keys)

    def get(self, user_id: str) -> Recipient | None:
        """One recipient, or None."""
        item = self._store.get(_id(user_id))
        return None if item is None else _recipient(item)

    def get_many(self, user_ids: Sequence[str]) -> Mapping[str, Recipient]:
        """Those of some recipients that there are, by their ids and in their order, in one question."""
        reading = self._lately.reading()
        people = self._read(user_ids)
        self._lately.keep(people.values(), reading)
        return people

    def missing(self, user_ids: Iterable[str]) -> frozenset[str]:
        """Those of any number of ids that no recipient has."""
        wanted = list(dict.fromkeys(user_ids))
        groups = (wanted[start : start + MAX_WRITES] for start in range(0, len(wanted), MAX_WRITES))
        return frozenset(wanted).difference(*map(self._read, groups))

    def get_lately(self, user_ids: Sequence[str]) -> Mapping[str, Recipient]:
        """`get_many`, going by what this process read of them within the last two seconds where it did."""
        known = self._lately.of(user_ids)
        asked = [user_id for user_id in user_ids if user_id not in known]
        people = {**known, **self._read(asked)} if asked else known
        return {user_id: people[user_id] for user_id in user_ids if user_id in people}

    def member(self, user_id: str) -> Member | None:
        """One recipient with its audiences, or None."""
        if (recipient := self.get(user_id)) is None:
            return None
        belongs = self._store.by_index("member-of", user_id, limit=MOST_SHOWN).items
        memberships = [(str(item.state["audience"]), str(item.state.get("edition", ""))) for item in belongs]
        current = self.audiences.current_of([name for name, _ in memberships])
        return Member(recipient, tuple(name for name, edition in memberships if current[name] == edition))

    def by_phone(self, e164: str) -> Recipient | None:
        """A recipient with this phone (the first of several), or None: whose language a reply is in."""
        page = self._store.by_index("recipient-phone", self._keys.phone(e164), limit=1)
        return next(map(_recipient, page.items), None)

    def holders(self, contact: str, key: str) -> Sequence[Recipient]:
        """Some of the recipients with a `phone` or `email`, by its `ContactKeys` key."""
        return [
            _recipient(item) for item in self._store.by_index(f"recipient-{contact}", key, limit=MOST_HOLDERS).items
        ]

    def with_contact(self, phone: str | None, email: str | None) -> Sequence[Recipient]:
        """Some of the recipients with this phone (E.164), this address, or both: at least one must be given."""
        asked = [] if phone is None else [("phone", self._keys.phone(phone))]
        asked += [] if email is None else [("email", self._keys.email(email))]
        holders_of_each = [{person.user_id: person for person in self.holders(contact, key)} for contact, key in asked]
        return [
            person
            for user_id, person in holders_of_each[0].items()
            if all(user_id in others for others in holders_of_each)
        ]

    def put(self, recipient: Recipient) -> bool:
        """Store a profile, leaving its audiences as they are; True if it is a new one."""
        created = self._store.get(_id(recipient.user_id)) is None
        self.put_all([recipient])
        return created

    def put_all(self, recipients: Iterable[Recipient]) -> None:
        """Store profiles, leaving their audiences as they are."""
        self._put_in_turns(recipients, None)

    def add(self, audience: str, recipients: Iterable[Recipient]) -> None:
        """Store profiles and count them among `audience`; those who belong to it already stay."""
        everyone = list(recipients)
        edition = self.audiences.opened(audience)
        self._put_in_turns(everyone, edition)
        while (current := self.audiences.current(audience)) != edition:  # it was replaced meanwhile
            edition = current
            self._put_in_turns(everyone, edition)

    def replace(self, audience: str, recipients: Iterable[Recipient]) -> None:
        """Store profiles and let them alone be `audience`: whoever reads it finds those before or all of these."""
        edition = self.audiences.begun(audience)
        self._put_in_turns(recipients, edition)
        self.audiences.switch(edition)

    def leave(self, audience: str, user_id: str) -> bool:
        """Take a recipient out of an audience; False if it does not belong to it."""
        return self._remove(self.audiences.current(audience).member_id(user_id))

    def remove(self, user_id: str) -> bool:
        """Erase a recipient, then take it out of every audience; False if there was nothing to erase.

        Repeating it finishes what a crash in between left over.
        """
        existed = self._remove(_id(user_id))
        self._lately.forget([user_id])
        while members := self._store.by_index("member-of", user_id, limit=MOST_SHOWN).items:
            existed = True
            for item in members:
                self._remove(item.id)
        return existed

    def members(
        self, audience: str, *, cursor: str | None = None, limit: int = 50, edition: str | None = None
    ) -> Page[Recipient]:
        """One page of an audience, in the order of their ids; it may hold fewer than `limit` although more follow.

        `edition` is the one to go on with; without it, the one that counts now.
        """
        members = self.audiences.current(audience) if edition is None else Edition(audience, edition)
        page = self._store.ids_by_index("audience", members.key, cursor=cursor, limit=limit)
        people = self.get_many([name.removeprefix(members.member_id("")) for name in page.items])
        return Page(list(people.values()), page.cursor)

    def size(self, audience: str) -> int:
        """How many belong to an audience; nobody belongs to one that was never named."""
        return self._store.count("audience", self.audiences.current(audience).key)

    def search(self, text: str | None, cursor: str | None, limit: int) -> Page[Recipient]:
        """Recipients whose id or first name holds `text` in any case, or all, in the order of their ids.

        A page may hold fewer than `limit` although more follow.
        """
        people, last, wanted = list[Recipient](), "", caseless(text or "")
        for number, item in enumerate(self._all(from_cursor(cursor))):
            if number and (len(people) == limit or number == LOOKED_AT):
                return Page(people, to_cursor(last))
            last, person = item.id, _recipient(item)
            if wanted in caseless(person.user_id) or wanted in caseless(person.first_name):
                people.append(person)
        return Page(people, None)

    def _all(self, after: str | None) -> Iterator[Item]:
        """All recipients after an id: the parts of their list, merged."""
        parts = (self._part(str(shard), after) for shard in range(SHARDS))
        return merge(*parts, key=lambda item: item.id)

    def _part(self, shard: str, after: str | None) -> Iterator[Item]:
        cursor = None if after is None else to_cursor(after)
        while True:
            page = self._store.by_index("recipients", shard, cursor=cursor)
            yield from page.items
            if (cursor := page.cursor) is None:
                return

    def _read(self, user_ids: Sequence[str]) -> Mapping[str, Recipient]:
        names = {_id(user_id): user_id for user_id in user_ids}
        items = self._store.get_many(list(names))
        return {user_id: _recipient(items[name]) for name, user_id in names.items() if name in items}

    def _put_in_turns(self, recipients: Iterable[Recipient], edition: Edition | None) -> None:
        everyone = list({recipient.user_id: recipient for recipient in recipients}.values())
        for start in range(0, len(everyone), _TOGETHER):
            self._put_together(everyone[start : start + _TOGETHER], edition)

    def _put_together(self, recipients: Sequence[Recipient], edition: Edition | None) -> None:
        members = [edition.member(each.user_id) for each in recipients] if edition is not None else []
        while True:
            first, *others = self._changed(recipients)
            try:
                self._store.save(first, *others, spawn=members)
            except Conflict:
                continue  # somebody wrote one of them meanwhile: ours is the later word
            self._lately.forget(recipient.user_id for recipient in recipients)
            return

    def _changed(self, recipients: Sequence[Recipient]) -> Sequence[Item]:
        items = self._store.get_many([_id(recipient.user_id) for recipient in recipients])
        return [self._item(recipient, items.get(_id(recipient.user_id))) for recipient in recipients]

    def _item(self, recipient: Recipient, stored: Item | None) -> Item:
        phone, email = recipient.phone, recipient.email
        keys = {"recipients": str(crc32(recipient.user_id.encode()) % SHARDS)}
        keys |= {"recipient-phone": self._keys.phone(phone.e164)} if phone is not None else {}
        keys |= {"recipient-email": self._keys.email(email)} if email is not None else {}
        return structs.replace(stored or Item(_id(recipient.user_id), KIND, {}), state=to_state(recipient), keys=keys)

    def _remove(self, item_id: str) -> bool:
        while (item := self._store.get(item_id)) is not None:
            try:
                self._store.remove(item)
            except Conflict:
                continue
            return True
        return False


def _id(user_id: str) -> str:
    return f"recipient-{user_id}"


def _recipient(item: Item) -> Recipient:
    return from_state(Recipient, item.state)
