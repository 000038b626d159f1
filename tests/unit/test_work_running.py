"""A running worker: real threads, the real clock, no sleeping in the tests themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Self

from service.core.clock import SystemClock
from service.core.enums import Lane
from service.storage import Item
from service.storage.sqlite import SqliteStore
from service.work import (
    Commit,
    HandlerRegistry,
    Task,
    TaskHandler,
    Worker,
    waiting,
)
from tests.unit.work import SECOND, done, job, stored


class Running:
    """A worker in a thread of its own, which ends with the block: a test that fails must not leave it running."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.ended_well: list[bool] = []
        self._thread = threading.Thread(target=lambda: self.ended_well.append(worker.run()))
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.worker.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


def eventually(holds: Callable[[], bool], seconds: float = 30) -> bool:
    """Look until it holds or the time is over."""
    pause, deadline = threading.Event(), SystemClock().now() + timedelta(seconds=seconds)
    while not holds() and SystemClock().now() < deadline:
        pause.wait(0.005)
    return holds()


def test_an_incident_leaves_at_once_although_every_bulk_send_hangs(tmp_path: Path) -> None:
    store, clock = SqliteStore(tmp_path / "items.db"), SystemClock()
    release, hanging, paged = threading.Event(), threading.Semaphore(0), threading.Event()

    def handle(task: Task) -> Commit:
        if task.item.lane is Lane.BULK:
            hanging.release()
            release.wait(30)
        else:
            paged.set()
        return done(task)

    store.add(*(job(f"bulk-{n}", Lane.BULK) for n in range(60)))
    with Running(Worker(store, HandlerRegistry([TaskHandler("job", handle)]), clock, threads=4)):
        assert hanging.acquire(timeout=5)
        assert hanging.acquire(timeout=5)
        before = clock.now()
        store.add(job("page", Lane.INCIDENT, clock.now()))
        assert paged.wait(5)
        assert clock.now() - before < SECOND
        release.set()
    store.close()


def test_a_worker_that_is_told_to_stop_finishes_what_it_began_and_gives_the_rest_back(tmp_path: Path) -> None:
    store, clock = SqliteStore(tmp_path / "items.db"), SystemClock()
    began, release = threading.Semaphore(0), threading.Event()

    def handle(task: Task) -> Commit:
        began.release()
        release.wait(30)
        return done(task)

    def pages() -> list[Item]:
        return [stored(store, f"page-{n}") for n in range(10)]

    def given_back() -> list[Item]:
        return [item for item in pages() if item.state == {} and item.due_at and item.due_at <= clock.now()]

    store.add(*(job(f"page-{n}", Lane.INCIDENT, clock.now()) for n in range(10)))
    with Running(Worker(store, HandlerRegistry([TaskHandler("job", handle)]), clock, threads=2)) as running:
        assert began.acquire(timeout=5)
        assert began.acquire(timeout=5)
        running.worker.stop()
        assert eventually(lambda: len(given_back()) == 8)
        release.set()
    finished_items = [item for item in pages() if item.state == {"done": True}]
    assert running.ended_well == [True]
    assert len(finished_items) == 2
    assert all(item.attempts == 0 for item in given_back())
    store.close()


def test_a_worker_does_not_wait_for_a_send_that_hangs_and_its_lease_brings_it_back(tmp_path: Path) -> None:
    store, clock = SqliteStore(tmp_path / "items.db"), SystemClock()
    began, release = threading.Event(), threading.Event()

    def hang(task: Task) -> Commit:
        began.set()
        release.wait(30)
        return done(task)

    store.add(job("page", Lane.INCIDENT, clock.now()))
    worker = Worker(store, HandlerRegistry([TaskHandler("job", hang)]), clock, threads=1)
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

    def count_down(task: Task) -> Commit:
        left = steps if "left" not in task.item.state else int(str(task.item.state["left"])) - 1
        if left:
            return Commit(waiting(task.item, task.now, {"left": left}))
        finished_all.set()
        return done(task)

    store.add(job("fan-out", Lane.BULK))
    worker = Worker(
        store, HandlerRegistry([TaskHandler("job", count_down)]), clock, threads=4, poll=timedelta(seconds=5)
    )
    with Running(worker):
        assert finished_all.wait(4), "each step waited for the next poll"
    store.close()


