"""A running worker: real threads, the real clock, no sleeping in the tests themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from service.clock import SystemClock
from service.storage import Item
from service.storage.sqlite import SqliteStore
from service.words import Lane
from service.work import (
    Duty,
    Registry,
    Step,
    Task,
    Worker,
    waiting,
)
from tests.unit.work import SECOND, done, job, stored


class Running:
    """A worker in a thread of its own."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.ended_well: list[bool] = []
        self._thread = threading.Thread(target=lambda: self.ended_well.append(worker.run()))
        self._thread.start()

    def stop(self) -> None:
        self.worker.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


def eventually(holds: Callable[[], bool], seconds: float = 5) -> bool:
    """Look until it holds or the time is over."""
    pause, deadline = threading.Event(), SystemClock().now() + timedelta(seconds=seconds)
    while not holds() and SystemClock().now() < deadline:
        pause.wait(0.005)
    return holds()


def test_an_incident_leaves_at_once_although_every_bulk_send_hangs(tmp_path: Path) -> None:
    store, clock = SqliteStore(tmp_path / "items.db"), SystemClock()
    release, hanging, paged = threading.Event(), threading.Semaphore(0), threading.Event()

    def handle(task: Task) -> Step:
        if task.item.lane is Lane.BULK:
            hanging.release()
            release.wait(30)
        else:
            paged.set()
        return done(task)

    store.add(*(job(f"bulk-{n}", Lane.BULK) for n in range(60)))
    running = Running(Worker(store, Registry([Duty("job", handle)]), clock, threads=4))
    assert hanging.acquire(timeout=5)
    assert hanging.acquire(timeout=5)
    before = clock.now()
    store.add(job("page", Lane.INCIDENT, clock.now()))
    assert paged.wait(5)
    assert clock.now() - before < SECOND
    release.set()
    running.stop()
    store.close()


def test_a_worker_that_is_told_to_stop_finishes_what_it_began_and_gives_the_rest_back(tmp_path: Path) -> None:
    store, clock = SqliteStore(tmp_path / "items.db"), SystemClock()
    began, release = threading.Semaphore(0), threading.Event()

    def handle(task: Task) -> Step:
        began.release()
        release.wait(30)
        return done(task)

    def pages() -> list[Item]:
        return [stored(store, f"page-{n}") for n in range(10)]

    def given_back() -> list[Item]:
        return [item for item in pages() if item.state == {} and item.due_at and item.due_at <= clock.now()]

    store.add(*(job(f"page-{n}", Lane.INCIDENT, clock.now()) for n in range(10)))
    running = Running(Worker(store, Registry([Duty("job", handle)]), clock, threads=2))
    assert began.acquire(timeout=5)
    assert began.acquire(timeout=5)
    running.worker.stop()
    assert eventually(lambda: len(given_back()) == 8)
    release.set()
    running.stop()
    finished_items = [item for item in pages() if item.state == {"done": True}]
    assert running.ended_well == [True]
    assert len(finished_items) == 2
    assert all(item.attempts == 0 for item in given_back())
    store.close()


def test_a_worker_does_not_wait_for_a_send_that_hangs_and_its_lease_brings_it_back(tmp_path: Path) -> None:
    store, clock = SqliteStore(tmp_path / "items.db"), SystemClock()
    began, release = threading.Event(), threading.Event()

    def hang(task: Task) -> Step:
        began.set()
        release.wait(30)
        return done(task)

    store.add(job("page", Lane.INCIDENT, clock.now()))
    worker = Worker(store, Registry([Duty("job", hang)]), clock, threads=1)
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(worker.run(grace=timedelta(milliseconds=50))))
    thread.start()
    assert began.wait(5)
    worker.stop()
    thread.join(5)
    assert ended == [False]
    due = stored(store, "page").due_at
    assert due is not None
    assert due > clock.now()
    release.set()
    assert eventually(lambda: stored(store, "page").due_at is None)
    store.close()


def test_a_worker_hears_at_once_of_work_that_its_own_handlers_make_due(tmp_path: Path) -> None:
    store, clock, steps = SqliteStore(tmp_path / "items.db"), SystemClock(), 20
    finished_all = threading.Event()

    def count_down(task: Task) -> Step:
        left = steps if "left" not in task.item.state else int(str(task.item.state["left"])) - 1
        if left:
            return Step(waiting(task.item, task.now, {"left": left}))
        finished_all.set()
        return done(task)

    store.add(job("fan-out", Lane.BULK))
    worker = Worker(store, Registry([Duty("job", count_down)]), clock, threads=4, poll=timedelta(seconds=5))
    running = Running(worker)
    assert finished_all.wait(4), "each step waited for the next poll"
    running.stop()
    store.close()


def test_two_workers_handle_each_item_once(tmp_path: Path) -> None:
    path, clock = tmp_path / "items.db", SystemClock()
    store, lock, handled = SqliteStore(path), threading.Lock(), list[str]()
    everything = threading.Event()

    def handle(task: Task) -> Step:
        with lock:
            handled.append(task.item.id)
            if len(handled) >= 400:
                everything.set()
        return done(task)

    for start in range(0, 400, 100):
        store.add(*(job(f"job-{n}", Lane.BULK) for n in range(start, start + 100)))
    stores = [SqliteStore(path), SqliteStore(path)]
    workers = [Running(Worker(each, Registry([Duty("job", handle)]), clock, threads=4)) for each in stores]
    assert everything.wait(20)
    for running in workers:
        running.stop()
    assert sorted(handled) == sorted(f"job-{n}" for n in range(400))
    for each in (store, *stores):
        each.close()
