"""kill -9 of a process that writes to SQLite: every write that was acknowledged is there afterwards, whole."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.core.enums import Lane
from service.storage import AuditQuery, Item
from service.storage.sqlite import SqliteStore

WRITER = """
import os, sys, threading
from datetime import UTC, datetime
from pathlib import Path
from service.storage import AuditEntry, Item
from service.storage.sqlite import SqliteStore
from service.core.enums import Lane

store, run = SqliteStore(Path(sys.argv[1])), sys.argv[2]
NOW = datetime(2026, 5, 10, tzinfo=UTC)

def write(thread):
    for number in range(1_000_000):
        name = f"{run}-{thread}-{number}"
        children = [Item(f"{name}-{child}", "k", {}, Lane.BULK, NOW, keys={"of": name}) for child in range(3)]
        entry = AuditEntry(f"audit-{name}", name, "request", NOW, "app", "{}")
        store.save(Item(name, "k", {"text": "x" * 500}, keys={"run": run}), spawn=children, audit=[entry])
        os.write(1, f"{name}\\n".encode())

threads = [threading.Thread(target=write, args=(thread,)) for thread in range(4)]
[thread.start() for thread in threads]
"""


@dataclass(frozen=True)
class Outcome:
    """What is left after the kills."""

    acknowledged: int
    missing: list[str]
    torn: list[str]
    integrity: str


def kill_writers(path: Path, kills: int, seed: int) -> Outcome:
    chance = random.Random(seed)
    acknowledged: list[str] = []
    for run in range(kills):
        acknowledged += _acknowledged_before_death(path, f"run{run}", chance.uniform(0.05, 0.3))
    store = SqliteStore(path)
    missing = [name for name in acknowledged if store.get(name) is None]
    written = [item.id for run in range(kills) for item in _all(store, f"run{run}")]
    torn = [name for name in written if not _whole(store, name)]
    store.close()
    with sqlite3.connect(path) as connection:
        integrity: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return Outcome(len(acknowledged), missing, torn, integrity)


def _acknowledged_before_death(path: Path, run: str, after_s: float) -> list[str]:
    with subprocess.Popen([sys.executable, "-c", WRITER, path, run], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline().strip()  # it has begun
        time.sleep(after_s)  # the instant of death is real time
        writer.kill()
        lines = writer.stdout.read().split("\n")
    return [first, *lines[:-1]]  # the last one has no line end, or is empty


def _all(store: SqliteStore, run: str) -> list[Item]:
    page = store.by_index("run", run, limit=500)
    found = list(page.items)
    while page.cursor:
        page = store.by_index("run", run, limit=500, cursor=page.cursor)
        found += page.items
    return found


def _whole(store: SqliteStore, name: str) -> bool:
    return store.count("of", name) == 3 and len(store.audit_entries(AuditQuery(request_id=name)).items) == 1


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    outcome = kill_writers(tmp_path / "tocsin.db", kills=3, seed=1)
    assert outcome.acknowledged > 20
    assert (outcome.missing, outcome.torn, outcome.integrity) == ([], [], "ok")


def test_a_killed_process_lets_go_of_the_lock_and_its_claims_come_back(tmp_path: Path) -> None:
    path, lease = tmp_path / "tocsin.db", timedelta(seconds=30)
    names = _acknowledged_before_death(path, "run", 0.2)
    store, now = SqliteStore(path), datetime(2026, 5, 10, tzinfo=UTC)
    due = len(store.claim(Lane.BULK, now, lease, 100_000))
    assert due >= 3 * len(names)
    assert len(store.claim(Lane.BULK, now + lease, lease, 100_000)) == due


@pytest.mark.long
def test_nothing_acknowledged_is_lost_in_many_kills(tmp_path: Path) -> None:
    outcome = kill_writers(tmp_path / "tocsin.db", kills=60, seed=2)
    print(f"60 kills, {outcome.acknowledged} acknowledged commits of 5 rows, {len(outcome.missing)} missing")
    assert (outcome.missing, outcome.torn, outcome.integrity) == ([], [], "ok")
