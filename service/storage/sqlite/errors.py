"""What a failing SQLite file means for the person who runs the service."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from service.storage.store import StoreUnavailable

_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full: make room on it",
    sqlite3.SQLITE_BUSY: "another program holds it locked: end that program (a shell, a backup?)",
    sqlite3.SQLITE_LOCKED: "another program holds it locked: end that program (a shell, a backup?)",
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore a backup (`tocsin restore`)",
    sqlite3.SQLITE_NOTADB: "it is not a database: restore a backup (`tocsin restore`) or set TOCSIN_HOME elsewhere",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that TOCSIN_HOME exists and is writable",
    sqlite3.SQLITE_READONLY: "it is read-only: check its owner and permissions",
    sqlite3.SQLITE_IOERR: "the disk reports an error: check its space and health",
}


def unavailable(error: sqlite3.Error, path: Path) -> StoreUnavailable:
    """The error to raise for one that SQLite gave; codes: https://www.sqlite.org/rescode.html."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
    return StoreUnavailable(f"the database {path.name}: {_ADVICE.get(code, str(error))}")


def unusable(error: OSError, path: Path) -> StoreUnavailable:
    """The error to raise when the file or its lock cannot even be opened."""
    return StoreUnavailable(f"the database {path.name} cannot be used: {error.strerror}; check TOCSIN_HOME")
