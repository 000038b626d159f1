"""Durable items: one narrow protocol, two adapters (`sqlite`, `dynamodb`), one contract suite.

One idea carries timers, retries, leases, fan-out and crash recovery: an item that still has something to do has a
`lane` and a `due_at`. A claim moves `due_at` to the end of the lease, so a crashed worker's item comes due by itself;
a timer or a retry sets it later; a finished item has none and stays as the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from service.core import Lane, Record, TocsinError, Unavailable

T = TypeVar("T")

MAX_WRITES = 100
"""Writes in one commit, audit entries included (DynamoDB TransactWriteItems)."""

MAX_ITEM_BYTES = 400 * 1024
"""Size of one stored item (DynamoDB)."""

MAX_COMMIT_BYTES = 4 * 1024 * 1024
"""Size of one commit (DynamoDB TransactWriteItems)."""

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""Size, as stored, at which a page of a list ends although its `limit` is not reached."""

MAX_KEYS = 16
"""Lookup keys of one item (each takes a DynamoDB index)."""

MAX_KEY_BYTES = 900
"""Size of an id or of an index with its value (a DynamoDB sort key is at most 1,024 bytes)."""


class Item(Record, frozen=True):
    """A record, and, while it has a `due_at`, a piece of work.

    `version` is 0 for an item that was never stored. The first is drawn at random, so that what is removed or expires
    and is stored anew never meets a version that somebody still holds; each save counts it up by one. `attempts`
    counts claims since the last save that reset it. `keys` (index name to value) are how the item can be looked up by
    `by_index`; they must hold no contact data in the clear. `expires_at` is when the store may forget it.
    """

    id: str
    kind: str
    state: Mapping[str, object]
    lane: Lane = Lane.TRANSACTIONAL
    due_at: datetime | None = None
    version: int = 0
    attempts: int = 0
    keys: Mapping[str, str] = msgspec.field(default_factory=dict)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One append-only line of the audit. `raw_data` is JSON text exactly as it was received or answered."""

    audit_id: str
    request_id: str
    entry_type: str
    at: datetime
    app: str
    raw_data: str
    ruleset: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


class AuditText(NamedTuple):
    """An audit entry as it is stored, for who reads very many: `at` in microseconds since 1970, `detail` as JSON."""

    audit_id: str
    request_id: str
    at: int
    raw_data: str
    detail: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list; `cursor` is opaque and None on the last page.

    A page that is not the last may hold fewer entries than were asked for: it ends at `MAX_PAGE_BYTES` too.
    """

    items: Sequence[T]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which audit entries to list: of a request, of a ruleset, or all, and of which type; `until` is exclusive.

    They are listed in time order, with `newest_first` the last one first.
    """

    request_id: str | None = None
    ruleset: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    entry_type: str | None = None
    newest_first: bool = False


class Conflict(TocsinError):
    """Somebody else changed the item since it was read; read it again and decide again."""


class AlreadyExists(Conflict):
    """An item with this id is there already."""


class TooLarge(TocsinError):
    """An item, a key or a commit over the limits above, or an empty key."""


class KeyRefused(TocsinError):
    """A lookup key with the character NUL, at which SQLite's JSON functions take a text to end."""


class StoreUnavailable(Unavailable):
    """The database does not answer (file locked or full, throttled, unreachable)."""


class Store(Protocol):
    """Items and the audit. Every write is one commit, all or nothing; every method may raise `StoreUnavailable`."""

    def add(self, *items: Item, audit: Sequence[AuditEntry] = ()) -> None:
        """Store new items together with their audit entries; `AlreadyExists` if one of the ids is taken."""

    def get(self, item_id: str) -> Item | None:
        """The item as last committed (a consistent read), or None; expired items are gone."""

    def get_many(self, item_ids: Sequence[str]) -> Mapping[str, Item]:
        """Those of up to `MAX_WRITES` items that there are, by id: like `get`, in one question."""

    def by_index(
        self, index: str, value: str, *, cursor: str | None = None, limit: int = 50, newest_first: bool = False
    ) -> Page[Item]:
        """Items whose `keys[index]` is `value`, in id order (ids that begin with a ULID are in time order).

        On DynamoDB an index lags behind: what was saved a moment ago may be missing, what is listed is up to date.
        """

    def ids_by_index(self, index: str, value: str, *, cursor: str | None = None, limit: int = 50) -> Page[str]:
        """The ids of what `by_index` lists, from the index alone: it may name items that are gone by now."""

    def look_through(self, prefix: str, *, cursor: str | None = None, limit: int = 1_000) -> Page[Item]:
        """Items whose ids begin so, in no particular order: for what is done once, since it reads every item there is.

        A page is what is found among about `limit` items, and may be empty; None as its cursor ends the list.
        """

    def count(self, index: str, value: str) -> int:
        """How many items `by_index` would list."""

    def save(self, item: Item, *others: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()) -> Item:
        """Commit changed items, new ones and audit entries at once; answers `item` with its new version.

        `item` and `others` are compared by `version` with what is stored (0: must not exist yet); a loser raises
        `Conflict` and nothing is written. `spawn` holds children with deterministic ids: one that is there already
        is left as it is, so that expanding twice is harmless.
        """

    def save_all(
        self, items: Sequence[Item], *, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = (), held: bool = False
    ) -> Sequence[Item]:
        """Like `save`; answers every one of the items with its new version.

        With `held` the first of them stays in the caller's hands and its `due_at` is the end of a lease: the store need
        not tell workers of it in time, for it is nearly always saved again before.
        """

    def remove(self, item: Item) -> None:
        """Delete an item if it is still at this version, else `Conflict`."""

    def claim(self, lane: Lane, now: datetime, lease: timedelta, limit: int) -> Sequence[Item]:
        """Take up to `limit` items due in `lane`, most overdue first, each by one conditional write.

        A claimed item has `due_at = now + lease`, `attempts` one higher and a new version.
        """

    def oldest_due(self, lane: Lane, now: datetime) -> datetime | None:
        """When the most overdue item of a lane was due that nobody has taken; None if none is due.

        On DynamoDB with SQS it is looked for among those that upkeep sees to next: a call for each shard, however
        many there are. Where very many are late, it may name one that is less so.
        """

    def reserve(self, key: str, slots: int, per_second: float, now: datetime, burst: int = 1) -> datetime:
        """Book `slots` of a rate shared by all processes (GCRA); answers the instant at which they may be used."""

    def append(self, *entries: AuditEntry) -> None:
        """Append to the audit alone; `AlreadyExists` if one of the audit ids is taken."""

    def audit_entry(self, audit_id: str) -> AuditEntry | None:
        """One audit entry."""

    def audit_entries(self, query: AuditQuery, *, cursor: str | None = None, limit: int = 50) -> Page[AuditEntry]:
        """Audit entries in time order, those of one microsecond by `audit_id`."""

    def audit_texts(self, query: AuditQuery, *, cursor: str | None = None, limit: int = 50) -> Page[AuditText]:
        """What `audit_entries` lists, unparsed."""

    def count_audit(self, query: AuditQuery) -> int:
        """How many entries `audit_entries` would list; without an `entry_type` an index alone is asked."""

    def upkeep(self, now: datetime) -> int:
        """The store's own upkeep, which every worker does every few seconds; answers how many items it dealt with.

        SQLite forgets what expired (DynamoDB does so itself); with SQS dispatch, ids of work that is about to be due
        are sent, and those of overdue work again.
        """

    def ping(self) -> None:
        """Return if the store answers, else raise `StoreUnavailable`: readiness."""

    def close(self) -> None:
        """Finish what was begun, and close files and connections."""
