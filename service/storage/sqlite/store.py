"""The Store protocol over one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from service.core import Clock, Lane, SystemClock
from service.storage.audit_places import AuditPlace, parse_place, place_of
from service.storage.commits import WriteBatch, commit_of, instant, micros, new_items
from service.storage.cursors import entry_size, from_cursor, item_size, page_of, text_size
from service.storage.gcra import SlotRequest
from service.storage.sqlite import audit as audit_sql
from service.storage.sqlite import items as item_sql
from service.storage.sqlite.database import PATIENCE, Database
from service.storage.sqlite.lock import TURN
from service.storage.store import AuditEntry, AuditQuery, AuditText, Item, Page

FORGET_AT_ONCE = 500
"""Expired items deleted in one commit: very many at once would delay everybody."""

_SYSTEM_CLOCK = SystemClock()


class SqliteStore:
    """A `Store` for one machine: any number of threads and processes may use the same file, on a local disk.

    Constructing it touches no file; each process opens the file when it first needs it. `clock` says what has expired;
    `patience` is for programs that lock the file without queueing as we do, such as a shell, `turn` for processes that
    do.
    """

    def __init__(
        self, path: Path, clock: Clock = _SYSTEM_CLOCK, *, patience: timedelta = PATIENCE, turn: timedelta = TURN
    ) -> None:
        self._database = Database(path, patience, turn)
        self._clock = clock

    def add(self, *items: Item, audit: Sequence[AuditEntry] = ()) -> None:
        self._commit(new_items(items, audit))

    def get(self, item_id: str) -> Item | None:
        return self._database.read(lambda connection: item_sql.find(connection, item_id, self._now()))

    def get_many(self, item_ids: Sequence[str]) -> Mapping[str, Item]:
        items = self._database.read(lambda connection: item_sql.find_many(connection, item_ids, self._now()))
        return {item.id: item for item in items}

    def by_index(
        self, index: str, value: str, *, cursor: str | None = None, limit: int = 50, newest_first: bool = False
    ) -> Page[Item]:
        after = from_cursor(cursor)
        now = self._now()
        return self._database.read(
            lambda connection: page_of(
                item_sql.listed(connection, index, value, after, limit + 1, newest_first, now),
                limit,
                lambda item: item.id,
                item_size,
            )
        )

    def ids_by_index(self, index: str, value: str, *, cursor: str | None = None, limit: int = 50) -> Page[str]:
        after = from_cursor(cursor)
        ids = self._database.read(lambda connection: item_sql.ids(connection, index, value, after, limit + 1))
        return page_of(ids, limit, lambda item_id: item_id, len)

    def look_through(self, prefix: str, *, cursor: str | None = None, limit: int = 1_000) -> Page[Item]:
        after, most = from_cursor(cursor) or "", min(limit, item_sql.READ_AT_ONCE)
        entries = self._database.read(
            lambda connection: item_sql.beginning(connection, prefix, after, most + 1, self._now())
        )
        return page_of(entries, most, lambda item: item.id, item_size)

    def count(self, index: str, value: str) -> int:
        return self._database.read(lambda connection: item_sql.counted(connection, index, value, self._now()))

    def save(self, item: Item, *others: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()) -> Item:
        commit = commit_of((item, *others), spawn, audit)
        self._commit(commit)
        return commit.changes[0].after

    def save_all(
        self,
        items: Sequence[Item],
        *,
        spawn: Sequence[Item] = (),
        audit: Sequence[AuditEntry] = (),
        held: bool = False,  # noqa: ARG002  (nobody is told of work here: workers look)
    ) -> Sequence[Item]:
        commit = commit_of(items, spawn, audit)
        self._commit(commit)
        return [row.after for row in commit.changes]

    def remove(self, item: Item) -> None:
        self._database.write(lambda connection: item_sql.delete(connection, item, self._now()))

    def claim(self, lane: Lane, now: datetime, lease: timedelta, limit: int) -> Sequence[Item]:
        if not self._database.read(lambda connection: item_sql.anything_due(connection, lane, micros(now))):
            return ()
        return tuple(self._database.write(lambda connection: item_sql.take_due(connection, lane, now, lease, limit)))

    def oldest_due(self, lane: Lane, now: datetime) -> datetime | None:
        due_at = self._database.read(lambda connection: item_sql.oldest_due(connection, lane, micros(now)))
        return None if due_at is None else instant(due_at)

    def reserve(self, key: str, slots: int, per_second: float, now: datetime, burst: int = 1) -> datetime:
        request = SlotRequest(slots, per_second, burst, micros(now))
        booked = self._database.write(lambda connection: item_sql.book(connection, key, request))
        return instant(request.usable(booked))

    def append(self, *entries: AuditEntry) -> None:
        self._commit(commit_of((), audit=entries))

    def audit_entry(self, audit_id: str) -> AuditEntry | None:
        return self._database.read(lambda connection: audit_sql.find(connection, audit_id))

    def audit_entries(self, query: AuditQuery, *, cursor: str | None = None, limit: int = 50) -> Page[AuditEntry]:
        after = parse_place(from_cursor(cursor))
        return self._database.read(
            lambda connection: page_of(
                audit_sql.listed(connection, query, after, limit + 1),
                limit,
                lambda entry: str(place_of(entry)),
                entry_size,
            )
        )

    def audit_texts(self, query: AuditQuery, *, cursor: str | None = None, limit: int = 50) -> Page[AuditText]:
        after = parse_place(from_cursor(cursor))
        return self._database.read(
            lambda connection: page_of(
                audit_sql.texts(connection, query, after, limit + 1),
                limit,
                lambda text: str(AuditPlace(instant(text.at), text.audit_id)),
                text_size,
            )
        )

    def count_audit(self, query: AuditQuery) -> int:
        return self._database.read(lambda connection: audit_sql.counted(connection, query))

    def upkeep(self, now: datetime) -> int:
        return self._database.write(lambda connection: item_sql.forget_expired(connection, micros(now), FORGET_AT_ONCE))

    def ping(self) -> None:
        self._database.read(lambda connection: connection.execute("SELECT 1 FROM items LIMIT 1").fetchall())

    def close(self) -> None:
        self._database.close()

    def _commit(self, commit: WriteBatch) -> None:
        def write(connection: sqlite3.Connection) -> None:
            item_sql.write(connection, commit, self._now())
            audit_sql.append(connection, commit.audit)

        if commit.changes or commit.children or commit.audit:
            self._database.write(write)

    def _now(self) -> int:
        return micros(self._clock.now())
