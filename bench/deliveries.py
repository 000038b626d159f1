"""Deliveries a second, end to end through the outbox, beside a bare loop that writes the same rows and beside Celery.

Ours is counted from the accepted notification to its completion: judged, fanned out, translated, sent, tallied. The
workers have sent something before, so that no model is loaded on the way.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from bench.deliveries_celery import FOLDER
from bench.deliveries_work import TEXT, people
from bench.first_start import publish_all
from bench.report import table
from service.config import Settings
from service.notify.model import FINAL, Status
from service.notify.service import Request
from service.wiring.app import Service

FLOOR_TARGET, CELERY_TARGET, MEMORY_TARGET = 0.5, 5.0, 1.15
FLOOR, ONE, TWO, CELERY = "floor", "tocsin, 1 worker", "tocsin, 2 workers", "celery"
FEW = 98
"""Recipients of the send that warms the workers up."""


@dataclass(slots=True)
class Figures:
    """Deliveries a second by candidate and audience; what one worker holds in MiB by audience."""

    rates: dict[int, dict[str, list[float]]] = field(default_factory=dict)
    memory: dict[int, float] = field(default_factory=dict)

    def note(self, size: int, name: str, rate: float) -> None:
        self.rates.setdefault(size, {}).setdefault(name, []).append(rate)

    def rate(self, size: int, name: str) -> float:
        return statistics.median(self.rates[size][name])


def run(quick: bool = False) -> Mapping[str, object]:
    """Rates, their ratios and the memory of a worker; medians of interleaved rounds."""
    sizes = {5_000: 1} if quick else {10_000: 3, 100_000: 1}
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder:
        for size, rounds in sizes.items():
            for number in range(rounds):
                _round(Path(folder) / f"{size}-{number}", size, figures, celery_tasks=1_000 if quick else 2_000)
    return _report(figures)


def _round(folder: Path, size: int, figures: Figures, celery_tasks: int) -> None:
    folder.mkdir()
    figures.note(size, FLOOR, size / _seconds("deliveries_floor", str(folder / "floor.db"), str(size)))
    figures.note(size, CELERY, celery_tasks / _seconds("deliveries_celery", str(folder), str(celery_tasks)))
    service = Service(Settings(home=folder / "home", rules_watch=False))
    publish_all(service)
    everyone = people(size)
    service.messaging.directory.add("few", islice(people(FEW), FEW))
    while some := list(islice(everyone, 1_000)):
        service.messaging.directory.add("all", some)
    for name, workers in ((ONE, 1), (TWO, 2)):
        seconds, memory = _send(service, workers)
        figures.note(size, name, size / seconds)
        if workers == 1:
            figures.memory[size] = memory
    service.store.close()


def _seconds(module: str, *arguments: str) -> float:
    environment = {**os.environ, FOLDER: arguments[0]}
    command = [sys.executable, "-m", f"bench.{module}", *arguments]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def _send(service: Service, workers: int) -> tuple[float, float]:
    """Seconds of a send to everybody, and the MiB that the first worker then holds."""
    with _workers(service.settings.home, workers) as processes:
        for number in range(2):
            _wait(service, _accept(service, f"warm{workers}-{number}", "few"))
        began = time.perf_counter()
        _wait(service, _accept(service, f"n{workers}", "all"))
        return time.perf_counter() - began, _resident_mib(processes[0].pid)


def _accept(service: Service, name: str, audience: str) -> str:
    return service.messaging.notifications.create(Request(name, "bench", name, TEXT, audience=audience)).id


def _wait(service: Service, name: str) -> None:
    while (status := service.messaging.notifications.get(name).status) not in FINAL:
        if status is Status.HELD_FOR_REVIEW:
            raise RuntimeError("the announcement was held for review")
        time.sleep(0.02)
    if status is not Status.COMPLETED:
        raise RuntimeError(f"the send ended as {status}")


@contextmanager
def _workers(home: Path, number: int) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    environment = {**os.environ, "TOCSIN_HOME": str(home), "TOCSIN_RULES_WATCH": "0", "TOCSIN_LOG_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "service.cli", "worker"]
    processes = [subprocess.Popen(command, env=environment) for _ in range(number)]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS: this benchmark needs Linux")


def _report(figures: Figures) -> Mapping[str, object]:
    sizes = list(figures.rates)
    names = (FLOOR, ONE, TWO, CELERY)
    rows = [[name, *(f"{figures.rate(size, name):,.0f}" for size in sizes)] for name in names]
    table("deliveries a second", ["", *(f"{size:,} recipients" for size in sizes)], rows)
    ratios = {
        size: {
            "of the floor": figures.rate(size, ONE) / figures.rate(size, FLOOR),
            "times Celery": figures.rate(size, ONE) / figures.rate(size, CELERY),
            "two workers to one": figures.rate(size, TWO) / figures.rate(size, ONE),
        }
        for size in sizes
    }
    memory = figures.memory[sizes[-1]] / figures.memory[sizes[0]]
    lines = [[name, *(f"{ratios[size][name]:.2f}" for size in sizes)] for name in ratios[sizes[0]]]
    lines.append(["a worker's MiB afterwards", *(f"{figures.memory[size]:.0f}" for size in sizes)])
    table(f"one worker (targets ≥ {FLOOR_TARGET}, ≥ {CELERY_TARGET}, memory flat)", ["", *map(str, sizes)], lines)
    reached = all(
        each["of the floor"] >= FLOOR_TARGET and each["times Celery"] >= CELERY_TARGET for each in ratios.values()
    )
    met = reached and memory <= MEMORY_TARGET
    return {"per_second": figures.rates, "ratios": ratios, "worker_mib": figures.memory, "met": met}
