"""Child processes that are started again when they die, and end with us."""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from service.errors import TocsinError

logger = logging.getLogger(__name__)

MOST_DEATHS = 5
DEATHS_WITHIN = 60.0
"""More than `MOST_DEATHS` of one child in so many seconds: starting it again does not help."""

PATIENCE = 9.0
"""Seconds that children have to end; then they are killed. `tocsin up` promises 10 in all."""

_LOOK = 0.2


class KeepsDying(TocsinError):
    """A child dies as often as it is started."""


@dataclass(slots=True)
class Child:
    """A command to keep running; `fds` are the file descriptors that it inherits."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_DEATHS + 1))


class Supervisor:
    """Runs the children until SIGTERM or SIGINT, then ends them all."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children
        self._asked_to_stop: SimpleQueue[int] = SimpleQueue()  # may be put to from a signal handler

    def start(self) -> None:
        """Start every child; from here on SIGTERM and SIGINT end `watch`."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: self._asked_to_stop.put(number))
        for child in self._children:
            _start(child)

    def watch(self) -> None:
        """Keep the children running until told to stop; `KeepsDying` if that does not work."""
        try:
            while not self._told_to_stop():
                for child in self._children:
                    _revive(child)
        finally:
            self._end_all()

    def _told_to_stop(self) -> bool:
        try:
            self._asked_to_stop.get(timeout=_LOOK)
        except Empty:
            return False
        return True

    def _end_all(self) -> None:
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + PATIENCE
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _start(child: Child) -> None:
    child.process = subprocess.Popen(child.command, env=child.environment, pass_fds=child.fds)  # noqa: S603  ours


def _revive(child: Child) -> None:
    if child.process is None or child.process.poll() is None:
        return
    child.deaths.append(time.monotonic())
    too_often = len(child.deaths) > MOST_DEATHS and child.deaths[-1] - child.deaths[0] < DEATHS_WITHIN
    if too_often:
        raise KeepsDying(
            f"The {child.name} ended {len(child.deaths)} times within a minute, last with status "
            f"{child.process.returncode}: the log lines above say why. Everything is stopped."
        )
    logger.error("The %s ended with status %d and is started again", child.name, child.process.returncode)
    _start(child)
