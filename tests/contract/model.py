"""The contract as the plainest program that keeps it: one dictionary, no database. The oracle of the random test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from msgspec import structs

from service.core.enums import Lane
from service.storage import AlreadyExists, AuditEntry, Conflict, Item


@dataclass
class Model:
    """What a store must look like from outside, at the time `now`."""

    now: datetime
    items: dict[str, Item] = field(default_factory=dict)
    audit: dict[str, AuditEntry] = field(default_factory=dict)
    lives: Iterator[int] = field(default_factory=lambda: count(1_000_000, 1_000_000))
    """First versions: no life of an item shares a version with another."""

    def get(self, item_id: str) -> Item | None:
        item = self.items.get(item_id)
        return None if item is None or self._expired(item) else item

    def save(self, *changes: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()) -> Item:
        for change in changes:
            there = self.get(change.id)
            if change.version == 0 and there is not None:
                raise AlreadyExists(change.id)
            if change.version and (there is None or there.version != change.version):
                raise Conflict(change.id)
        if any(entry.audit_id in self.audit for entry in audit):
            raise AlreadyExists("audit")
        for change in changes:
            self.items[change.id] = structs.replace(
                change, version=change.version + 1 if change.version else next(self.lives)
            )
        for child in spawn:
            if self.get(child.id) is None:
                self.items[child.id] = structs.replace(child, version=next(self.lives))
        self.audit.update({entry.audit_id: entry for entry in audit})
        return self.items[changes[0].id]

    def remove(self, item: Item) -> None:
        there = self.get(item.id)
        if there is None or there.version != item.version:
            raise Conflict(item.id)
        del self.items[item.id]

    def due(self, lane: Lane) -> list[str]:
        """The ids of what may be claimed, most overdue first."""
        due = [
            (item.due_at, item.id)
            for item in self.items.values()
            if item.lane is lane and item.due_at is not None and item.due_at <= self.now and not self._expired(item)
        ]
        return [item_id for _, item_id in sorted(due)]

    def take(self, item_ids: Iterable[str], lease: timedelta) -> list[Item]:
        """Claim these."""
        taken = [self.items[item_id] for item_id in item_ids]
        claimed = [
            structs.replace(item, due_at=self.now + lease, version=item.version + 1, attempts=item.attempts + 1)
            for item in taken
        ]
        self.items.update({item.id: item for item in claimed})
        return claimed

    def listed(self, index: str, value: str, newest_first: bool) -> list[Item]:
        found = [item for item in self.items.values() if item.keys.get(index) == value and not self._expired(item)]
        return sorted(found, key=lambda item: item.id, reverse=newest_first)

    def _expired(self, item: Item) -> bool:
        return item.expires_at is not None and item.expires_at <= self.now
