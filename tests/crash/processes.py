"""An installation whose processes can be killed at any instant: a real API, and workers that start in no time.

A worker is forked from a process that has read the modules already. What a dead worker held comes due again when its
lease ends; so that nobody waits for that, each new worker's clock is one lease ahead of the last one's.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import urllib3

from service.config import Settings
from service.core.enums import Lane, Scope
from service.core.periodic import PeriodicRunner
from service.wiring.app import Service
from service.work import POLICIES
from tests.functional.client import Client, Running, running

LEASE = max(POLICIES[lane].lease for lane in Lane)

BEGINS_WITHIN = 120
"""Seconds in which a worker must begin; where one still stands after half of them is written to a file."""

SLOW_START = "slow-start-"

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    ["service.wiring.app", "service.wiring.messaging", "service.language.embedded.sentiment"]
)


@dataclass(frozen=True, slots=True)
class Ahead:
    """The machine's clock, so much ahead."""

    by: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


def work(home: Path, settings: Mapping[str, str], ahead: timedelta, begun: Event) -> None:
    """In a process of its own: what `tocsin worker` does."""
    with (home / f"{SLOW_START}{os.getpid()}").open("w") as stacks:
        faulthandler.dump_traceback_later(BEGINS_WITHIN / 2, file=stacks)
        service = Service(settings_at(home, settings), Ahead(ahead))
        PeriodicRunner(service.worker_tasks()).start()
        faulthandler.cancel_dump_traceback_later()
    begun.set()
    service.worker().run()


def settings_at(home: Path, more: Mapping[str, str]) -> Settings:
    """The settings of every process of the installation."""
    return Settings.model_validate({"home": home, "rules_watch": False, **more})


@dataclass(slots=True)
class Installation:
    """One home, its API and its workers; all are dead before `start` and after `end`."""

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    started_workers: int = 0
    _key: str = ""
    _api: Running | None = None
    _workers: list[ForkServerProcess] = field(default_factory=list)
    _servers: ExitStack = field(default_factory=ExitStack)

    def start(self, workers: int) -> None:
        """Make the home, a key and the rules, then let everybody begin."""
        service = Service(settings_at(self.home, self.settings))
        self._key = service.keys.create("test app", list(Scope))[1]
        service.working_copies.sweep()
        service.store.close()
        self.start_api()
        self.start_workers(workers)

    def end(self) -> None:
        """Kill the workers and end the API."""
        self.kill_workers(len(self._workers))
        self._servers.close()

    def start_api(self) -> None:
        """`tocsin serve` on a free port."""
        given = {name.upper(): text for name, text in self.settings.items()}
        self._api = self._servers.enter_context(running(self.home, "serve", RULES_WATCH="0", **given))

    def kill_api(self) -> None:
        """kill -9 of gunicorn and all its processes."""
        if self._api is not None:
            os.killpg(self._api.process.pid, signal.SIGKILL)
            self._api.process.wait()

    def start_workers(self, number: int) -> None:
        """That many more; returns when they have begun, their clock at a time at which no dead one's lease lasts."""
        self.started_workers += 1
        ahead = self.started_workers * LEASE
        begun = [self._start_worker(ahead) for _ in range(number)]
        assert all(event.wait(BEGINS_WITHIN) for event in begun), self._where_they_stand()

    def _where_they_stand(self) -> str:
        """The stacks of the workers that were slow to begin."""
        return "\n".join(file.read_text() for file in self.home.glob(f"{SLOW_START}*"))

    def _start_worker(self, ahead: timedelta) -> Event:
        begun = _processes.Event()
        process = _processes.Process(target=work, args=(self.home, self.settings, ahead, begun), daemon=True)
        process.start()
        self._workers.append(process)
        return begun

    def kill_workers(self, number: int) -> None:
        """kill -9 of the oldest ones."""
        dying, self._workers = self._workers[:number], self._workers[number:]
        for process in dying:
            process.kill()
        for process in dying:
            process.join()

    def workers(self) -> int:
        """How many were started and not killed."""
        return len(self._workers)

    def client(self) -> Client:
        """A caller of the API that runs now, with every scope."""
        assert self._api is not None
        return Client(self._api.client.line, self._key)

    def parts(self) -> Service:
        """The parts in this process, for looking at what is stored."""
        return Service(settings_at(self.home, self.settings))


UNANSWERED = (urllib3.exceptions.HTTPError, OSError)
"""What a caller meets whose server dies."""
