"""What one commit may hold, decided before any database is asked: the same for every adapter.

The limits are DynamoDB's, whichever database is used, so that what works embedded also works on AWS:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import getrandbits
from typing import NamedTuple

from msgspec import structs

from service.core import exact_json
from service.storage.store import (
    MAX_COMMIT_BYTES,
    MAX_ITEM_BYTES,
    MAX_KEY_BYTES,
    MAX_KEYS,
    MAX_WRITES,
    AlreadyExists,
    AuditEntry,
    Conflict,
    Item,
    KeyRefused,
    TooLarge,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

FIRST_VERSION_BITS = 52
"""The first version of an item is random: one that was removed and stored anew must not meet an old holder's. Saves
count on from there and stay within what JSON numbers hold exactly (RFC 8259 §6)."""

_NO_KEYS = "{}"

_NUL = "\\u0000"
"""How JSON writes it."""

_OVERHEAD_BYTES = 400
"""Attribute names and numbers of a stored item, generously."""


def micros(at: datetime) -> int:
    """An instant as whole microseconds since 1970, exactly."""
    return (at - EPOCH) // MICROSECOND


def instant(since_epoch: int) -> datetime:
    """The instant that `micros` counted."""
    return EPOCH + since_epoch * MICROSECOND


class ItemRow(NamedTuple):
    """An item as both databases store it: state and keys as JSON text, times as whole microseconds.

    `item` holds the version that must be stored now, `version` is the one to be written. `size` is the bytes it takes,
    at most.
    """

    item: Item
    version: int
    state: str
    keys: str
    due_at: int | None
    expires_at: int | None
    size: int

    @property
    def was(self) -> int:
        """The version that must be stored now; 0 if none may be."""
        return self.item.version

    @property
    def after(self) -> Item:
        """The item as it is once the row is written."""
        return structs.replace(self.item, version=self.version)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An audit entry as both databases store it."""

    entry: AuditEntry
    at: int
    detail: str

    @property
    def size(self) -> int:
        """Bytes it takes, at most; its identifiers count three times because they also stand in the indexes."""
        ids = (self.entry.audit_id, self.entry.request_id, self.entry.ruleset or "")
        texts = (self.entry.entry_type, self.entry.app, self.entry.raw_data, self.detail)
        return _OVERHEAD_BYTES + 3 * sum(map(_bytes, ids)) + sum(map(_bytes, texts))


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """Writes that happen together or not at all, within all limits.

    `changes` are compared by version; `children` that exist already are left alone; `audit` is appended.
    """

    changes: tuple[ItemRow, ...]
    children: tuple[ItemRow, ...] = ()
    audit: tuple[AuditRow, ...] = ()


def commit_of(changes: Sequence[Item], spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()) -> WriteBatch:
    """The commit of these writes; `TooLarge` over a limit, `Conflict` when two changes are of one item."""
    _refuse_twice(changes)
    children = _first_of_each(spawn, {item.id for item in changes})
    commit = WriteBatch(
        tuple(item_row(item) for item in changes),
        tuple(item_row(child if child.version == 0 else structs.replace(child, version=0)) for child in children),
        tuple(audit_row(entry) for entry in audit),
    )
    _check_limits(commit)
    return commit


def new_items(items: Sequence[Item], audit: Sequence[AuditEntry]) -> WriteBatch:
    """The commit that stores items which must not be there yet."""
    return commit_of([structs.replace(item, version=0) for item in items], audit=audit)


def item_row(item: Item) -> ItemRow:
    """The row that stores an item's next version; `TooLarge` for one over a limit, `KeyRefused`."""
    state, keys = exact_json.dumps(item.state), exact_json.canonical_texts(item.keys) if item.keys else _NO_KEYS
    id_bytes = _bytes(item.id)
    # An index holds its keys once more.
    size = _OVERHEAD_BYTES + id_bytes + len(item.kind) + _bytes(state) + 2 * len(keys)
    _check_key("item id", id_bytes)
    _check_keys(item, keys)
    if size > MAX_ITEM_BYTES:
        raise _too_large(f"item {item.id!r} ({item.kind})", size)
    return ItemRow(item, _next(item.version), state, keys, _micros(item.due_at), _micros(item.expires_at), size)


def _next(version: int) -> int:
    return version + 1 if version else getrandbits(FIRST_VERSION_BITS) + 1


def audit_row(entry: AuditEntry) -> AuditRow:
    """The row that stores an audit entry; `TooLarge` for one over a limit."""
    row = AuditRow(entry, micros(entry.at), exact_json.dumps(entry.detail))
    for name, key in (("audit id", entry.audit_id), ("request id", entry.request_id)):
        _check_key(name, _bytes(key))
    if row.size > MAX_ITEM_BYTES:
        raise _too_large(f"audit entry {entry.audit_id!r} ({entry.entry_type})", row.size)
    return row


def _refuse_twice(changes: Sequence[Item]) -> None:
    seen: set[str] = set()
    for item in changes:
        if item.id in seen:
            raise (Conflict if item.version else AlreadyExists)(f"item {item.id!r} stands twice in one commit")
        seen.add(item.id)


def _first_of_each(spawn: Iterable[Item], taken: set[str]) -> Iterable[Item]:
    return {child.id: child for child in reversed(list(spawn)) if child.id not in taken}.values()


def _check_limits(commit: WriteBatch) -> None:
    rows: tuple[ItemRow | AuditRow, ...] = (*commit.changes, *commit.children, *commit.audit)
    if len(rows) > MAX_WRITES:
        raise TooLarge(f"{len(rows)} writes in one commit: at most {MAX_WRITES} fit, write the children first")
    total = sum(row.size for row in rows)
    if total > MAX_COMMIT_BYTES:
        raise TooLarge(f"{total} bytes in one commit: at most {MAX_COMMIT_BYTES} fit, split it")


def _check_keys(item: Item, written: str) -> None:
    if len(item.keys) > MAX_KEYS:
        raise TooLarge(f"item {item.id!r} has {len(item.keys)} lookup keys: at most {MAX_KEYS} fit")
    if len(written) > MAX_KEY_BYTES:  # otherwise each of them is shorter still
        for index, value in item.keys.items():
            _check_key("lookup key", _bytes(f"{index}={value}"))
    if _NUL in written and any("\0" in text for key in item.keys.items() for text in key):
        raise KeyRefused(f"a lookup key of item {item.id!r} holds the character NUL: leave it out")


def _check_key(what: str, size: int) -> None:
    if not 1 <= size <= MAX_KEY_BYTES:
        raise TooLarge(f"{what} of {size} bytes: between 1 and {MAX_KEY_BYTES} fit")


def _too_large(what: str, size: int) -> TooLarge:
    return TooLarge(f"{what} takes {size} bytes: at most {MAX_ITEM_BYTES} fit, store it in parts")


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)
