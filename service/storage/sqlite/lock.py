"""The lock of a database file: its writers queue in the kernel, but no longer than it takes to see that one hangs.

The kernel frees the lock of a process that dies, not of one that is stopped (`kill -STOP`, a debugger, a frozen
container). `flock` knows no time limit, so where the lock is not free at once a thread of its own waits for it.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from service.storage.store import StoreUnavailable

TURN = timedelta(seconds=20)
"""How long to wait for one's turn: longer than busy processes and a slow disk together take."""

_LOCKS = Path("/proc/locks")
"""One lock a line, such as `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`: process 1234 holds inode 5678."""


class LockHeld(StoreUnavailable):
    """Another process holds the lock and does not release it."""

    def __init__(self, lock: Path, waited: timedelta) -> None:
        held = f"has held its lock for more than {waited.total_seconds():g} s"
        pid = _holder(lock)
        holder = f"process {pid} {held}" if pid else f"a process {held} (`ps -A` shows stopped ones in state T)"
        super().__init__(f"the database {lock.stem}: {holder}; let it go on (`kill -CONT {pid or 'PID'}`) or end it")


class FileLock:
    """Held by one thread of one process at a time; the threads of this process ask one after the other."""

    def __init__(self, path: Path, turn: timedelta) -> None:
        self._path = path
        self._turn = turn
        self._place: _Place | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; `LockHeld` if its turn does not come."""
        descriptor = self._taken()
        try:
            yield
        finally:
            os.close(descriptor)

    def close_inherited(self) -> None:
        """In a forked child: a place in the queue is the parent's, and must not keep the lock when the parent dies."""
        if self._place is not None and not self._place.given_up:
            os.close(self._place.descriptor)

    def _taken(self) -> int:
        place, self._place = self._place, None
        if place is None or not place.come_back():
            descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
            if _is_free(descriptor):
                return descriptor
            place = _Place(descriptor)
        if place.comes_up(self._turn):
            return place.descriptor
        self._place = place
        raise LockHeld(self._path, self._turn)


class _Place:
    """A place in the kernel's queue. A thread may leave it and come back, until its turn comes and it is given up."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.given_up = False
        self._wanted = True
        self._mutex = threading.Lock()
        self._turn = threading.Event()
        self._fault: OSError | None = None
        threading.Thread(target=self._queue, name="waiting for the database", daemon=True).start()

    def comes_up(self, patience: timedelta) -> bool:
        """Whether the turn comes in time; if not, the place is left."""
        try:
            self._turn.wait(patience.total_seconds())
        except BaseException:
            self._wait_is_interrupted()
            raise
        with self._mutex:
            if self._fault is not None:
                raise self._fault
            self._wanted = self._turn.is_set()
            return self._wanted

    def come_back(self) -> bool:
        """Take the place again; False if it was given up."""
        with self._mutex:
            self._wanted = not self.given_up
            return self._wanted

    def _queue(self) -> None:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        except OSError as error:  # such as ENOLCK: the waiting thread is told, and the place is gone
            self._fail(error)
            return
        with self._mutex:
            if self._wanted:
                self._turn.set()
            else:
                self._give_up()

    def _fail(self, error: OSError) -> None:
        with self._mutex:
            self._fault, self.given_up = error, True
            os.close(self.descriptor)
            self._turn.set()

    def _wait_is_interrupted(self) -> None:
        with self._mutex:
            self._wanted = False
            if self._turn.is_set() and not self.given_up:
                self._give_up()

    def _give_up(self) -> None:
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)  # closing does not, while a child that is just forked has a copy
        self.given_up = True
        os.close(self.descriptor)


def _is_free(descriptor: int) -> bool:
    """Whether nobody holds the lock; then it is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        os.close(descriptor)
        raise
    return True


def _holder(lock: Path) -> int | None:
    """The process that holds the lock, where the kernel tells."""
    with suppress(OSError):
        inode = f":{lock.stat().st_ino} "
        for line in _LOCKS.read_text().splitlines():
            words = line.split()
            if "FLOCK" in words[1:2] and inode in line and words[4].isdigit():
                return int(words[4])
    return None
