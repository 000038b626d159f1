"""The tables, and how an older file becomes a newer one."""

from __future__ import annotations

import sqlite3

from service.storage.store import StoreUnavailable

RARE_TYPE = "entry_type NOT IN ('request', 'response')"
"""As a query must write it for SQLite to use the index of rare types (https://sqlite.org/partialindex.html)."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE items (
        id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, lane TEXT NOT NULL, state TEXT NOT NULL, keys TEXT NOT NULL,
        due_at INTEGER, version INTEGER NOT NULL, attempts INTEGER NOT NULL, expires_at INTEGER
    );
    CREATE INDEX items_due ON items (lane, due_at, id) WHERE due_at IS NOT NULL;
    CREATE INDEX items_expiring ON items (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE item_keys (
        name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (name, value, id)
    ) WITHOUT ROWID;
    CREATE TABLE audit (
        audit_id TEXT NOT NULL PRIMARY KEY, request_id TEXT NOT NULL, entry_type TEXT NOT NULL, at INTEGER NOT NULL,
        app TEXT NOT NULL, ruleset TEXT, raw_data TEXT NOT NULL, detail TEXT NOT NULL
    );
    CREATE INDEX audit_by_request ON audit (request_id, at, audit_id);
    CREATE INDEX audit_by_ruleset ON audit (ruleset, at, audit_id) WHERE ruleset IS NOT NULL;
    CREATE INDEX audit_by_time ON audit (at, audit_id);
    CREATE TABLE rates (key TEXT NOT NULL PRIMARY KEY, arrival INTEGER NOT NULL) WITHOUT ROWID;
    """,
    # `item_keys` says what `items.keys` says: SQLite itself keeps the one to the other.
    """
    CREATE TRIGGER item_added AFTER INSERT ON items WHEN new.keys <> '{}' BEGIN
        INSERT INTO item_keys (name, value, id) SELECT key, value, new.id FROM json_each(new.keys);
    END;
    CREATE TRIGGER item_changed AFTER UPDATE OF keys ON items WHEN new.keys <> old.keys BEGIN
        DELETE FROM item_keys WHERE (name, value, id) IN (SELECT key, value, old.id FROM json_each(old.keys));
        INSERT INTO item_keys (name, value, id) SELECT key, value, new.id FROM json_each(new.keys);
    END;
    CREATE TRIGGER item_removed AFTER DELETE ON items WHEN old.keys <> '{}' BEGIN
        DELETE FROM item_keys WHERE (name, value, id) IN (SELECT key, value, old.id FROM json_each(old.keys));
    END;
    """,
    # Types of entries beside the two of every request are rare: they are found by an index that holds them alone.
    f"CREATE INDEX audit_by_rare_type ON audit (entry_type, at, audit_id) WHERE {RARE_TYPE};",
)
"""What leads from each version of the schema to the next; the file's `user_version` counts those that were done."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to this program's schema, in one commit; the caller holds the file's lock."""
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    if done > len(MIGRATIONS):
        raise StoreUnavailable(
            f"the database was written by a newer Tocsin (schema {done}, this one knows {len(MIGRATIONS)}): "
            "start that version, or restore a backup made by this one"
        )
    if done == len(MIGRATIONS):
        return
    steps = "".join(MIGRATIONS[done:])
    connection.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {len(MIGRATIONS)}; COMMIT;")
