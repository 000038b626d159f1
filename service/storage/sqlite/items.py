"""Items in SQL: each function runs in a transaction that the caller holds.

By what keys an item is found (`item_keys`) follows from the item: triggers see to that (`schema`).
"""

# ruff: noqa: S608  (statements are put together from constants of this file; every value is bound)
from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from service.core import JsonObject, Lane
from service.storage.commits import ItemRow, WriteBatch, instant, micros
from service.storage.gcra import SlotRequest
from service.storage.store import MAX_WRITES, AlreadyExists, Conflict, Item

Row = tuple[str, str, str, str, str, int | None, int, int, int | None]

_COLUMNS = "id, kind, lane, state, keys, due_at, version, attempts, expires_at"
_LANES = {lane.value: lane for lane in Lane}
READ_AT_ONCE = 64
"""Items of a list that are read in one step: a page of the usual size, and never more than 25 MB."""

_READ_ROWS = msgspec.json.Decoder(list[Row]).decode
_READ_IDS = msgspec.json.Decoder(list[str]).decode
_NO_KEYS: Mapping[str, str] = JsonObject("{}")
_LIVE = "(expires_at IS NULL OR expires_at > ?)"
_UNCHANGED = f"id = ? AND version = ? AND {_LIVE}"
_UPDATE = f"UPDATE items SET {', '.join(f'{column} = ?' for column in _COLUMNS.split(', ')[1:])} WHERE {_UNCHANGED}"


