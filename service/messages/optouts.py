"""Who wants no messages, and of which lanes: phones that said STOP, addresses that bounced, complained or left.

Asked before anything is sent. What an opt-out ends follows from its reason: see `TOPICS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import structs

from service.channels import ContactKeys, ContactKind, asked_contact
from service.core import Clock, Lane, from_state, to_state
from service.storage import Conflict, Item, Page, Relisting, Store

KIND = "opt-out"
PREFIX = "optout-"
"""How the ids of all of them begin."""

_ID = re.compile(rf"{PREFIX}(?:phone|email)-[0-9a-f]{{32}}")

INDEX = ("kind", KIND)
"""Where all are listed; `relisting` puts those there that an earlier version wrote."""


class OptOutReason(StrEnum):
    """What made us stop writing."""

    KEYWORD = "keyword"
    PROVIDER = "provider"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"
    ADMINISTRATOR = "administrator"

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return _SENTENCES[self]


_SENTENCES = {
    OptOutReason.KEYWORD: "this phone said STOP",
    OptOutReason.PROVIDER: "the provider says that this phone wants no messages",
    OptOutReason.BOUNCE: "mail to this address came back for good",
    OptOutReason.COMPLAINT: "the recipient reported our mail as spam",
    OptOutReason.UNSUBSCRIBED: "the recipient unsubscribed from bulk mail",
    OptOutReason.ADMINISTRATOR: "an administrator ended all messages to this contact",
}


class Topic(StrEnum):
    """What an opt-out ends: bulk alone, all notifications (bulk and transactional), or incidents as well."""

    BULK = "bulk"
    NOTIFICATIONS = "notifications"
    EVERYTHING = "everything"


TOPICS = {
    OptOutReason.UNSUBSCRIBED: Topic.BULK,
    OptOutReason.COMPLAINT: Topic.NOTIFICATIONS,
    OptOutReason.BOUNCE: Topic.EVERYTHING,
    OptOutReason.KEYWORD: Topic.EVERYTHING,
    OptOutReason.PROVIDER: Topic.EVERYTHING,
    OptOutReason.ADMINISTRATOR: Topic.EVERYTHING,
}
"""What each reason ends."""

LIFTED_BY_START = frozenset(OptOutReason) - {OptOutReason.ADMINISTRATOR}
"""What START from a phone lifts: its own STOP and the provider's list. Other reasons need a person."""

_LANES = {
    Topic.BULK: frozenset({Lane.BULK}),
    Topic.NOTIFICATIONS: frozenset({Lane.BULK, Lane.TRANSACTIONAL}),
    Topic.EVERYTHING: frozenset(Lane),
}


@dataclass(frozen=True, slots=True)
class OptOut:
    """A standing refusal."""

    why: OptOutReason
    since: datetime

    @property
    def topic(self) -> Topic:
        """What it ends."""
        return TOPICS[self.why]

    def ends(self, lane: Lane) -> bool:
        """Whether messages of a lane are refused."""
        return lane in _LANES[self.topic]


@dataclass(frozen=True, slots=True)
class ListedOptOut:
    """An opt-out as it is listed. `contact` is `phone` or `email`, `key` how a profile with it is looked up."""

    id: str
    contact: str
    key: str
    opt_out: OptOut


@dataclass(frozen=True, slots=True)
class _Register:
    """All refusals of one phone or address: the first, and `more` of other reasons."""

    why: OptOutReason
    since: datetime
    more: tuple[OptOut, ...] = ()

    @property
    def all(self) -> tuple[OptOut, ...]:
        return (OptOut(self.why, self.since), *self.more)


