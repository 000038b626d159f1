"""The SQLite store against the least it could be: one connection a thread, one fsync a commit, SQLite's busy handler.

Commits a second by threads (grouped commits share an fsync), work claimed and saved, and how long a web request's
insert waits while worker processes write as fast as they can (`flock` queues, the busy handler polls).
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median

from msgspec import structs

from bench.report import interleaved, percentile, table
from service.core.enums import Lane
from service.core.exact_json import dumps
from service.storage import Item
from service.storage.sqlite import SqliteStore

STATE = {"text": "x" * 300, "to": "y" * 60}
LEASE = timedelta(minutes=5)
THREADS = (1, 8, 32)
WORKERS = 2

Insert = Callable[[str], None]


class Bare:
    """What every store on SQLite must at least do: insert a row and wait for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connection().execute("CREATE TABLE IF NOT EXISTS items (id TEXT PRIMARY KEY, state TEXT)")

    def insert(self, item_id: str) -> None:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO items VALUES (?, ?)", (item_id, dumps(STATE)))
        connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
            self._local.connection.execute("PRAGMA journal_mode = WAL")
            self._local.connection.execute("PRAGMA synchronous = FULL")
        connection: sqlite3.Connection = self._local.connection
        return connection


def inserts(kind: str, path: Path) -> Insert:
    """The insert of a store on a file, by its name: a spawned process can be told it."""
    if kind == "bare":
        return Bare(path).insert
    store = SqliteStore(path)
    return lambda item_id: store.add(Item(item_id, "bench", STATE, keys={"of": "bench"}))


def run(*, quick: bool) -> Mapping[str, object]:
    """Measure, print, and answer the figures."""
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent / "results") as folder:
        commits = _commits(Path(folder), 300 if quick else 1000, 2 if quick else 3)
        work = _claimed_and_saved(Path(folder), 400 if quick else 3000)
        waits = {kind: _waits(kind, Path(folder), 2 if quick else 6) for kind in ("bare", "store")}
    rows = [[kind, *(f"{commits[kind, threads]:,.0f}" for threads in THREADS)] for kind in ("bare", "store")]
    rows.append(["ratio", *(f"{commits['store', n] / commits['bare', n]:.2f}" for n in THREADS)])
    table("commits a second, durable (threads)", ["", *map(str, THREADS)], rows)
    table("items claimed and saved a second", ["claim", "threads", "items/s"], work)
    table(
        f"a web insert while {WORKERS} processes x 4 threads write without pause, ms",
        ["", "p50", "p99", "longest", "workers' commits/s"],
        [[kind, *(f"{figure:,.1f}" for figure in figures)] for kind, figures in waits.items()],
    )
    return {
        "commits": {f"{kind}-{threads}": rate for (kind, threads), rate in commits.items()},
        "claimed_and_saved": work,
        "waits_ms": waits,
    }


def _commits(folder: Path, number: int, rounds: int) -> dict[tuple[str, int], float]:
    rates: dict[tuple[str, int], float] = {}
    for threads in THREADS:
        runs = {kind: _run_of(kind, folder / f"{kind}-{threads}.db", number, threads) for kind in ("bare", "store")}
        for kind, seconds in interleaved(runs, rounds).items():
            rates[kind, threads] = number / seconds
    return rates


def _run_of(kind: str, path: Path, number: int, threads: int) -> Callable[[], None]:
    insert = inserts(kind, path)
    rounds = iter(range(1000))

    def once() -> None:
        prefix = f"{next(rounds)}"
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda place: insert(f"{prefix}-{place:06d}"), range(number)))

    return once


def _claimed_and_saved(folder: Path, number: int) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = []
    for claim, threads in ((1, 1), (100, 1), (100, 8), (100, 32)):
        store = SqliteStore(folder / f"work-{claim}-{threads}.db")
        now = datetime.now(UTC)
        for at in range(0, number, 100):
            store.add(*(Item(f"i{place:06d}", "bench", STATE, Lane.BULK, now) for place in range(at, at + 100)))
        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            while items := store.claim(Lane.BULK, now, LEASE, claim):
                list(pool.map(lambda item, store=store: store.save(structs.replace(item, due_at=None)), items))
        rows.append([claim, threads, f"{number / (time.perf_counter() - began):,.0f}"])
    return rows


def _waits(kind: str, folder: Path, seconds: float) -> tuple[float, float, float, float]:
    """Median, 99th percentile and longest wait in ms of a web insert, and the workers' rate."""
    path, spawn = folder / f"wait-{kind}.db", multiprocessing.get_context("spawn")
    insert, stop = inserts(kind, path), spawn.Event()
    insert("first")
    counts: multiprocessing.Queue[int] = spawn.Queue()
    workers = [spawn.Process(target=_saturate, args=(kind, path, f"w{n}", stop, counts)) for n in range(WORKERS)]
    for worker in workers:
        worker.start()
    time.sleep(1.5)  # until both are at full speed
    taken: list[float] = []
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        began = time.perf_counter()
        insert(f"web-{len(taken)}")
        taken.append(1000 * (time.perf_counter() - began))
        time.sleep(0.01)
    stop.set()
    written = sum(counts.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join(30)
    return median(taken), percentile(taken, 0.99), max(taken), written / (seconds + 1.5)


def _saturate(kind: str, path: Path, name: str, stop: Event, counts: multiprocessing.Queue[int]) -> None:
    insert = inserts(kind, path)

    def write(thread: int) -> int:
        number = 0
        while not stop.is_set():
            insert(f"{name}-{thread}-{number}")
            number += 1
        return number

    with ThreadPoolExecutor(4) as pool:
        counts.put(sum(pool.map(write, range(4))))