def find(connection: sqlite3.Connection, item_id: str, now: int) -> Item | None:
    """The item, unless it expired."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM items WHERE id = ? AND {_LIVE}", (item_id, now)).fetchone()
    return _item(row) if row else None


def find_many(connection: sqlite3.Connection, item_ids: Sequence[str], now: int) -> list[Item]:
    """Those of the items that there are and that did not expire."""
    places = ", ".join("?" * len(item_ids))
    query = f"SELECT {_COLUMNS} FROM items WHERE id IN ({places}) AND {_LIVE}"
    return _items(connection, query, (*item_ids, now))


def listed(
    connection: sqlite3.Connection, index: str, value: str, after: str | None, limit: int, newest_first: bool, now: int
) -> Iterator[Item]:
    """Up to `limit` items under a key that come after the id `after`, read `READ_AT_ONCE` at a time."""
    left = limit
    while left > 0:
        wanted = min(left, READ_AT_ONCE)
        items = _some(connection, index, value, after, wanted, newest_first, now)
        yield from items
        if len(items) < wanted:
            return
        left, after = left - wanted, items[-1].id


def _some(
    connection: sqlite3.Connection, index: str, value: str, after: str | None, limit: int, newest_first: bool, now: int
) -> list[Item]:
    beyond, order = ("<", "DESC") if newest_first else (">", "ASC")
    place = "" if after is None else f"AND k.id {beyond} ?"
    columns = ", ".join(f"i.{column}" for column in _COLUMNS.split(", "))
    query = (
        f"SELECT {columns} FROM item_keys k JOIN items i ON i.id = k.id "
        f"WHERE k.name = ? AND k.value = ? {place} AND {_LIVE} ORDER BY k.id {order} LIMIT ?"
    )
    return _items(connection, query, (index, value, *([] if after is None else [after]), now, limit))


def beginning(connection: sqlite3.Connection, prefix: str, after: str, limit: int, now: int) -> list[Item]:
    """Up to `limit` items whose ids begin so and come after the id `after`."""
    query = f"SELECT {_COLUMNS} FROM items WHERE id > ? AND id < ? AND id >= ? AND {_LIVE} ORDER BY id LIMIT ?"
    return _items(connection, query, (after, f"{prefix}\U0010ffff", prefix, now, limit))


def ids(connection: sqlite3.Connection, index: str, value: str, after: str | None, limit: int) -> list[str]:
    """Up to `limit` ids under a key that come after the id `after`."""
    query = "SELECT id FROM item_keys WHERE name = ? AND value = ? AND id > ? ORDER BY id LIMIT ?"
    at_once = f"SELECT json_group_array(id) FROM ({query})"
    (matching,) = connection.execute(at_once, (index, value, after or "", limit)).fetchone()
    return _READ_IDS(matching)


def counted(connection: sqlite3.Connection, index: str, value: str, now: int) -> int:
    """How many items a key lists."""
    query = f"SELECT count(*) FROM item_keys k JOIN items i ON i.id = k.id WHERE k.name = ? AND k.value = ? AND {_LIVE}"
    (number,) = connection.execute(query, (index, value, now)).fetchone()
    return int(number)


def write(connection: sqlite3.Connection, commit: WriteBatch, now: int) -> None:
    """Write the items of a commit; the first of the changes that lost raises its `Conflict`."""
    added = [row for row in commit.changes if not row.was]
    there = _insert_missing(connection, [*added, *commit.children], now)
    for row in commit.changes:
        if row.was:
            _replace(connection, row, now)
        elif row.item.id in there:
            raise AlreadyExists(f"item {row.item.id!r} exists already")


def delete(connection: sqlite3.Connection, item: Item, now: int) -> None:
    """Delete an item at its version, else `Conflict`."""
    cursor = connection.execute(f"DELETE FROM items WHERE {_UNCHANGED}", (item.id, item.version, now))
    _require(cursor, item.id, item.version)


def anything_due(connection: sqlite3.Connection, lane: Lane, now: int) -> bool:
    """Whether a claim would find something: a look that needs no lock, for idle workers."""
    query = "SELECT 1 FROM items WHERE lane = ? AND due_at <= ? LIMIT 1"
    return connection.execute(query, (lane.value, now)).fetchone() is not None


def oldest_due(connection: sqlite3.Connection, lane: Lane, now: int) -> int | None:
    """When the most overdue live item of a lane was due."""
    query = f"SELECT due_at FROM items WHERE lane = ? AND due_at <= ? AND {_LIVE} ORDER BY due_at LIMIT 1"
    row = connection.execute(query, (lane.value, now, now)).fetchone()
    return None if row is None else int(row[0])


def take_due(connection: sqlite3.Connection, lane: Lane, now: datetime, lease: timedelta, limit: int) -> list[Item]:
    """Take the most overdue items of a lane, moving their `due_at` to the end of the lease."""
    at, until = micros(now), micros(now + lease)
    query = f"SELECT {_COLUMNS} FROM items WHERE lane = ? AND due_at <= ? AND {_LIVE} ORDER BY due_at, id LIMIT ?"
    rows: Sequence[Row] = connection.execute(query, (lane.value, at, at, limit)).fetchall()
    connection.executemany(
        "UPDATE items SET due_at = ?, version = version + 1, attempts = attempts + 1 WHERE id = ?",
        [(until, row[0]) for row in rows],
    )
    return [_item((*row[:5], until, row[6] + 1, row[7] + 1, row[8])) for row in rows]


def book(connection: sqlite3.Connection, key: str, request: SlotRequest) -> int:
    """Book slots of a rate; answers the new arrival time."""
    row = connection.execute("SELECT arrival FROM rates WHERE key = ?", (key,)).fetchone()
    booked = request.booked(row[0] if row else None)
    connection.execute("REPLACE INTO rates (key, arrival) VALUES (?, ?)", (key, booked))
    return booked


def forget_expired(connection: sqlite3.Connection, now: int, limit: int) -> int:
    """Delete up to `limit` expired items; answers how many."""
    expired = "SELECT id FROM items WHERE expires_at <= ? LIMIT ?"
    return connection.execute(f"DELETE FROM items WHERE id IN ({expired})", (now, limit)).rowcount


def _replace(connection: sqlite3.Connection, row: ItemRow, now: int) -> None:
    cursor = connection.execute(_UPDATE, (*_values(row)[1:], row.item.id, row.was, now))
    _require(cursor, row.item.id, row.was)


def _require(cursor: sqlite3.Cursor, item_id: str, version: int) -> None:
    if not cursor.rowcount:
        raise Conflict(f"item {item_id!r} is no longer at version {version}: read it again")


def _taken(connection: sqlite3.Connection, item_ids: Sequence[str], now: int) -> frozenset[str]:
    """Those of the ids that cannot be inserted; what expired is deleted and makes room."""
    these = f"id IN ({', '.join('?' * len(item_ids))})"
    connection.execute(f"DELETE FROM items WHERE {these} AND NOT {_LIVE}", (*item_ids, now))
    return frozenset(item_id for (item_id,) in connection.execute(f"SELECT id FROM items WHERE {these}", item_ids))


def _insert_missing(connection: sqlite3.Connection, rows: Sequence[ItemRow], now: int) -> frozenset[str]:
    """Insert rows, except those whose ids it returns: they are there already."""
    try:
        _insert(connection, rows)
    except sqlite3.IntegrityError:  # undoes this statement alone; asking first would cost every commit
        there = _taken(connection, [row.item.id for row in rows], now)
        _insert(connection, [row for row in rows if row.item.id not in there])
        return there
    return frozenset()


def _insert(connection: sqlite3.Connection, rows: Sequence[ItemRow]) -> None:
    if rows:
        connection.execute(_inserting(len(rows)), [value for row in rows for value in _values(row)])


@lru_cache(maxsize=MAX_WRITES)
def _inserting(rows: int) -> str:
    """One statement for all rows: each statement releases Python's lock, and other threads then delay it."""
    row = f"({', '.join('?' * 9)})"
    return f"INSERT INTO items ({_COLUMNS}) VALUES {', '.join([row] * rows)}"


def _values(row: ItemRow) -> Row:
    item = row.item
    times = row.due_at, row.version, item.attempts, row.expires_at
    return item.id, item.kind, item.lane.value, row.state, row.keys, *times


def _items(connection: sqlite3.Connection, query: str, values: Sequence[str | int]) -> list[Item]:
    """The items of a query in its order, in one step of SQLite.

    Each step releases Python's lock, and beside a busy thread it takes up to 5 ms to get it back
    (`sys.getswitchinterval`): a page of fifty, row by row, would take a quarter of a second.
    """
    at_once = f"SELECT json_group_array(json_array({_COLUMNS})) FROM ({query})"
    (matching,) = connection.execute(at_once, values).fetchone()
    return list(map(_item, _READ_ROWS(matching)))


def _item(row: Row) -> Item:
    item_id, kind, lane, state, keys, due_at, version, attempts, expires_at = row
    return Item(
        *(item_id, kind, JsonObject(state), _LANES[lane], None if due_at is None else instant(due_at)),
        *(version, attempts, _NO_KEYS if keys == "{}" else JsonObject(keys)),
        None if expires_at is None else instant(expires_at),
    )
