"""Requests looked at again after they were answered, so that neither an answer nor its time depends on it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
N = TypeVar("N")


@dataclass(slots=True)
class TakenNotes(Generic[N]):
    """The notes of one purpose, oldest first, and how many requests were dropped."""

    notes: list[N] = field(default_factory=list)
    skipped: int = 0


class Notes(Generic[K, N]):
    """The notes of one process, by purpose; for any number of threads."""

    def __init__(self, room: int) -> None:
        """`room` is how many notes may wait; beyond that requests are skipped and counted as such."""
        self._room = room
        self._lock = threading.Lock()
        self._waiting = 0
        self._taken: defaultdict[K, TakenNotes[N]] = defaultdict(TakenNotes)

    def add(self, purpose: K, note: N) -> None:
        """Keep a note until the next `take`."""
        with self._lock:
            if self._waiting >= self._room:
                self._taken[purpose].skipped += 1
                return
            self._waiting += 1
            self._taken[purpose].notes.append(note)

    def take(self) -> Mapping[K, TakenNotes[N]]:
        """Everything that came since the last time."""
        with self._lock:
            taken, self._taken, self._waiting = self._taken, defaultdict(TakenNotes), 0
        return taken
