"""What a process does again and again beside its work: catching up with the store, watching files, purging."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from service.core.errors import TocsinError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Something to do repeatedly, `every` so long after the last time."""

    name: str
    every: timedelta
    do: Callable[[], object]


class PeriodicRunner:
    """Threads that do periodic tasks, one each, until they are stopped. A task that fails is logged and done again."""

    def __init__(self, tasks: Iterable[PeriodicTask]) -> None:
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_doing, args=(task,), name=f"periodic task {task.name}", daemon=True)
            for task in tasks
        ]

    def start(self) -> None:
        """Begin, each task at once."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience: timedelta = timedelta(seconds=2)) -> None:
        """Do nothing new and wait up to `patience` for each task that is being done."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(patience.total_seconds())

    def _keep_doing(self, task: PeriodicTask) -> None:
        while not self._stopped.is_set():
            self._do(task)
            self._stopped.wait(task.every.total_seconds())

    @staticmethod
    def _do(task: PeriodicTask) -> None:
        try:
            task.do()
        except TocsinError as error:
            logger.warning("%s failed and is tried again: %s", task.name, error, extra={"chore": task.name})
        except Exception:  # a mistake in one task must not end it for the life of the process
            logger.exception("%s failed and is tried again", task.name, extra={"chore": task.name})
