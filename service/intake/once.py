"""One letter, one effect, as with an `Idempotency-Key`: whoever comes again finds what was made, or makes it under
the id that was chosen first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from msgspec import structs

from service.core import Clock, TocsinError, from_state, ids, to_state
from service.storage import Conflict, Item, Store

KEPT = timedelta(days=15)
"""A day longer than a queue keeps a message (14 days at most)."""


class OtherRequest(TocsinError):
    """The id came before with other content."""


@dataclass(frozen=True, slots=True)
class OnceRecord:
    """What is known of an id: what was asked, under which id it is made, and whether it is."""

    fingerprint: str
    resource_id: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class BegunRecord:
    """A record and its item."""

    item: Item
    record: OnceRecord


@dataclass(frozen=True, slots=True)
class Once:
    """The records of one app's letters."""

    store: Store
    clock: Clock
    app: str

    def begin(self, name: str, fingerprint: str) -> BegunRecord:
        """The record of an id, made now if it is new. Several may begin at once: they make the same thing."""
        now = self.clock.now()
        record = OnceRecord(fingerprint, ids.fresh(now))
        item = Item(self._item_id(name), "intake-record", to_state(record), expires_at=now + KEPT)
        try:
            return BegunRecord(self.store.save(item), record)
        except Conflict:
            return self._found(name, fingerprint)

    def finish(self, begun: BegunRecord) -> None:
        """What was asked is durable."""
        done = structs.replace(begun.item, state=to_state(replace(begun.record, done=True)))
        try:
            self.store.save(done)
        except Conflict:
            return  # another copy of the letter has come as far

    def free(self, begun: BegunRecord) -> None:
        """Nothing was made: the id may be used for something else."""
        try:
            self.store.remove(begun.item)
        except Conflict:
            return  # another copy of the letter has come as far

    def _found(self, name: str, fingerprint: str) -> BegunRecord:
        item = self.store.get(self._item_id(name))
        if item is None:
            return self.begin(name, fingerprint)  # freed, or expired, at this very moment
        record = from_state(OnceRecord, item.state)
        if record.fingerprint != fingerprint:
            raise OtherRequest(f"a message of the id {name!r} came before, with other content")
        return BegunRecord(item, record)

    def _item_id(self, name: str) -> str:
        both = f"{self.app}\0{name}"
        return f"intake-{sha256(both.encode()).hexdigest()}"
