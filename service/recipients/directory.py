"""The directory: recipients and the audiences they belong to.

A person's contact data stands in one item and nowhere else, so that removing the item erases it. The item itself is
listed under each of its audiences, so that paging through one reads profiles directly and never scans.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from service.channels.contact_keys import ContactKeys
from service.errors import TocsinError
from service.recipients.profile import Recipient
from service.records import from_state, to_state
from service.storage import Conflict, Item, Page, Store

KIND = "recipient"
MAX_AT_ONCE = 1000
"""Recipients that one call may add to an audience."""

MAX_AUDIENCES = 20
"""Audiences that one recipient may belong to."""

_TOGETHER = 20  # each write of a recipient is also one for each of its lookups, and a commit holds 100


class TooManyAudiences(TocsinError):
    """A recipient would belong to more than `MAX_AUDIENCES`."""


@dataclass(frozen=True, slots=True)
class Member:
    """A recipient and the audiences it belongs to."""

    recipient: Recipient
    audiences: tuple[str, ...]


class Directory:
    """Recipients and audiences on the store."""

    def __init__(self, store: Store, keys: ContactKeys) -> None:
        self._store = store
        self._keys = keys

    def get(self, user_id: str) -> Recipient | None:
        """One recipient, or None."""
        item = self._store.get(_id(user_id))
        return None if item is None else _recipient(item)

    def member(self, user_id: str) -> Member | None:
        """One recipient with its audiences, or None."""
        item = self._store.get(_id(user_id))
        return None if item is None else Member(_recipient(item), _audiences(item.keys))

    def by_phone(self, e164: str) -> Recipient | None:
        """A recipient with this phone (the first of several), or None: whose language a reply is in."""
        page = self._store.by_index("recipient-phone", self._keys.phone(e164), limit=1)
        return next(map(_recipient, page.items), None)

    def put(self, recipient: Recipient) -> bool:
        """Store a profile, leaving its audiences as they are; True if it is a new one."""
        created = self._store.get(_id(recipient.user_id)) is None
        self._put_all([recipient], frozenset())
        return created

    def add(self, audience: str, recipients: Iterable[Recipient]) -> None:
        """Store profiles and count them among `audience`; those who belong to it already stay."""
        everyone = list({recipient.user_id: recipient for recipient in recipients}.values())
        for start in range(0, len(everyone), _TOGETHER):
            self._put_all(everyone[start : start + _TOGETHER], frozenset({audience}))

    def remove(self, user_id: str) -> bool:
        """Erase a recipient from the directory and every audience; False if there is none."""
        while (item := self._store.get(_id(user_id))) is not None:
            try:
                self._store.remove(item)
            except Conflict:
                continue
            return True
        return False

    def members(self, audience: str, *, cursor: str | None = None, limit: int = 50) -> Page[Recipient]:
        """One page of an audience, in the order of their ids."""
        page = self._store.by_index(_index(audience), _MEMBER, cursor=cursor, limit=limit)
        return Page([_recipient(item) for item in page.items], page.cursor)

    def size(self, audience: str) -> int:
        """How many belong to an audience; nobody belongs to one that was never named."""
        return self._store.count(_index(audience), _MEMBER)

    def _put_all(self, recipients: Sequence[Recipient], audiences: frozenset[str]) -> None:
        while True:
            first, *others = [self._changed(recipient, audiences) for recipient in recipients]
            try:
                self._store.save(first, *others)
            except Conflict:
                continue  # somebody wrote one of them meanwhile: keep what they changed, and ours on top
            return

    def _changed(self, recipient: Recipient, audiences: frozenset[str]) -> Item:
        item = self._store.get(_id(recipient.user_id)) or Item(_id(recipient.user_id), KIND, {})
        belongs = sorted({*_audiences(item.keys), *audiences})
        if len(belongs) > MAX_AUDIENCES:
            raise TooManyAudiences(
                f"{recipient.user_id} would belong to {len(belongs)} audiences: {MAX_AUDIENCES} at most"
            )
        keys = {_index(audience): _MEMBER for audience in belongs}
        if recipient.phone is not None:
            keys["recipient-phone"] = self._keys.phone(recipient.phone.e164)
        return replace(item, state=to_state(recipient), keys=keys)


_MEMBER = "member"
_PREFIX = "audience:"


def _id(user_id: str) -> str:
    return f"recipient-{user_id}"


def _index(audience: str) -> str:
    return f"{_PREFIX}{audience}"


def _audiences(keys: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name.removeprefix(_PREFIX) for name in keys if name.startswith(_PREFIX))


def _recipient(item: Item) -> Recipient:
    return from_state(Recipient, item.state)
