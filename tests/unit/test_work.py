"""The worker: what is due is handled once, urgent first; failures are tried again, then explained and redriven."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec import structs

from service.core.clock import HandClock
from service.core.enums import Lane
from service.core.errors import Unavailable
from service.storage import Item
from service.storage.sqlite import SqliteStore
from service.work import (
    A_HAND_OVER,
    FOR_EVER,
    POLICIES,
    Commit,
    HandlerRegistry,
    NotDead,
    Permanent,
    RetryLater,
    Task,
    TaskHandler,
    Worker,
    all_dead_items,
    finished,
    postponed,
    redrive,
    waiting,
)
from service.work.lanes import QUICK
from tests.unit.work import NOON, SECOND, done, fails, job, stored, working


@pytest.fixture
def worker_for(store: SqliteStore, clock: HandClock) -> Iterator[Callable[..., Worker]]:
    """Makes workers that handle items of kind `job`, one at a time, and that wait without chance."""
    with ExitStack() as made:
        yield lambda handle, *more: made.enter_context(working(store, clock, TaskHandler("job", handle), *more))


def test_what_is_due_is_handled_once_and_stays_as_the_record(
    store: SqliteStore, worker_for: Callable[..., Worker]
) -> None:
    store.add(job("a"), job("later", due=NOON + SECOND))
    worker = worker_for(done)
    assert worker.run_due() == 1
    assert worker.run_due() == 0
    assert stored(store, "a").state == {"done": True}
    assert stored(store, "later").state == {}


def test_a_timer_fires_when_the_clock_reaches_it_and_not_before(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    store.add(job("timer", due=NOON + 40 * SECOND))
    worker = worker_for(done)
    clock.advance(39 * SECOND)
    assert worker.run_due() == 0
    clock.advance(SECOND)
    assert worker.run_due() == 1


def test_children_are_handled_in_the_same_run_and_made_once_however_often_they_are_made(
    store: SqliteStore, worker_for: Callable[..., Worker]
) -> None:
    handled: list[str] = []

    def expand(task: Task) -> Commit:
        return Commit(finished(task.item), spawn=[job("child-1"), job("child-2")])

    def handle(task: Task) -> Commit:
        handled.append(task.item.id)
        return done(task)

    parents = [structs.replace(job(name), kind="parent") for name in ("p", "q")]
    store.add(*parents)
    worker_for(handle, TaskHandler("parent", expand)).run_due()
    assert sorted(handled) == ["child-1", "child-2"]


def test_an_incident_is_handled_before_everything_else_that_is_due(
    store: SqliteStore, worker_for: Callable[..., Worker]
) -> None:
    order: list[str] = []

    def handle(task: Task) -> Commit:
        order.append(task.item.id)
        if task.item.id == "bulk-1":
            store.add(job("incident-late", Lane.INCIDENT))
        return done(task)

    store.add(*(job(f"bulk-{n}", Lane.BULK) for n in range(5)))
    store.add(job("incident", Lane.INCIDENT), job("letter"))
    worker_for(handle).run_due()
    assert order[:2] == ["incident", "letter"]
    assert order.index("incident-late") == order.index("bulk-1") + 1


@pytest.mark.parametrize(("takes", "most"), [(timedelta(0), 1 + POLICIES[Lane.BULK].ahead), (QUICK * 2, 1)])
def test_items_are_claimed_ahead_only_while_they_are_quick(
    store: SqliteStore, clock: HandClock, takes: timedelta, most: int
) -> None:
    names = [f"bulk-{n}" for n in range(60)]
    store.add(*(job(name, Lane.BULK) for name in names))
    in_hand: list[int] = []

    def handle(task: Task) -> Commit:
        in_hand.append(sum(item.attempts == 1 for item in store.get_many(names).values()))
        clock.advance(takes)
        return done(task)

    worker = Worker(store, HandlerRegistry([TaskHandler("job", handle)]), clock, threads=1)
    assert worker.run_due() == len(names)
    worker.close()
    assert max(in_hand) == most


def test_a_failure_of_the_moment_is_tried_again_after_a_wait_that_doubles(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    store.add(job("a"))
    worker = worker_for(fails(Unavailable("the provider is down")))
    waits: list[timedelta] = []
    for _ in range(4):
        assert worker.run_due() == 1
        due = stored(store, "a").due_at
        assert due is not None
        waits.append(due - clock.now())
        clock.advance(waits[-1])
    assert waits == [2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND]


def test_a_provider_that_says_when_to_come_back_is_not_asked_sooner(
    store: SqliteStore, worker_for: Callable[..., Worker]
) -> None:
    store.add(job("a"))
    worker_for(fails(RetryLater("throttled", after=timedelta(minutes=3)))).run_due()
    assert stored(store, "a").due_at == NOON + timedelta(minutes=3)


@pytest.mark.parametrize("error", [Unavailable("no answer"), ConnectionResetError("peer"), KeyError("first_name")])
def test_what_keeps_failing_is_dead_after_the_lanes_attempts_and_says_why(
    error: Exception, store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    store.add(job("a"))
    worker = worker_for(fails(error))
    attempts = 0
    while worker.run_due():
        attempts += 1
        clock.advance(timedelta(hours=1))
    (dead,) = all_dead_items(store)
    assert attempts == POLICIES[Lane.TRANSACTIONAL].max_attempts == dead.attempts
    assert (dead.id, dead.kind, dead.lane) == ("a", "job", Lane.TRANSACTIONAL)
    assert str(error) in dead.why
    assert stored(store, "a").due_at is None


def test_what_can_never_succeed_is_dead_at_once(store: SqliteStore, worker_for: Callable[..., Worker]) -> None:
    store.add(job("a"))
    worker = worker_for(fails(Permanent("the template is gone: restore templates/welcome")))
    assert worker.run_due() == 1
    (dead,) = all_dead_items(store)
    assert dead.why.startswith("the template is gone: restore templates/welcome")


def test_a_dead_item_that_is_redriven_is_handled_with_fresh_attempts_and_is_no_longer_listed(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    store.add(job("a"))
    worker_for(fails(Permanent("broken"))).run_due()
    clock.advance(timedelta(hours=2))
    redrive(store, "a", clock.now())
    assert stored(store, "a").attempts == 0
    assert worker_for(done).run_due() == 1
    assert list(all_dead_items(store)) == []
    assert stored(store, "a").state == {"done": True}


@pytest.mark.parametrize("item_id", ["nobody", "alive"])
def test_only_a_dead_item_can_be_redriven(item_id: str, store: SqliteStore) -> None:
    store.add(job("alive"))
    with pytest.raises(NotDead, match="tocsin dead list"):
        redrive(store, item_id, NOON)


def test_a_kind_says_what_else_happens_when_its_item_dies(
    store: SqliteStore, worker_for: Callable[..., Worker]
) -> None:
    def burial(item: Item, why: str) -> Commit:
        return Commit(structs.replace(item, state={"status": "failed"}), spawn=[Item("told", "letter", {"why": why})])

    store.add(structs.replace(job("a"), kind="delivery"))
    worker_for(done, TaskHandler("delivery", fails(Permanent("no such phone")), burial)).run_due()
    assert stored(store, "a").state["status"] == "failed"
    assert "no such phone" in str(stored(store, "told").state["why"])


def test_a_kind_says_it_too_when_its_handler_has_a_fault_at_every_attempt(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    def burial(item: Item, why: str) -> Commit:
        return Commit(item, spawn=[Item("told", "letter", {"why": why})])

    store.add(structs.replace(job("a"), kind="delivery"))
    worker = worker_for(done, TaskHandler("delivery", fails(ZeroDivisionError()), burial))
    for _ in range(20):
        worker.run_due()
        clock.advance(timedelta(hours=2))
    assert store.get("told") is not None
    assert [item.id for item in all_dead_items(store)] == ["a"]


def test_an_item_dies_although_its_burial_has_a_fault_as_well(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    def burial(item: Item, why: str) -> Commit:
        raise ZeroDivisionError

    store.add(structs.replace(job("a"), kind="delivery"), job("b"))
    worker = worker_for(done, TaskHandler("delivery", fails(ZeroDivisionError()), burial))
    for _ in range(20):
        worker.run_due()
        clock.advance(timedelta(hours=2))
    assert [item.id for item in all_dead_items(store)] == ["a"]
    assert stored(store, "b").state == {"done": True}


def lives_on(handle: Callable[[Task], Commit], span: timedelta) -> TaskHandler:
    return TaskHandler("timer", handle, tried_on_for=span)


def timer(name: str = "a") -> Item:
    return structs.replace(job(name, Lane.INCIDENT), kind="timer")


@pytest.mark.parametrize("error", [ZeroDivisionError(), Permanent("the roster is gone")])
def test_dead_work_of_a_kind_that_somebody_waits_for_is_tried_on_ever_more_seldom_until_it_succeeds(
    error: Exception, store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    tried: list[timedelta] = []

    def handle(task: Task) -> Commit:
        tried.append(clock.now() - NOON)
        if len(tried) < 30:
            raise error
        return Commit(waiting(task.item, NOON + timedelta(days=1), {"page": 2}))

    store.add(timer())
    worker = worker_for(done, lives_on(handle, FOR_EVER))
    while len(tried) < 29:
        worker.run_due()
        clock.advance(10 * SECOND)
    (dead,) = all_dead_items(store)
    assert dead.next_try is not None
    assert dead.since < NOON + timedelta(minutes=5)
    waits = [later - former for former, later in pairwise(tried)]
    assert max(waits) <= timedelta(minutes=10, seconds=10)
    assert waits[-1] >= timedelta(minutes=10), "it is tried as often as on the first day"
    clock.advance(timedelta(minutes=10))
    worker.run_due()
    assert list(all_dead_items(store)) == []
    alive = stored(store, "a")
    assert (alive.state, alive.keys, alive.attempts) == ({"page": 2}, {}, 0)


def test_dead_work_is_tried_on_no_longer_than_its_kind_says(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    store.add(timer())
    worker = worker_for(done, lives_on(fails(ZeroDivisionError()), timedelta(hours=1)))
    for _ in range(100):
        worker.run_due()
        clock.advance(timedelta(minutes=1))
    assert [item.next_try for item in all_dead_items(store)] == [None]


def test_dead_work_that_an_earlier_release_gave_up_is_tried_on_from_the_next_start(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    store.add(timer("a"), timer("b"))
    worker_for(done, lives_on(fails(Permanent("gone")), timedelta(0))).run_due()
    clock.advance(timedelta(hours=2))
    worker = worker_for(done, lives_on(done, timedelta(hours=3)))
    assert worker.run_due() == 0
    worker.wake()
    assert worker.run_due() == 2
    assert list(all_dead_items(store)) == []
    short = worker_for(done, lives_on(done, timedelta(hours=1)))
    store.add(timer("c"))
    worker_for(done, lives_on(fails(Permanent("gone")), timedelta(0))).run_due()
    clock.advance(timedelta(hours=2))
    short.wake()
    assert short.run_due() == 0, "it is too old"


def test_work_that_ends_its_worker_is_begun_once_between_long_waits(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    policy = POLICIES[Lane.INCIDENT]
    store.add(timer())
    worker = worker_for(done, lives_on(fails(ZeroDivisionError()), FOR_EVER))
    while not list(all_dead_items(store)):
        worker.run_due()
        clock.advance(30 * SECOND)
    clock.advance(timedelta(minutes=10))
    assert store.claim(Lane.INCIDENT, clock.now(), policy.lease, 1)  # and the worker is ended here
    clock.advance(policy.lease)
    assert worker.run_due() == 1
    (dead,) = all_dead_items(store)
    assert "never finished" in dead.why
    assert dead.next_try is not None
    assert dead.next_try >= clock.now() + 30 * SECOND


def test_one_failing_item_touches_no_other(store: SqliteStore, worker_for: Callable[..., Worker]) -> None:
    def handle(task: Task) -> Commit:
        if task.item.id == "bad":
            raise ZeroDivisionError
        return done(task)

    store.add(job("a"), job("bad"), job("z"))
    worker_for(handle).run_due()
    assert stored(store, "a").state == stored(store, "z").state == {"done": True}
    assert stored(store, "bad").due_at is not None


def test_a_fault_is_logged_by_place_without_the_data_it_mentions(
    store: SqliteStore, worker_for: Callable[..., Worker], caplog: pytest.LogCaptureFixture
) -> None:
    store.add(job("a"))
    with caplog.at_level(logging.DEBUG):
        worker_for(fails(KeyError("+447700900123"))).run_due()
    assert "Item a met a fault of the program: KeyError in handle" in caplog.text
    assert "+447700900123" not in caplog.text


def test_an_item_whose_worker_died_comes_back_when_its_lease_ends(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    lease = POLICIES[Lane.INCIDENT].lease
    store.add(job("page", Lane.INCIDENT))
    store.claim(Lane.INCIDENT, clock.now(), lease, 1)  # and this worker is killed here
    worker = worker_for(done)
    clock.advance(lease - SECOND)
    assert worker.run_due() == 0
    clock.advance(SECOND)
    assert worker.run_due() == 1


def test_no_send_is_begun_whose_lease_could_end_before_it_does(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    policy, items = POLICIES[Lane.INCIDENT], POLICIES[Lane.INCIDENT].max_attempts + 2
    left: list[timedelta] = []

    def slow(task: Task) -> Commit:
        assert task.item.due_at is not None
        left.append(task.item.due_at - clock.now())
        clock.advance(policy.lease)  # a carrier that takes its time, while the others wait for a thread
        return done(task)

    store.add(*(job(f"page-{n}", Lane.INCIDENT) for n in range(items)))
    worker_for(slow).run_due()
    assert len(left) == items
    assert min(left) >= A_HAND_OVER
    assert list(all_dead_items(store)) == [], "waiting for a thread was counted as a failed attempt"


def test_an_item_that_kills_every_worker_is_dead_without_being_begun_again(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    policy = POLICIES[Lane.BULK]
    store.add(job("poison", Lane.BULK))
    for _ in range(policy.max_attempts):
        assert store.claim(Lane.BULK, clock.now(), policy.lease, 1)
        clock.advance(policy.lease)
    begun: list[str] = []

    def handle(task: Task) -> Commit:
        begun.append(task.item.id)
        return done(task)

    worker_for(handle).run_due()
    (dead,) = all_dead_items(store)
    assert begun == []
    assert "never finished" in dead.why


def test_a_reply_that_wins_over_the_timer_is_not_overwritten(
    store: SqliteStore, worker_for: Callable[..., Worker]
) -> None:
    def escalate(task: Task) -> Commit:
        reply = stored(store, "incident")
        store.save(structs.replace(reply, state={"state": "acknowledged"}, due_at=None))
        return Commit(waiting(task.item, NOON + 40 * SECOND, {"state": "escalated"}))

    store.add(job("incident", Lane.INCIDENT))
    worker_for(escalate).run_due()
    assert stored(store, "incident").state == {"state": "acknowledged"}
    assert stored(store, "incident").due_at is None


def test_a_send_is_marked_before_it_is_made_and_a_failure_after_it_keeps_the_mark(
    store: SqliteStore, worker_for: Callable[..., Worker]
) -> None:
    seen: list[object] = []

    def send(task: Task) -> Commit:
        task.checkpoint(structs.replace(task.item, state={"status": "sending"}))
        seen.append(stored(store, "a").state)
        raise ConnectionResetError

    store.add(job("a"))
    worker_for(send).run_due()
    assert seen == [{"status": "sending"}]
    assert stored(store, "a").state == {"status": "sending"}
    assert stored(store, "a").due_at == NOON + 2 * SECOND


def test_waiting_for_ones_turn_is_no_failed_attempt(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    store.add(job("a"))
    worker = worker_for(lambda task: Commit(postponed(task.item, task.now + SECOND)))
    for _ in range(3 * POLICIES[Lane.TRANSACTIONAL].max_attempts):
        assert worker.run_due() == 1
        clock.advance(SECOND)
    assert list(all_dead_items(store)) == []


def test_a_kind_that_nobody_handles_waits_for_a_worker_that_does(
    store: SqliteStore, clock: HandClock, worker_for: Callable[..., Worker]
) -> None:
    store.add(structs.replace(job("a"), kind="of-the-next-release"))
    worker_for(done).run_due()
    clock.advance(timedelta(minutes=1))
    assert worker_for(done, TaskHandler("of-the-next-release", done)).run_due() == 1
