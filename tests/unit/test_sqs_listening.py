"""Long polls for due items: an idle worker hardly asks, and nothing comes later for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from service.core.clock import HandClock, SystemClock
from service.core.enums import Lane
from service.storage import Item, StoreUnavailable
from service.storage.sqs import QueuedStore
from service.work import Commit, HandlerRegistry, Task, TaskHandler, Worker, finished
from tests.aws import Environment
from tests.aws_faults import FaultyAws
from tests.contract.conftest import dynamodb_client, fresh_queues, fresh_tables
from tests.unit.test_sqs_dispatch import DOWN, Site, faulty_sqs

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LEASE = timedelta(seconds=30)
CLOCK = SystemClock()
LONG_S = 20.0
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def proxied(aws_server: Environment) -> Iterator[tuple[FaultyAws, SQSClient]]:
    with faulty_sqs(aws_server) as through:
        yield through


@pytest.fixture
def site(aws: Environment, proxied: tuple[FaultyAws, SQSClient]) -> Site:
    faulty, client = proxied
    faulty.reset()
    return Site(fresh_tables(), fresh_queues(), HandClock(CLOCK.now()), faulty, lambda: client)


@pytest.fixture
def listener(site: Site) -> Iterator[QueuedStore]:
    store = listening(site, lambda _: None)
    yield store
    store.close()


def listening(site: Site, bell: Callable[[Lane], None]) -> QueuedStore:
    return QueuedStore(dynamodb_client, site.connect, site.tables, site.queues, CLOCK, bell=bell, patience=SECOND)


def due(name: str, lane: Lane = Lane.BULK) -> Item:
    return Item(name, "job", {}, lane, CLOCK.now())


def claimed(store: QueuedStore, limit: int = 64, lane: Lane = Lane.BULK) -> Sequence[str]:
    """What the worker gets by the time that a poll which had nothing to wait for has ended."""
    until = time.monotonic() + LONG_S
    while not (found := store.claim(lane, CLOCK.now(), LEASE, limit)) and time.monotonic() < until:
        threading.Event().wait(0.01)  # a poll is over in real time
    return [item.id for item in found]


def test_an_idle_worker_asks_each_queue_once_while_a_poll_lasts(site: Site, listener: QueuedStore) -> None:
    begun = time.monotonic()
    for _ in range(300):  # as often as a worker looks within 30 seconds
        for lane in Lane:
            assert listener.claim(lane, CLOCK.now(), LEASE, 8) == ()
    polls = 1 + (time.monotonic() - begun) / SECOND.total_seconds()
    listener.close()
    asked = site.sqs.requests("ReceiveMessage")
    assert len(Lane) <= len(asked) <= len(Lane) * polls
    assert {one["WaitTimeSeconds"] for one in asked} == {1}


@contextmanager
def running(worker: Worker) -> Iterator[None]:
    """Let a worker work in a thread until the block ends."""
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(LONG_S)


def test_work_that_arrives_is_done_at_once_by_a_worker_that_was_idle(site: Site) -> None:
    handled: SimpleQueue[str] = SimpleQueue()

    def handle(task: Task) -> Commit:
        handled.put(task.item.id)
        return Commit(finished(task.item))

    store = listening(site, lambda lane: worker.look(lane))  # noqa: PLW0108  the worker is made below
    worker = Worker(store, HandlerRegistry([TaskHandler("job", handle)]), CLOCK, poll=timedelta(seconds=5))
    sender = QueuedStore(dynamodb_client, site.connect, site.tables, site.queues, CLOCK)
    begun, late = time.monotonic(), []
    with running(worker):
        for number in range(12):
            put = time.monotonic()
            sender.add(due(f"page-{number}", Lane.INCIDENT))
            assert handled.get(timeout=LONG_S) == f"page-{number}"
            late.append(time.monotonic() - put)
    store.close()
    polls = len(Lane) * (1 + (time.monotonic() - begun) / SECOND.total_seconds())
    asked = len(site.sqs.requests("ReceiveMessage"))
    assert asked <= polls + 3 * len(late)  # for a page: the poll that heard it, an empty look for more, and a new poll
    assert sorted(late)[len(late) // 2] < SECOND.total_seconds()


def test_a_backlog_is_not_taken_ten_a_poll(site: Site, listener: QueuedStore) -> None:
    site.store().add(*(due(f"i{number:02d}") for number in range(50)))
    assert len(claimed(listener)) == 50


def test_no_more_is_taken_than_was_asked_for_and_the_rest_comes_next(site: Site, listener: QueuedStore) -> None:
    assert listener.claim(Lane.BULK, CLOCK.now(), LEASE, 10) == ()
    site.store().add(*(due(f"i{number}") for number in range(5)))
    taken = [*claimed(listener, 1), *claimed(listener, 1), *claimed(listener)]
    assert sorted(taken) == [f"i{number}" for number in range(5)]


def test_a_worker_that_ends_gives_back_what_it_heard_and_did_not_take(site: Site, listener: QueuedStore) -> None:
    site.store().add(*(due(f"i{number}") for number in range(5)))
    assert listener.claim(Lane.BULK, CLOCK.now(), LEASE, 10) == ()  # the poll hears all of them
    first = claimed(listener, 1)
    listener.close()
    left = [item.id for item in site.store().claim(Lane.BULK, CLOCK.now(), LEASE, 10)]
    assert sorted([*first, *left]) == [f"i{number}" for number in range(5)]


def test_a_poll_that_fails_is_told_to_the_worker_and_the_next_one_hears_again(
    site: Site, listener: QueuedStore
) -> None:
    site.sqs.script("ReceiveMessage", *DOWN)
    site.store().add(due("a"))
    with pytest.raises(StoreUnavailable, match="SQS"):
        claimed(listener)
    assert claimed(listener) == ["a"]


def test_an_item_that_was_finished_meanwhile_is_not_taken(site: Site, listener: QueuedStore) -> None:
    store = site.store()
    item = store.save(due("a"))
    store.save(structs.replace(item, due_at=None))
    store.add(due("b"))
    assert claimed(listener) == ["b"]
