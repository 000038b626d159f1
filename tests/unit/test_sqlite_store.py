"""The SQLite store beyond the common contract: processes, forks, faults, grouped commits."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from threading import Barrier, Thread

import pytest
from msgspec import structs

from service.core.clock import HandClock
from service.core.enums import Lane
from service.storage import Conflict, Item, Store, StoreUnavailable
from service.storage.sqlite import SqliteStore
from service.storage.sqlite.schema import MIGRATIONS, RARE_TYPE

NOW = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "var").mkdir()
    return tmp_path / "var" / "tocsin.db"


@pytest.fixture
def store(path: Path) -> Store:
    return SqliteStore(path, HandClock(NOW))


def increment(store: Store, times: int) -> None:
    for _ in range(times):
        while True:
            item = store.get("counter")
            assert item is not None
            try:
                store.save(structs.replace(item, state={"n": int(str(item.state["n"])) + 1}))
            except Conflict:
                continue
            break


def increment_in_another_process(path: Path, times: int) -> None:
    increment(SqliteStore(path), times)


def claim_in_another_process(path: Path, taken: multiprocessing.Queue[list[str]]) -> None:
    store = SqliteStore(path)
    mine: list[str] = []
    while got := store.claim(Lane.BULK, NOW, LEASE, 3):
        mine += [item.id for item in got]
    taken.put(mine)


def n(store: Store) -> object:
    item = store.get("counter")
    assert item is not None
    return item.state["n"]


def test_constructing_a_store_touches_no_file(path: Path) -> None:
    SqliteStore(path)
    assert list(path.parent.iterdir()) == []


def test_the_files_can_be_read_by_their_owner_alone(path: Path, store: Store) -> None:
    store.add(Item("a", "k", {}))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert path.name in modes


def test_several_processes_count_together(path: Path, store: Store) -> None:
    store.add(Item("counter", "k", {"n": 0}))
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=increment_in_another_process, args=(path, 50)) for _ in range(2)]
    for other in others:
        other.start()
    increment(store, 50)
    for other in others:
        other.join(60)
    assert [other.exitcode for other in others] == [0, 0]
    assert n(store) == 150


def test_several_processes_claim_each_item_once(path: Path, store: Store) -> None:
    store.add(*(Item(f"i{number}", "k", {}, Lane.BULK, NOW) for number in range(100)))
    spawn = multiprocessing.get_context("spawn")
    taken: multiprocessing.Queue[list[str]] = spawn.Queue()
    workers = [spawn.Process(target=claim_in_another_process, args=(path, taken)) for _ in range(2)]
    for worker in workers:
        worker.start()
    claims = [taken.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
    assert sorted(chain.from_iterable(claims)) == sorted(f"i{number}" for number in range(100))


def test_a_forked_child_works_on_the_file_its_parent_has_open(path: Path, store: Store) -> None:
    store.add(Item("counter", "k", {"n": 0}))
    children = [_forked(lambda: increment(store, 30)) for _ in range(2)]
    increment(store, 30)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert n(store) == 90
    assert _integrity(path) == "ok"


def test_a_fork_while_other_threads_write_loses_nothing(path: Path, store: Store) -> None:
    store.add(Item("counter", "k", {"n": 0}))
    writers = [Thread(target=increment, args=(store, 100)) for _ in range(3)]
    for writer in writers:
        writer.start()
    children = [_forked(lambda: increment(store, 10)) for _ in range(3)]
    for writer in writers:
        writer.join()
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 3
    assert n(store) == 330
    assert _integrity(path) == "ok"


def test_writes_of_many_threads_share_commits_and_none_is_lost(path: Path, store: Store) -> None:
    store.ping()
    before = _frames(path)
    with ThreadPoolExecutor(32) as threads:
        list(threads.map(lambda number: store.add(Item(f"i{number}", "k", {}, keys={"of": "x"})), range(640)))
    assert store.count("of", "x") == 640
    alone = SqliteStore(path.with_name("alone.db"))
    alone.ping()
    for number in range(640):
        alone.add(Item(f"i{number}", "k", {}, keys={"of": "x"}))
    # Each commit writes its changed pages to the log: shared commits write far fewer.
    assert _frames(path) - before < _frames(path.with_name("alone.db")) / 2


def test_a_loser_in_a_shared_commit_fails_alone(store: Store) -> None:
    store.add(*(Item(f"i{number}", "k", {}) for number in range(16)))
    for _ in range(20):
        read = [store.get(f"i{number}") for number in range(16)]
        start = Barrier(32)

        def save(number: int, start: Barrier = start, read: list[Item | None] = read) -> bool:
            item = read[number // 2]
            assert item is not None
            start.wait()
            try:
                store.save(item)
            except Conflict:
                return False
            return True

        with ThreadPoolExecutor(32) as threads:
            won = list(threads.map(save, range(32)))
        assert [won[at : at + 2].count(True) for at in range(0, 32, 2)] == [1] * 16


def test_a_closed_store_opens_again_when_it_is_needed(store: Store) -> None:
    store.add(Item("a", "k", {}))
    store.close()
    assert store.get("a") is not None


def test_upkeep_deletes_what_expired_with_its_keys(path: Path) -> None:
    clock = HandClock(NOW)
    store = SqliteStore(path, clock)
    store.add(
        *(
            Item(f"i{number}", "k", {}, keys={"of": "x"}, expires_at=NOW + timedelta(seconds=number))
            for number in range(10)
        )
    )
    clock.advance(timedelta(seconds=5))
    assert store.upkeep(clock.now()) == 6
    store.close()
    with sqlite3.connect(path) as connection:
        assert [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("items", "item_keys")] == [
            (4,)
        ] * 2


def test_a_file_locked_by_another_program_is_unavailable_and_then_serves_again(path: Path) -> None:
    store = SqliteStore(path, patience=timedelta(milliseconds=50))
    store.add(Item("a", "k", {}))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="another program holds it locked"):
        store.add(Item("b", "k", {}))
    assert store.get("a") is not None
    other.execute("ROLLBACK")
    other.close()
    store.add(Item("b", "k", {}))
    assert store.get("b") is not None


def test_writers_queue_for_the_lock_instead_of_polling_or_giving_up(path: Path) -> None:
    store = SqliteStore(path, patience=timedelta(milliseconds=50))
    store.ping()
    with Path(f"{path}.lock").open("rb") as held, ThreadPoolExecutor(1) as threads:
        fcntl.flock(held, fcntl.LOCK_EX)  # as another process that commits
        waiting = threads.submit(store.add, Item("a", "k", {}))
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.3)
        assert store.get("a") is None  # reading needs no lock
        fcntl.flock(held, fcntl.LOCK_UN)
        waiting.result(timeout=10)
    assert store.get("a") is not None


def test_a_full_disk_is_unavailable_and_what_was_acknowledged_stays(path: Path) -> None:
    script = """
