"""Writers whose turn does not come, because another process was stopped in the middle of its commit."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from service.storage import Item, StoreUnavailable
from service.storage.sqlite import SqliteStore

STOPPED = """
import os, signal, sys
from pathlib import Path
from service.storage import Item
from service.storage.sqlite import SqliteStore
from service.storage.sqlite.database import PATIENCE, Database
from service.storage.sqlite.lock import TURN
path = Path(sys.argv[1])
Database(path, PATIENCE, TURN).write(lambda _: os.kill(os.getpid(), signal.SIGSTOP))
SqliteStore(path).add(Item("theirs", "k", {}))
"""
FILES = Path("/proc/self/fd")
SHORT = timedelta(milliseconds=300)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tocsin.db"


@pytest.fixture
def stopped(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that was stopped while it commits."""
    with subprocess.Popen([sys.executable, "-c", STOPPED, path]) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        yield process
        process.kill()


def waiting() -> int:
    """Threads that stand in the kernel's queue."""
    return [thread.name for thread in threading.enumerate()].count("waiting for the database")


def test_the_process_is_named_to_all_who_wait_at_once(path: Path, stopped: subprocess.Popen[bytes]) -> None:
    store = SqliteStore(path, turn=SHORT)
    with ThreadPoolExecutor(8) as threads:
        writes = [threads.submit(store.add, Item(f"a{n}", "k", {})) for n in range(8)]
        refused = [write.exception() for write in writes]
    assert all(isinstance(error, StoreUnavailable) for error in refused)
    assert len(set(map(id, refused))) < 8, "those who waited together are told together"
    assert str(refused[0]) == (
        f"the database tocsin.db: process {stopped.pid} has held its lock for more than 0.3 s; "
        f"let it go on (`kill -CONT {stopped.pid}`) or end it"
    )


def test_once_it_goes_on_everybody_writes_and_nobody_holds_the_lock_in_vain(
    path: Path, stopped: subprocess.Popen[bytes]
) -> None:
    before, store = waiting(), SqliteStore(path, turn=SHORT)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            store.add(Item("a", "k", {}))
    assert waiting() == before + 1, "a place in the queue that was left is taken again"
    stopped.send_signal(signal.SIGCONT)
    assert stopped.wait(20) == 0  # it has written once more, though the place that was left stood before it
    other = SqliteStore(path)
    other.add(Item("b", "k", {}))
    store.add(Item("a", "k", {}))
    assert other.get_many(["theirs", "a", "b"]).keys() == {"theirs", "a", "b"}


def test_once_it_dies_whoever_waits_is_next(path: Path, stopped: subprocess.Popen[bytes]) -> None:
    store = SqliteStore(path)
    with ThreadPoolExecutor(1) as threads:
        write = threads.submit(store.add, Item("a", "k", {}))
        with pytest.raises(TimeoutError):
            write.result(timeout=0.2)
        stopped.kill()
        write.result(timeout=20)
    assert store.get("a") is not None


def test_a_lock_that_the_kernel_refuses_is_told_to_whoever_waits_and_keeps_nobody_out_for_good(
    path: Path, stopped: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, flock = SqliteStore(path), fcntl.flock

    def refuses(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_EX:
            raise OSError(errno.ENOLCK, "No locks available")
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", refuses)
    with pytest.raises((OSError, StoreUnavailable), match="No locks available"):
        store.add(Item("a", "k", {}))
    monkeypatch.undo()
    stopped.send_signal(signal.SIGCONT)
    stopped.wait()
    store.add(Item("a", "k", {}))
    assert waiting() == 0
    store.close()


def test_a_child_that_is_forked_meanwhile_has_no_part_in_the_lock(path: Path, stopped: subprocess.Popen[bytes]) -> None:
    store = SqliteStore(path, turn=SHORT)
    with pytest.raises(StoreUnavailable):
        store.add(Item("a", "k", {}))
    child = os.fork()
    if child == 0:
        os._exit(sum(file.is_symlink() and file.readlink() == Path(f"{path}.lock") for file in FILES.iterdir()))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
