"""Child processes that are started again when they die, and end with us."""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from service.cli import lifetime

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between a death and the next start: doubled with each death up to the longest, for as long as it takes.

A disk may be full for an hour, and whoever is on call must be paged again once there is room."""

SOUND_AFTER = 60.0
"""Seconds after which a child that lives counts as sound: when it dies, it is started again at once."""

PATIENCE = 9.0
"""Seconds that children have to end; then they are killed. `tocsin up` promises 10 in all."""

_LOOK = 0.2


@dataclass(slots=True)
class Child:
    """A command to keep running, whatever becomes of the others; `fds` are the file descriptors that it inherits."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = 0
    due_at: float | None = None
    """When it is started again; None while it runs."""


class Supervisor:
    """Runs the children until it is asked to stop, then ends them all."""

    def __init__(self, children: Sequence[Child], now: Callable[[], float] = time.monotonic) -> None:
        self._children = children
        self._now = now
        self._asked_to_stop: SimpleQueue[None] = SimpleQueue()  # may be put to from a signal handler

    def start(self) -> None:
        """Start every child; from here on a signal to stop ends `watch`."""
        lifetime.on_stop(lambda: self._asked_to_stop.put(None))
        for child in self._children:
            self._start(child)

    def watch(self) -> None:
        """Keep the children running until told to stop."""
        try:
            while not self._told_to_stop():
                self.look()
        finally:
            self.end()

    def look(self) -> None:
        """Start again whoever has died and whose pause is over."""
        for child in self._children:
            if child.due_at is None:
                self._notice_death(child)
            if child.due_at is not None and child.due_at <= self._now():
                self._start(child)

    def end(self) -> None:
        """End every child: asked first, then killed."""
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

    def _told_to_stop(self) -> bool:
        try:
            self._asked_to_stop.get(timeout=_LOOK)
        except Empty:
            return False
        return True

    def _start(self, child: Child) -> None:
        child.started_at, child.due_at = self._now(), None
        try:
            child.process = subprocess.Popen(child.command, env=child.environment, pass_fds=child.fds)  # noqa: S603  ours
        except OSError as error:  # no memory or no process left: the next try may find some
            child.process = None
            self._pause(child, f"cannot be started ({error.strerror})")

    def _notice_death(self, child: Child) -> None:
        if child.process is None or child.process.poll() is None:
            return
        self._pause(child, f"ended with status {child.process.returncode}")

    def _pause(self, child: Child, what_happened: str) -> None:
        now = self._now()
        child.deaths = 1 if now - child.started_at >= SOUND_AFTER else child.deaths + 1
        wait = pause_after(child.deaths)
        child.due_at = now + wait
        again = "again" if wait == 0 else f"again in {wait:g} s, after {child.deaths} failures in a row"
        logger.error("The %s %s and is started %s; the log lines above say why", child.name, what_happened, again)


def pause_after(deaths: int) -> float:
    """Seconds before a start, after so many deaths in a row: none at first."""
    return 0.0 if deaths <= 1 else min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(deaths - 2, 20))
