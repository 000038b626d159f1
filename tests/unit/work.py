"""Work to begin tests with: items of kind `job`, ways to handle them, workers that wait without chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from service.core.clock import HandClock
from service.core.enums import Lane
from service.storage import Item
from service.storage.sqlite import SqliteStore
from service.work import POLICIES, Commit, HandlerRegistry, Task, TaskHandler, Worker, finished

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

Handle = Callable[[Task], Commit]


def job(name: str, lane: Lane = Lane.TRANSACTIONAL, due: datetime = NOON) -> Item:
    return Item(name, "job", {}, lane=lane, due_at=due)


def done(task: Task) -> Commit:
    return Commit(finished(task.item, {"done": True}))


def fails(error: Exception) -> Handle:
    def handle(task: Task) -> Commit:
        raise error

    return handle


def stored(store: SqliteStore, item_id: str) -> Item:
    item = store.get(item_id)
    assert item is not None
    return item


@contextmanager
def working(store: SqliteStore, clock: HandClock, *duties: TaskHandler) -> Iterator[Worker]:
    """A worker that handles one thing at a time and waits without chance."""
    policies = {lane: replace(policy, ahead=policy.ahead_when_slow) for lane, policy in POLICIES.items()}
    made = Worker(store, HandlerRegistry(duties), clock, threads=1, policies=policies, chance=lambda: 1.0)
    yield made
    made.close()
