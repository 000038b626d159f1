"""What a process does over and over beside its work: catching up with the store, watching files, purging."""

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
    """Something to do now and again, `every` so long after it was done the last time."""

    name: str
    every: timedelta
    do: Callable[[], object]


class Chores:
    """Threads that do chores, one each, until they are stopped. A chore that fails is logged and done again."""

    def __init__(self, chores: Iterable[PeriodicTask]) -> None:
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_doing, args=(chore,), name=f"chore {chore.name}", daemon=True)
            for chore in chores
        ]

    def start(self) -> None:
        """Begin, each chore at once."""
        for thread in self._threads:
            thread.start()

    def stop(self, patience: timedelta = timedelta(seconds=2)) -> None:
        """Do nothing new and wait up to `patience` for each chore that is being done."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(patience.total_seconds())

    def _keep_doing(self, chore: PeriodicTask) -> None:
        while not self._stopped.is_set():
            self._do(chore)
            self._stopped.wait(chore.every.total_seconds())

    @staticmethod
    def _do(chore: PeriodicTask) -> None:
        try:
            chore.do()
        except TocsinError as error:
            logger.warning("%s failed and is tried again: %s", chore.name, error, extra={"chore": chore.name})
        except Exception:  # a mistake in one chore must not end it for the life of the process
            logger.exception("%s failed and is tried again", chore.name, extra={"chore": chore.name})
