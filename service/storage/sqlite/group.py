"""Group commit: what several threads write at the same time is made durable by one fsync."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from service.core import TocsinError
from service.storage.store import StoreUnavailable

C = TypeVar("C")
T = TypeVar("T")

MAX_GROUP = 256
"""Writes in one group: bounds how long the first one waits for the last."""


@dataclass(slots=True, eq=False)
class GroupedWrite(Generic[C]):
    """One caller's write; then `error`, or whatever `run` kept last, is the answer.

    `run` is called in the leader's thread, and once more if its group has to be undone because another of it failed.
    """

    run: Callable[[C], None]
    error: TocsinError | None = None
    done: bool = False
    woken: threading.Event = field(default_factory=threading.Event)


class GroupCommit(Generic[C]):
    """Collects writes; of the threads that wait, one (the leader) commits for all.

    `commit` is given a way to take the group: it calls that once it holds the database, so that everybody who came
    meanwhile goes along. It must set `error` on each write that failed, and raise if none was made durable.
    """

    def __init__(self, commit: Callable[[Callable[[], Sequence[GroupedWrite[C]]]], None]) -> None:
        self._commit = commit
        self._mutex = threading.Lock()
        self._waiting: deque[GroupedWrite[C]] = deque()
        self._led = False

    def submit(self, run: Callable[[C], T]) -> T:
        """Run a write in the next group; returns when it is durable, raises what it raised."""
        answers: list[T] = []
        write: GroupedWrite[C] = GroupedWrite(lambda held: answers.append(run(held)))
        with self._mutex:
            self._waiting.append(write)
            lead, self._led = not self._led, True
        if not lead:
            write.woken.wait()
        if not write.done:
            self._lead(write)
        if write.error is not None:
            raise write.error
        return answers[-1]

    def _lead(self, own: GroupedWrite[C]) -> None:
        group: list[GroupedWrite[C]] = []
        failure: TocsinError | None = StoreUnavailable("the process was interrupted while it wrote: try again")
        try:
            self._commit(lambda: self._take(group))
            failure = None
        except TocsinError as error:
            failure = error
        finally:
            self._finish(group, own, failure)

    def _take(self, group: list[GroupedWrite[C]]) -> Sequence[GroupedWrite[C]]:
        with self._mutex:
            group.extend(self._waiting.popleft() for _ in range(min(MAX_GROUP, len(self._waiting))))
        return group

    def _finish(self, group: list[GroupedWrite[C]], own: GroupedWrite[C], failure: TocsinError | None) -> None:
        with self._mutex:
            if own in self._waiting:  # the database was never reached: the next leader tries for itself
                self._waiting.remove(own)
                group.append(own)
            successor = self._waiting[0] if self._waiting else None
            self._led = successor is not None
        for write in group:
            write.error = failure or write.error
            write.done = True
            write.woken.set()
        if successor is not None:
            successor.woken.set()
