"""Who wants no messages: phones that said STOP, addresses that bounced or complained. Asked before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.channels.contact_keys import ContactKeys
from service.clock import Clock
from service.records import from_state, to_state
from service.storage import AlreadyExists, Conflict, Item, Store

KIND = "opt-out"


class Why(StrEnum):
    """What made us stop writing."""

    KEYWORD = "keyword"
    PROVIDER = "provider"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBED = "unsubscribed"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class OptOut:
    """A standing refusal."""

    why: Why
    since: datetime


class OptOuts:
    """The register of opted-out phones and suppressed addresses. Its items hold no contact data, only HMACs."""

    def __init__(self, store: Store, clock: Clock, keys: ContactKeys) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys

    def of_phone(self, e164: str) -> OptOut | None:
        """Since when and why this phone gets nothing, or None."""
        return self._read(self._phone_id(e164))

    def of_email(self, address: str) -> OptOut | None:
        """Since when and why this address gets nothing, or None."""
        return self._read(self._email_id(address))

    def among(self, phones: Iterable[str], addresses: Iterable[str]) -> frozenset[str]:
        """Those of some phones (E.164) and addresses, `MAX_WRITES` together at most, that get nothing."""
        ids = {self._phone_id(e164): e164 for e164 in phones} | {self._email_id(one): one for one in addresses}
        return frozenset(ids[found] for found in self._store.get_many(list(ids))) if ids else frozenset()

    def add_phone(self, e164: str, why: Why) -> None:
        """Write to this phone no more. Saying it again changes nothing."""
        self._add(self._phone_id(e164), why)

    def add_email(self, address: str, why: Why) -> None:
        """Write to this address no more. Saying it again changes nothing."""
        self._add(self._email_id(address), why)

    def lift_phone(self, e164: str) -> bool:
        """Write to this phone again (START); False if nothing had to be lifted."""
        return self._lift(self._phone_id(e164))

    def lift_email(self, address: str) -> bool:
        """Write to this address again; False if nothing had to be lifted."""
        return self._lift(self._email_id(address))

    def _phone_id(self, e164: str) -> str:
        return f"optout-phone-{self._keys.phone(e164)}"

    def _email_id(self, address: str) -> str:
        return f"optout-email-{self._keys.email(address)}"

    def _read(self, item_id: str) -> OptOut | None:
        item = self._store.get(item_id)
        return None if item is None else from_state(OptOut, item.state)

    def _add(self, item_id: str, why: Why) -> None:
        try:
            self._store.add(Item(item_id, KIND, to_state(OptOut(why, self._clock.now()))))
        except AlreadyExists:
            return  # the first refusal stands

    def _lift(self, item_id: str) -> bool:
        item = self._store.get(item_id)
        if item is None:
            return False
        try:
            self._store.remove(item)
        except Conflict:
            return self._lift(item_id)
        return True
