"""How late incidents move on when 6,000 fall due within ten seconds, and what a million pending timers cost.

Lateness is from the instant a timer was due to the commit of what followed from it, the page included; the pages
themselves are sent meanwhile, by the same workers. Each worker is a process of its own on one SQLite file.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median

from bench.report import percentile, table
from service.app import Service
from service.config import Settings
from service.escalate.intake import GivenContact, NewIncident
from service.escalate.items import INCIDENT
from service.storage import AuditEntry, Item
from service.storage.sqlite import SqliteStore
from service.stores import SYSTEM_CLOCK
from service.words import Lane
from service.work import POLICIES
from service.work.registry import Registry
from service.work.worker import Worker

INCIDENTS, WINDOW = 6_000, timedelta(seconds=10)
TARGET = 2.0
"""Seconds of lateness that 99 of 100 incidents must keep below."""

PENDING, PENDING_QUICK = 1_000_000, 100_000
CLAIMED = 64
CLAIMS = 40

_spawn = multiprocessing.get_context("spawn")


def run(quick: bool = False) -> Mapping[str, object]:
    """Measure both; `met` says whether one or two worker processes keep the target and pending timers cost nothing."""
    number = INCIDENTS // 3 if quick else INCIDENTS
    window = WINDOW / 3 if quick else WINDOW
    lateness = {workers: _lateness(number, window, workers) for workers in (1, 2)}
    _print_lateness(number, window, lateness)
    at_once = _lateness(number, timedelta(), 2)
    print(f"\n  {number:,} due at one instant, 2 worker processes: the last {max(at_once):.1f} s late")
    claims = _claims(PENDING_QUICK if quick else PENDING)
    kept = min(percentile(late, 0.99) for late in lateness.values()) < TARGET
    return {
        "incidents": number,
        "lateness": {workers: _figures(late) for workers, late in lateness.items()},
        "at_one_instant": _figures(at_once),
        "claims": claims,
        "met": kept and claims["with"] < 2 * claims["without"],
    }


def _figures(late: Sequence[float]) -> Mapping[str, float]:
    return {"p50": percentile(late, 0.5), "p99": percentile(late, 0.99), "max": max(late)}


def _print_lateness(number: int, window: timedelta, lateness: Mapping[int, Sequence[float]]) -> None:
    rows = [(workers, *(f"{value:.2f} s" for value in _figures(late).values())) for workers, late in lateness.items()]
    title = f"Lateness of {number:,} incidents due within {window.total_seconds():.1f} s (target: p99 < {TARGET} s)"
    table(title, ("worker processes", "p50", "p99", "max"), rows)


def _lateness(number: int, window: timedelta, workers: int) -> Sequence[float]:
    """Seconds from due to committed of each incident."""
    with _home() as home:
        service = Service(Settings(home=home, rules_watch=False))
        start = datetime.now(UTC) + timedelta(seconds=5 + number / 500)
        due = {f"incident-b{n}": start + window * n / number for n in range(number)}
        _open(service, list(due.values()))
        with _workers(home, workers):
            time.sleep(max(0.0, (start + window - datetime.now(UTC)).total_seconds()))
            _wait_until(lambda: _sent(service) >= number)
        service.store.close()
        committed = _committed(home)
    return [(committed[name] - at).total_seconds() for name, at in due.items()]


def _open(service: Service, due: Sequence[datetime]) -> None:
    def open_one(n: int) -> None:
        contacts = (GivenContact(phone=f"+4479{n:08d}"), GivenContact(phone=f"+4478{n:08d}"))
        new = NewIncident(f"b{n}", "Pump 1 failed", contacts, open_at=due[n])
        service.escalation.incidents.open(new, "bench", f"b{n}")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(open_one, range(len(due))))


def _sent(service: Service) -> int:
    return service.store.count("outbox", "all")


def _wait_until(holds: Callable[[], bool], patience: float = 120) -> None:
    deadline = time.monotonic() + patience
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.5)


class Watched(SqliteStore):
    """The store of a worker, which notes when each incident was first committed."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SYSTEM_CLOCK)
        self.committed: dict[str, str] = {}

    def save(self, item: Item, *others: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()) -> Item:
        """Save, then look at the clock."""
        saved = super().save(item, *others, spawn=spawn, audit=audit)
        for changed in (item, *others):
            if changed.kind == INCIDENT:
                self.committed.setdefault(changed.id, datetime.now(UTC).isoformat())
        return saved


def work(home: Path, begun: Event) -> None:
    """In a process of its own: what `tocsin worker` does, watched."""
    service = Service(Settings(home=home, rules_watch=False))
    store = Watched(service.settings.database)
    worker = Worker(store, Registry(service.duties()), SYSTEM_CLOCK, threads=service.settings.worker_threads)
    signal.signal(signal.SIGTERM, lambda _number, _frame: worker.stop())
    begun.set()
    worker.run()
    (home / f"committed-{os.getpid()}.json").write_text(json.dumps(store.committed))


def _committed(home: Path) -> Mapping[str, datetime]:
    """When each incident was first committed, by whichever worker."""
    said = [json.loads(path.read_text()) for path in home.glob("committed-*.json")]
    return {name: datetime.fromisoformat(at) for one in said for name, at in one.items()}


@contextmanager
def _workers(home: Path, number: int) -> Iterator[None]:
    begun = [_spawn.Event() for _ in range(number)]
    processes: list[SpawnProcess] = [_spawn.Process(target=work, args=(home, event), daemon=True) for event in begun]
    for process in processes:
        process.start()
    try:
        assert all(event.wait(60) for event in begun), "a worker did not start"
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(20)


@contextmanager
def _home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    try:
        yield home
    finally:
        shutil.rmtree(home)


def _claims(pending: int) -> Mapping[str, float]:
    """Median milliseconds of a claim of 64 due timers, without and with so many that are pending."""
    with _home() as home:
        store = SqliteStore(home / "timers.db", SYSTEM_CLOCK)
        without = _claim_time(store, "before")
        far = datetime.now(UTC) + timedelta(days=365)
        for first in range(0, pending, 100):
            store.add(*(_timer(f"pending-{n:07d}", far) for n in range(first, min(first + 100, pending))))
        claims = {"pending": pending, "without": without, "with": _claim_time(store, "after")}
        store.close()
    title = f"A claim of {CLAIMED} due timers"
    rows = [("no other timer", f"{without:.2f} ms"), (f"{pending:,} pending", f"{claims['with']:.2f} ms")]
    table(title, ("beside", "median"), rows)
    return claims


def _claim_time(store: SqliteStore, name: str) -> float:
    now = datetime.now(UTC)
    for claim in range(CLAIMS):
        store.add(*(_timer(f"{name}-{claim}-{n}", now) for n in range(CLAIMED)))
    taken = []
    for _ in range(CLAIMS):
        began = time.perf_counter()
        assert len(store.claim(Lane.INCIDENT, now, POLICIES[Lane.INCIDENT].lease, CLAIMED)) == CLAIMED
        taken.append(1000 * (time.perf_counter() - began))
    return median(taken)


def _timer(name: str, due_at: datetime) -> Item:
    return Item(name, "incident", {}, lane=Lane.INCIDENT, due_at=due_at)
