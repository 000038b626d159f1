"""The audit in SQL: appended to, never changed."""

# ruff: noqa: S608  (statements are put together from constants of this file; every value is bound)
from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace

from service.core import JsonObject
from service.storage.audit_places import AuditPlace
from service.storage.commits import AuditRow, instant, micros
from service.storage.sqlite.schema import RARE_TYPE
from service.storage.store import AlreadyExists, AuditEntry, AuditQuery, AuditText

Row = tuple[str, str, str, int, str, str | None, str, str]

_COLUMNS = "audit_id, request_id, entry_type, at, app, ruleset, raw_data, detail"


def append(connection: sqlite3.Connection, rows: Sequence[AuditRow]) -> None:
    """Append entries; `AlreadyExists` if one of their ids is taken."""
    for row in rows:
        entry = row.entry
        if find(connection, entry.audit_id) is not None:
            raise AlreadyExists(f"audit entry {entry.audit_id!r} exists already")
        connection.execute(
            f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(entry.audit_id, entry.request_id, entry.entry_type, row.at),
                *(entry.app, entry.ruleset, entry.raw_data, row.detail),
            ),
        )


def find(connection: sqlite3.Connection, audit_id: str) -> AuditEntry | None:
    """One entry."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM audit WHERE audit_id = ?", (audit_id,)).fetchone()
    return _entry(row) if row else None


def listed(
    connection: sqlite3.Connection, query: AuditQuery, after: AuditPlace | None, limit: int
) -> Iterator[AuditEntry]:
    """Up to `limit` entries that match and come after a place, in the query's order, read one by one."""
    return map(_entry, _rows(connection, _COLUMNS, query, after, limit))


def texts(
    connection: sqlite3.Connection, query: AuditQuery, after: AuditPlace | None, limit: int
) -> Iterator[AuditText]:
    """Like `listed`, unparsed."""
    return map(AuditText._make, _rows(connection, ", ".join(AuditText._fields), query, after, limit))


def _rows(
    connection: sqlite3.Connection, columns: str, query: AuditQuery, after: AuditPlace | None, limit: int
) -> sqlite3.Cursor:
    if after is not None:
        query = _from(query, after)
    where, values = _matching(query)
    if after is not None:
        where.append(f"(at, audit_id) {'<' if query.newest_first else '>'} (?, ?)")
        values += [micros(after.at), after.audit_id]
    order = "at DESC, audit_id DESC" if query.newest_first else "at, audit_id"
    statement = f"SELECT {columns} FROM audit {_all_of(where)} ORDER BY {order} LIMIT ?"
    return connection.execute(statement, (*values, limit))


def _from(query: AuditQuery, after: AuditPlace) -> AuditQuery:
    """The query without the bound that a place makes needless: of two, SQLite begins at the first and skips."""
    if query.newest_first:
        return replace(query, until=None) if query.until is not None and after.at < query.until else query
    return replace(query, since=None) if query.since is not None and query.since <= after.at else query


def counted(connection: sqlite3.Connection, query: AuditQuery) -> int:
    """How many entries match."""
    where, values = _matching(query)
    (number,) = connection.execute(f"SELECT count(*) FROM audit {_all_of(where)}", values).fetchone()
    return int(number)


def _matching(query: AuditQuery) -> tuple[list[str], list[str | int]]:
    """The clauses of a query and their values."""
    clauses = {
        "request_id = ?": query.request_id,
        "ruleset = ?": query.ruleset,
        "entry_type = ?": query.entry_type,
        "at >= ?": None if query.since is None else micros(query.since),
        "at < ?": None if query.until is None else micros(query.until),
    }
    given = {clause: value for clause, value in clauses.items() if value is not None}
    is_rare = query.entry_type not in {None, "request", "response"} and query.request_id is None
    return [*given, *([RARE_TYPE] if is_rare else [])], list(given.values())


def _all_of(clauses: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(clauses)}" if clauses else ""


def _entry(row: Row) -> AuditEntry:
    audit_id, request_id, entry_type, at, app, ruleset, raw_data, detail = row
    return AuditEntry(audit_id, request_id, entry_type, instant(at), app, raw_data, ruleset, JsonObject(detail))
