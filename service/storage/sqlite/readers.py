"""Connections for reading: each is used by one thread at a time, and none while the process forks."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST_IDLE = 32
"""Idle connections that are kept."""


class Readers:
    """A pool that can be emptied: `pause` returns when no connection is open and none will be opened."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._idle: list[sqlite3.Connection] = []
        self._used = 0
        self._paused = False
        self._changed = threading.Condition()

    @contextmanager
    def borrow(self) -> Iterator[sqlite3.Connection]:
        """A connection for the caller alone; one that raised an error of SQLite is not used again."""
        connection = self._taken()
        try:
            connection = connection or self._connect()
            yield connection
        except sqlite3.Error:
            if connection is not None:
                connection.close()
            self._given_back(None)
            raise
        except BaseException:
            self._given_back(connection)
            raise
        self._given_back(connection)

    def pause(self) -> None:
        """Wait until no connection is in use, close all, and let nobody have one until `resume`."""
        with self._changed:
            self._paused = True
            self._changed.wait_for(lambda: self._used == 0)
            self._close_idle()

    def resume(self) -> None:
        """Give connections out again."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def close(self) -> None:
        """Close the idle connections."""
        with self._changed:
            self._close_idle()

    def _taken(self) -> sqlite3.Connection | None:
        with self._changed:
            if self._paused:
                self._changed.wait_for(lambda: not self._paused)
            self._used += 1
            return self._idle.pop() if self._idle else None

    def _given_back(self, connection: sqlite3.Connection | None) -> None:
        with self._changed:
            self._used -= 1
            if connection is not None and len(self._idle) < MOST_IDLE:
                self._idle.append(connection)
            elif connection is not None:
                connection.close()
            if self._paused:
                self._changed.notify_all()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()
