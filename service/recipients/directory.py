"""The directory: recipients and the audiences they belong to.

A person's contact data stands in one item and nowhere else, so that removing it erases them. Belonging to an audience
is an item of its own that names both, so that paging through an audience of any size never scans.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from service.channels.contact_keys import ContactKeys
from service.core.clock import Clock
from service.core.records import from_state, to_state
from service.recipients.profile import Recipient
from service.recipients.profile_cache import Lately
from service.storage import MAX_WRITES, Conflict, Item, Page, Store
from service.storage.relisting import Relisting

KIND = "recipient"
MEMBER_KIND = "member"
MAX_AT_ONCE = 1000
"""Recipients that one call may add to an audience."""

NO_RECIPIENT = "is no recipient: PUT /v1/recipients/{id} makes one"
"""What is wrong with an id that no recipient has."""

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
        self._lately = Lately(clock)

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
        found = {**known, **self._read(asked)} if asked else known
        return {user_id: found[user_id] for user_id in user_ids if user_id in found}

    def member(self, user_id: str) -> Member | None:
        """One recipient with its audiences, or None."""
        if (recipient := self.get(user_id)) is None:
            return None
        belongs = self._store.by_index("member-of", user_id, limit=MOST_SHOWN).items
        return Member(recipient, tuple(str(item.state["audience"]) for item in belongs))

    def by_phone(self, e164: str) -> Recipient | None:
        """A recipient with this phone (the first of several), or None: whose language a reply is in."""
        page = self._store.by_index("recipient-phone", self._keys.phone(e164), limit=1)
        return next(map(_recipient, page.items), None)

    def holders(self, contact: str, key: str) -> Sequence[Recipient]:
        """Some of the recipients with a `phone` or `email`, by its `ContactKeys` key."""
        return [
            _recipient(item) for item in self._store.by_index(f"recipient-{contact}", key, limit=MOST_HOLDERS).items
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
        self._put_in_turns(recipients, audience)

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

    def members(self, audience: str, *, cursor: str | None = None, limit: int = 50) -> Page[Recipient]:
        """One page of an audience, in the order of their ids; it may hold fewer than `limit` although more follow."""
        page = self._store.ids_by_index("audience", audience, cursor=cursor, limit=limit)
        found = self.get_many([name.removeprefix(_member_id(audience, "")) for name in page.items])
        return Page(list(found.values()), page.cursor)

    def size(self, audience: str) -> int:
        """How many belong to an audience; nobody belongs to one that was never named."""
        return self._store.count("audience", audience)

    def _read(self, user_ids: Sequence[str]) -> Mapping[str, Recipient]:
        names = {_id(user_id): user_id for user_id in user_ids}
        found = self._store.get_many(list(names))
        return {user_id: _recipient(found[name]) for name, user_id in names.items() if name in found}

    def _put_in_turns(self, recipients: Iterable[Recipient], audience: str | None) -> None:
        everyone = list({recipient.user_id: recipient for recipient in recipients}.values())
        for start in range(0, len(everyone), _TOGETHER):
            self._put_together(everyone[start : start + _TOGETHER], audience)

    def _put_together(self, recipients: Sequence[Recipient], audience: str | None) -> None:
        members = [_member(audience, each.user_id) for each in recipients] if audience is not None else []
        while True:
            first, *others = self._changed(recipients)
            try:
                self._store.save(first, *others, spawn=members)
            except Conflict:
                continue  # somebody wrote one of them meanwhile: ours is the later word
            self._lately.forget(recipient.user_id for recipient in recipients)
            return

    def _changed(self, recipients: Sequence[Recipient]) -> Sequence[Item]:
        found = self._store.get_many([_id(recipient.user_id) for recipient in recipients])
        return [self._item(recipient, found.get(_id(recipient.user_id))) for recipient in recipients]

    def _item(self, recipient: Recipient, stored: Item | None) -> Item:
        phone, email = recipient.phone, recipient.email
        keys = {"recipient-phone": self._keys.phone(phone.e164)} if phone is not None else {}
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


def _member(audience: str, user_id: str) -> Item:
    state = {"audience": audience, "user_id": user_id}
    keys = {"audience": audience, "member-of": user_id}
    return Item(_member_id(audience, user_id), MEMBER_KIND, state, keys=keys)


def _member_id(audience: str, user_id: str) -> str:
    """The length keeps apart the audience "a-b" with its member "c" and "a" with "b-c"."""
    return f"member-{len(audience)}-{audience}-{user_id}"


def _recipient(item: Item) -> Recipient:
    return from_state(Recipient, item.state)
