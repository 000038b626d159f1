"""One SQLite file, opened lazily by each process: grouped writes under a kernel lock, pooled reads.

SQLite's own busy handler polls with growing sleeps, so behind busy workers a web request waits for seconds; `flock`
queues in the kernel instead (`lock`) and is released when its holder dies. https://www.sqlite.org/wal.html
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from service.core import TocsinError
from service.storage.sqlite.errors import unavailable, unusable
from service.storage.sqlite.group import GroupCommit, GroupedWrite
from service.storage.sqlite.lock import FileLock, LockHeld
from service.storage.sqlite.readers import Readers
from service.storage.sqlite.schema import migrate

T = TypeVar("T")

PATIENCE = timedelta(seconds=5)
"""How long to wait for a program that locks the file without taking our lock first."""


class Database:
    """Runs reads and writes; every error of SQLite comes out as `StoreUnavailable`."""

    def __init__(self, path: Path, patience: timedelta, turn: timedelta) -> None:
        self._path = path
        self._patience = patience.total_seconds()
        self._turn = turn
        self._begin()
        _databases.add(self)

    def _begin(self) -> None:
        self._lock = FileLock(Path(f"{self._path}.lock"), self._turn)
        self._readers = Readers(self._open)
        self._prepared = False
        self._writer: sqlite3.Connection | None = None
        self._writing = threading.Lock()
        self._group: GroupCommit[sqlite3.Connection] = GroupCommit(self._commit)

    def write(self, run: Callable[[sqlite3.Connection], T]) -> T:
        """Run a write; when this returns it is on the disk. What `run` raises undoes this write alone."""
        return self._group.submit(run)

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on the last committed state."""
        if not self._prepared:  # the first to open the file also makes its tables
            self.write(lambda _: None)
        try:
            with self._readers.borrow() as connection:
                return query(connection)
        except sqlite3.Error as error:
            raise unavailable(error, self._path) from error

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        with self._writing:
            self._readers.close()
            self._drop_writer()

    def pause(self) -> None:
        """Before a fork: no commit or query is under way and no connection open, for a child must inherit none."""
        self._writing.acquire()
        self._readers.pause()
        self._drop_writer()

    def resume(self) -> None:
        """After a fork, in the parent."""
        self._readers.resume()
        self._writing.release()

    def begin_anew(self) -> None:
        """After a fork, in the child: whom its threads were waiting for is not there any more."""
        self._lock.close_inherited()
        self._begin()

    def _commit(self, take: Callable[[], Sequence[GroupedWrite[sqlite3.Connection]]]) -> None:
        with self._writing:
            try:
                with self._lock.held():
                    self._commit_group(self._opened_writer(), take)
            except LockHeld:
                take()  # the others have waited too: it is told to all at once, not to one after the other
                raise
            except sqlite3.Error as error:
                raise unavailable(error, self._path) from error
            except OSError as error:
                raise unusable(error, self._path) from error
            finally:
                if self._writer is not None and self._writer.in_transaction:
                    self._drop_writer()  # which undoes what was begun

    def _commit_group(
        self, connection: sqlite3.Connection, take: Callable[[], Sequence[GroupedWrite[sqlite3.Connection]]]
    ) -> None:
        connection.execute("BEGIN IMMEDIATE")
        group = take()
        try:
            for write in group:
                write.run(connection)
        except TocsinError:  # rare: separating them from the start would cost every commit
            connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            for write in group:
                _run_alone(connection, write)
        connection.execute("COMMIT")

    def _opened_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            self._create()
            connection = self._open()
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                migrate(connection)
            except (sqlite3.Error, TocsinError):
                connection.close()
                raise
            self._writer, self._prepared = connection, True
        return self._writer

    def _create(self) -> None:
        """Make the file readable for its owner alone; SQLite gives its side files the same mode.

        Never opened when it exists: closing any descriptor of it would drop the locks that SQLite holds on it.
        """
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    def _open(self) -> sqlite3.Connection:
        # Threads take turns with a connection, never share one.
        connection = sqlite3.connect(self._path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        return connection

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _run_alone(connection: sqlite3.Connection, write: GroupedWrite[sqlite3.Connection]) -> None:
    connection.execute("SAVEPOINT one")
    try:
        write.run(connection)
    except TocsinError as error:
        write.error = error
        connection.execute("ROLLBACK TO one")
    connection.execute("RELEASE one")


_databases: weakref.WeakSet[Database] = weakref.WeakSet()


def _each(act: Callable[[Database], None]) -> None:
    for database in list(_databases):
        act(database)


os.register_at_fork(
    before=lambda: _each(Database.pause),
    after_in_parent=lambda: _each(Database.resume),
    after_in_child=lambda: _each(Database.begin_anew),
)