def test_of_a_lane_one_computes_at_a_time_and_no_lane_waits_for_another(tmp_path: Path) -> None:
    store, clock, free = SqliteStore(tmp_path / "items.db"), SystemClock(), threading.Lock()
    began, release, everything = threading.Semaphore(0), threading.Event(), threading.Semaphore(0)
    paged, overlaps = threading.Event(), list[str]()

    def compute(task: Task) -> Commit:
        if task.item.lane is Lane.INCIDENT:
            paged.set()
            return done(task)
        if not free.acquire(blocking=False):
            overlaps.append(task.item.id)
            return done(task)
        began.release()
        release.wait(30)
        free.release()
        everything.release()
        return done(task)

    store.add(*(job(f"bulk-{n}", Lane.BULK) for n in range(6)))
    duty = TaskHandler("job", compute, computes=lambda _: True)
    with Running(Worker(store, HandlerRegistry([duty]), clock, threads=4)):
        assert began.acquire(timeout=5)
        store.add(job("page", Lane.INCIDENT, clock.now()))
        assert paged.wait(5)
        release.set()
        assert all(everything.acquire(timeout=5) for _ in range(6))
    assert overlaps == []
    store.close()


def test_what_does_not_compute_is_handled_side_by_side(tmp_path: Path) -> None:
    store, together = SqliteStore(tmp_path / "items.db"), threading.Barrier(2)

    def handle(task: Task) -> Commit:
        together.wait(5)
        return done(task)

    store.add(job("computes", Lane.BULK), job("waits", Lane.BULK))
    duty = TaskHandler("job", handle, computes=lambda item: item.id == "computes")
    with Running(Worker(store, HandlerRegistry([duty]), SystemClock(), threads=4)):
        assert eventually(lambda: all(stored(store, name).state == {"done": True} for name in ("computes", "waits")))
    store.close()


def test_a_worker_looks_at_the_instant_that_its_own_work_comes_due(tmp_path: Path) -> None:
    store, clock, looks = SqliteStore(tmp_path / "items.db"), SystemClock(), threading.Semaphore(0)

    def look_again(task: Task) -> Commit:
        looks.release()
        return Commit(waiting(task.item, task.now + timedelta(milliseconds=20)))

    store.add(job("unfinished", Lane.BULK))
    worker = Worker(
        store, HandlerRegistry([TaskHandler("job", look_again)]), clock, threads=4, poll=timedelta(seconds=5)
    )
    with Running(worker):
        assert all(looks.acquire(timeout=4) for _ in range(10)), "each look waited for the next poll"
    store.close()


def test_two_workers_handle_each_item_once(tmp_path: Path) -> None:
    path, clock = tmp_path / "items.db", SystemClock()
    store, lock, handled = SqliteStore(path), threading.Lock(), list[str]()
    everything = threading.Event()

    def handle(task: Task) -> Commit:
        with lock:
            handled.append(task.item.id)
            if len(handled) >= 400:
                everything.set()
        return done(task)

    for start in range(0, 400, 100):
        store.add(*(job(f"job-{n}", Lane.BULK) for n in range(start, start + 100)))
    stores = [SqliteStore(path), SqliteStore(path)]
    first, second = (Worker(each, HandlerRegistry([TaskHandler("job", handle)]), clock, threads=4) for each in stores)
    with Running(first), Running(second):
        assert everything.wait(20)
    assert sorted(handled) == sorted(f"job-{n}" for n in range(400))
    for each in (store, *stores):
        each.close()