import resource, signal, sys
from pathlib import Path
from service.storage import Item, StoreUnavailable
from service.storage.sqlite import SqliteStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = SqliteStore(Path(sys.argv[1]))
store.add(Item("before", "k", {}))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))  # writes fail beyond this size
kept = 0
try:
    for number in range(100):
        store.add(Item(f"i{number}", "k", {"text": "x" * 20_000}))
        kept += 1
except StoreUnavailable as error:
    print(error)
assert store.get("before") is not None
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.add(Item("after", "k", {}))
assert [store.get(f"i{number}") is not None for number in range(100)] == [True] * kept + [False] * (100 - kept)
print(kept)
"""
    ran = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    message, kept = ran.stdout.splitlines()
    assert "disk" in message
    assert 0 < int(kept) < 100
    assert _integrity(path) == "ok"


def test_a_file_that_is_no_database_is_unavailable(path: Path, store: Store) -> None:
    path.write_bytes(b"this is a text file, nothing else" * 100)
    acts: list[Callable[[], object]] = [store.ping, lambda: store.add(Item("a", "k", {})), lambda: store.get("a")]
    for act in acts:
        with pytest.raises(StoreUnavailable, match="not a database: restore a backup"):
            act()


def test_a_damaged_file_is_unavailable(path: Path, store: Store) -> None:
    store.add(*(Item(f"i{number}", "k", {"text": "x" * 3000}, keys={"of": "x"}) for number in range(50)))
    store.close()
    content = bytearray(path.read_bytes())
    content[4096 * 3 :] = b"\xff" * (len(content) - 4096 * 3)
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="it is damaged: restore a backup"):
        store.by_index("of", "x", limit=50)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="TOCSIN_HOME"):
        SqliteStore(tmp_path / "file" / "tocsin.db").add(Item("a", "k", {}))


def test_a_file_of_a_newer_version_is_left_alone(path: Path, store: Store) -> None:
    store.add(Item("a", "k", {}))
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreUnavailable, match="newer Tocsin"):
        SqliteStore(path).get("a")


def test_a_file_of_the_first_version_finds_items_by_the_keys_it_has_and_by_those_it_gets(path: Path) -> None:
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.executescript(f"{MIGRATIONS[0]}; PRAGMA user_version = 1;")
        for name in ("stays", "moves", "goes"):
            connection.execute(
                "INSERT INTO items VALUES (?, 'k', 'bulk', '{}', ?, NULL, 1, 0, NULL)", (name, '{"of":"x"}')
            )
            connection.execute("INSERT INTO item_keys VALUES ('of', 'x', ?)", (name,))
    connection.close()
    store = SqliteStore(path)
    found = {item.id: item for item in store.by_index("of", "x").items}
    assert sorted(found) == ["goes", "moves", "stays"]
    store.save(structs.replace(found["moves"], keys={"of": "y"}), Item("comes", "k", {}, keys={"of": "x"}))
    store.remove(found["goes"])
    assert [item.id for item in store.by_index("of", "x").items] == ["comes", "stays"]
    assert [item.id for item in store.by_index("of", "y").items] == ["moves"]


def _forked(act: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # a child that hangs must not outlive the test
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return child


def _frames(path: Path) -> int:
    """Bytes of the write-ahead log: what all commits wrote since the last checkpoint, or the largest it ever was."""
    return Path(f"{path}-wal").stat().st_size


def _integrity(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        answer: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
        return answer


def test_entries_of_a_rare_type_are_found_by_an_index_of_their_own(path: Path, store: Store) -> None:
    store.ping()  # makes the file
    with sqlite3.connect(path) as connection:
        query = f"SELECT * FROM audit WHERE entry_type = ? AND {RARE_TYPE} ORDER BY at DESC, audit_id DESC LIMIT ?"
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query}", ("exception", 50)).fetchall()
    assert "USING INDEX audit_by_rare_type (entry_type=?)" in plan[0][-1]
    assert "TEMP B-TREE" not in str(plan)