class OptOuts:
    """The register of opted-out phones and suppressed addresses. Its items hold no contact data, only HMACs."""

    def __init__(self, store: Store, clock: Clock, keys: ContactKeys) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys

    def relisting(self) -> Relisting:
        """Lists what an earlier version wrote."""
        return Relisting(self._store, PREFIX, lambda _: dict([INDEX]))

    def of_phone(self, e164: str) -> tuple[OptOut, ...]:
        """Why this phone is not written to, and since when."""
        return self._read(self._phone_id(e164))

    def of_email(self, address: str) -> tuple[OptOut, ...]:
        """Why this address is not written to, and since when."""
        return self._read(self._email_id(address))

    def ending(self, kind: ContactKind, contact: str, lane: Lane) -> OptOut | None:
        """What ends messages of a lane to a contact, or None."""
        return self.ending_phone(contact, lane) if kind is ContactKind.PHONE else self.ending_email(contact, lane)

    def ending_phone(self, e164: str, lane: Lane) -> OptOut | None:
        """The opt-out that ends messages of a lane to this phone, or None."""
        return _ending(self.of_phone(e164), lane)

    def ending_email(self, address: str, lane: Lane) -> OptOut | None:
        """The opt-out that ends messages of a lane to this address, or None."""
        return _ending(self.of_email(address), lane)

    def among(self, phones: Iterable[str], addresses: Iterable[str], lane: Lane) -> Mapping[str, OptOut]:
        """Those of some phones (E.164) and addresses, `MAX_WRITES` together at most, that get nothing of a lane."""
        ids = {self._phone_id(e164): e164 for e164 in phones} | {
            self._email_id(address): address for address in addresses
        }
        items = self._store.get_many(list(ids)) if ids else {}
        ending = {ids[name]: _ending(_refusals(item), lane) for name, item in items.items()}
        return {contact: opt_out for contact, opt_out in ending.items() if opt_out is not None}

    def add_phone(self, e164: str, why: OptOutReason) -> None:
        """Write to this phone no more. A repetition changes nothing."""
        self._add(self._phone_id(e164), why)

    def add_email(self, address: str, why: OptOutReason) -> None:
        """End for this address what the reason ends. A repetition changes nothing."""
        self._add(self._email_id(address), why)

    def add_email_key(self, key: str, why: OptOutReason) -> None:
        """`add_email` for an address of which only its key (`ContactKeys`) is known."""
        self._add(f"{PREFIX}email-{key}", why)

    def lift_email_key(self, key: str, why: OptOutReason) -> bool:
        """`lift_email` for an address of which only its key is known."""
        return self._lift(f"{PREFIX}email-{key}", frozenset({why}))

    def told_by_provider(self, e164: str) -> Item:
        """What to commit, as a child, with the refusal of a provider; an opt-out that is there already stays."""
        item = Item(self._phone_id(e164), KIND, {})
        return _with(item, (OptOut(OptOutReason.PROVIDER, self._clock.now()),))

    def bounced(self, address: str) -> Item:
        """What to commit, as a child, when a mail server says that the mailbox is gone."""
        item = Item(self._email_id(address), KIND, {})
        return _with(item, (OptOut(OptOutReason.BOUNCE, self._clock.now()),))

    def lift_phone(self, e164: str) -> bool:
        """End what a phone's START may end; False if nothing was. What an administrator ended stays ended."""
        return self._lift(self._phone_id(e164), LIFTED_BY_START)

    def lift_email(self, address: str, why: OptOutReason) -> bool:
        """End one of the reasons not to write to this address; False if it was none."""
        return self._lift(self._email_id(address), frozenset({why}))

    def listed(self, cursor: str | None, limit: int) -> Page[ListedOptOut]:
        """A page of all opt-outs; it may hold more than `limit` where an address has several."""
        page = self._store.by_index(*INDEX, cursor=cursor, limit=limit)
        return Page([listed for item in page.items for listed in _listed_opt_outs(item)], page.cursor)

    def of_contact(self, contact: str) -> tuple[ListedOptOut, ...]:
        """The opt-outs of one phone or address, as people write it; `ContactRefused` for what can be neither."""
        name = asked_contact(contact)
        item = self._store.get(self._email_id(name) if "@" in name else self._phone_id(name))
        return () if item is None else _listed_opt_outs(item)

    def lift(self, listed_id: str) -> ListedOptOut | None:
        """End one listed opt-out; None if there is none of this id."""
        name = listed_id.rpartition("-")[0]
        item = self._store.get(name) if _ID.fullmatch(name) else None
        listed_opt_outs = () if item is None else _listed_opt_outs(item)
        listed = next((opt_out for opt_out in listed_opt_outs if opt_out.id == listed_id), None)
        if item is None or listed is None or not self._lift(item.id, frozenset({listed.opt_out.why})):
            return None
        return listed

    def _phone_id(self, e164: str) -> str:
        return f"{PREFIX}phone-{self._keys.phone(e164)}"

    def _email_id(self, address: str) -> str:
        return f"{PREFIX}email-{self._keys.email(address)}"

    def _read(self, item_id: str) -> tuple[OptOut, ...]:
        item = self._store.get(item_id)
        return () if item is None else _refusals(item)

    def _add(self, item_id: str, why: OptOutReason) -> None:
        while True:
            item = self._store.get(item_id) or Item(item_id, KIND, {})
            known = _refusals(item)
            if any(opt_out.why is why for opt_out in known) or (known and why is OptOutReason.PROVIDER):
                return
            try:
                self._store.save(_with(item, (*known, OptOut(why, self._clock.now()))))
            except Conflict:
                continue
            return

    def _lift(self, item_id: str, whys: frozenset[OptOutReason]) -> bool:
        while (item := self._store.get(item_id)) is not None:
            known = _refusals(item)
            kept = tuple(opt_out for opt_out in known if opt_out.why not in whys)
            if len(kept) == len(known):
                return False
            try:
                if kept:
                    self._store.save(_with(item, kept))
                else:
                    self._store.remove(item)
            except Conflict:
                continue
            return True
        return False


def _ending(refusals: Iterable[OptOut], lane: Lane) -> OptOut | None:
    return next((refusal for refusal in refusals if refusal.ends(lane)), None)


def _refusals(item: Item) -> tuple[OptOut, ...]:
    return from_state(_Register, item.state).all if item.version else ()


def _with(item: Item, refusals: tuple[OptOut, ...]) -> Item:
    first, *more = refusals
    state = to_state(_Register(first.why, first.since, tuple(more)))
    return structs.replace(item, state=state, keys=dict([INDEX]))


def _listed_opt_outs(item: Item) -> tuple[ListedOptOut, ...]:
    contact, _, key = item.id.removeprefix(PREFIX).partition("-")
    return tuple(ListedOptOut(f"{item.id}-{opt_out.why}", contact, key, opt_out) for opt_out in _refusals(item))
