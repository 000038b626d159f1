"""How late incidents move on when 6,000 fall due within ten seconds or at one instant, and what a pending timer costs.

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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median

from bench.report import percentile, table
from service.config import Settings
from service.core.enums import Lane
from service.escalate.intake import GivenContact, NewIncident
from service.escalate.items import INCIDENT
from service.storage import AuditEntry, Item
from service.storage.sqlite import SqliteStore
from service.wiring.app import Service
from service.wiring.storage import SYSTEM_CLOCK
from service.work import POLICIES
from service.work.registry import HandlerRegistry
from service.work.worker import Worker

INCIDENTS = 6_000
AT_ONCE = timedelta()
WINDOWS = (timedelta(seconds=10), AT_ONCE)
"""The time over which the incidents fall due."""
FEW_PHONES = 40
"""Phones of a storm whose incidents all page the same people, and write the same books."""

TARGET, LATEST = 2.0, 10.0
"""Seconds of lateness that 99 of 100 incidents, and all of them, must keep below with two worker processes."""

PENDING, PENDING_QUICK = 1_000_000, 100_000
CLAIMED = 64
CLAIMS = 40

_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Storm:
    """So many incidents that fall due within a time, worked on by so many processes."""

    incidents: int
    window: timedelta
    workers: int
    phones: int

    def due(self) -> Sequence[datetime]:
        """When each of them falls due, the first once all are stored."""
        start = datetime.now(UTC) + timedelta(seconds=5 + self.incidents / 500)
        return [start + self.window * n / self.incidents for n in range(self.incidents)]

    @property
    def told(self) -> tuple[str, str, int]:
        """The storm in words, for a table."""
        window = f"within {self.window.total_seconds():.1f} s" if self.window else "at one instant"
        return window, "own" if self.phones == self.incidents else str(self.phones), self.workers


@dataclass(frozen=True, slots=True)
class Weathered:
    """Seconds from due to committed of each incident, and the workers' CPU milliseconds for one."""

    late: Sequence[float]
    cpu: float

    @property
    def figures(self) -> Mapping[str, float]:
        """What is reported."""
        late = self.late
        return {"p50": percentile(late, 0.5), "p99": percentile(late, 0.99), "max": max(late), "cpu_ms": self.cpu}


def run(quick: bool = False) -> Mapping[str, object]:
    """Measure both; `met` says whether two worker processes keep the target and pending timers cost nothing."""
    number, divisor = (INCIDENTS // 3, 3) if quick else (INCIDENTS, 1)
    storms = [Storm(number, window / divisor, workers, number) for window in WINDOWS for workers in (1, 2)]
    storms.append(Storm(number, AT_ONCE, 2, FEW_PHONES))
    weathered = [(storm, _weathered(storm)) for storm in storms]
    _print_lateness(number, weathered)
    claims = _claims(PENDING_QUICK if quick else PENDING)
    return {
        "incidents": number,
        "storms": [{"storm": storm.told, **one.figures} for storm, one in weathered],
        "claims": claims,
        "met": all(map(_kept, weathered)) and claims["with"] < 2 * claims["without"],
    }


def _kept(measured: tuple[Storm, Weathered]) -> bool:
    """Whether a storm that is held to the target kept it: one over phones of their own, met by two processes."""
    storm, weathered = measured
    held = storm.workers > 1 and storm.phones == storm.incidents
    return not held or (percentile(weathered.late, 0.99) < TARGET and max(weathered.late) < LATEST)


def _print_lateness(number: int, measured: Sequence[tuple[Storm, Weathered]]) -> None:
    rows = [
        (*storm.told, *(f"{one.figures[name]:.2f} s" for name in ("p50", "p99", "max")), f"{one.cpu:.2f} ms")
        for storm, one in measured
    ]
    title = f"Lateness of {number:,} incidents (target with two worker processes: p99 < {TARGET} s, all < {LATEST} s)"
    table(title, ("due", "phones", "worker processes", "p50", "p99", "max", "CPU an incident"), rows)


def _weathered(storm: Storm) -> Weathered:
    with _home() as home:
        service = Service(Settings(home=home, rules_watch=False))
        due = storm.due()
        _open(service, storm, due)
        service.store.close()
        moved = _spawn.Value("i")
        with _workers(home, storm.workers, moved):
            time.sleep(max(0.0, (due[-1] - datetime.now(UTC)).total_seconds()))
            _wait_until(lambda: moved.value >= storm.incidents)
        said = [json.loads(path.read_text()) for path in home.glob("committed-*.json")]
    committed = {name: datetime.fromisoformat(at) for one in said for name, at in one["committed"].items()}
    late = [(committed[f"incident-b{n}"] - at).total_seconds() for n, at in enumerate(due)]
    return Weathered(late, 1000 * sum(one["cpu"] for one in said) / storm.incidents)


def _open(service: Service, storm: Storm, due: Sequence[datetime]) -> None:
    def open_one(n: int) -> None:
        phone = n % storm.phones
        contacts = (GivenContact(phone=f"+4479{phone:08d}"), GivenContact(phone=f"+4478{phone:08d}"))
        new = NewIncident(f"b{n}", "Pump 1 failed", contacts, open_at=due[n])
        service.escalation.incidents.open(new, "bench", f"b{n}")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(open_one, range(len(due))))


def _wait_until(holds: Callable[[], bool], patience: float = 120) -> None:
    deadline = time.monotonic() + patience
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.5)


class Watched(SqliteStore):
    """The store of a worker, which notes when each incident was first committed; `moved` counts those of all."""

    def __init__(self, path: Path, moved: Synchronized[int]) -> None:
        super().__init__(path, SYSTEM_CLOCK)
        self.committed: dict[str, str] = {}
        self.cpu = time.process_time()
        self._begun, self._moved = self.cpu, moved

    def save(self, item: Item, *others: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()) -> Item:
        """Save, then look at the clock."""
        saved = super().save(item, *others, spawn=spawn, audit=audit)
        at = datetime.now(UTC).isoformat()
        timers = (item, *others) if item.kind == INCIDENT else ()  # what a message tells its incident comes later
        first = [one.id for one in timers if one.kind == INCIDENT and one.id not in self.committed]
        if first:
            self.committed.update(dict.fromkeys(first, at))
            self.cpu = time.process_time() - self._begun
            with self._moved.get_lock():
                self._moved.value += len(first)
        return saved


def work(home: Path, begun: Event, moved: Synchronized[int]) -> None:
    """In a process of its own: what `tocsin worker` does, watched."""
    service = Service(Settings(home=home, rules_watch=False))
    store = Watched(service.settings.database, moved)
    worker = Worker(
        store, HandlerRegistry(service.task_handlers()), SYSTEM_CLOCK, threads=service.settings.worker_threads
    )
    signal.signal(signal.SIGTERM, lambda _number, _frame: worker.stop())
    begun.set()
    worker.run()
    said = {"committed": store.committed, "cpu": store.cpu}
    (home / f"committed-{os.getpid()}.json").write_text(json.dumps(said))


@contextmanager
def _workers(home: Path, number: int, moved: Synchronized[int]) -> Iterator[None]:
    begun = [_spawn.Event() for _ in range(number)]
    processes: list[SpawnProcess] = [
        _spawn.Process(target=work, args=(home, event, moved), daemon=True) for event in begun
    ]
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
