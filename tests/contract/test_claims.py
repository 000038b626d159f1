"""Work: who gets a due item, when, and what becomes of it when its worker is gone."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from msgspec import structs

from service.core.clock import HandClock
from service.core.enums import Lane
from service.storage import Conflict, Item, Store
from tests.contract.conftest import ADAPTERS, OVERDUE, Open, stored

LEASE = timedelta(seconds=30)
BULK = Lane.BULK


def take(store: Store, clock: HandClock, limit: int = 10, lane: Lane = BULK) -> list[str]:
    """The ids that a worker gets now, after its periodic tasks."""
    store.upkeep(clock.now())
    return [item.id for item in store.claim(lane, clock.now(), LEASE, limit)]


def test_a_due_item_is_claimed_with_a_lease(store: Store, clock: HandClock) -> None:
    item = store.save(Item("a", "k", {"n": 1}, BULK, clock.now(), keys={"of": "x"}))
    claimed = store.claim(BULK, clock.now(), LEASE, 10)
    assert list(claimed) == [structs.replace(item, due_at=clock.now() + LEASE, attempts=1, version=item.version + 1)]
    assert stored(store, "a") == claimed[0]


def test_what_is_not_due_or_finished_is_left_alone(store: Store, clock: HandClock) -> None:
    store.add(
        Item("later", "k", {}, BULK, clock.now() + timedelta(microseconds=1)),
        Item("finished", "k", {}, BULK, None),
        Item("next year", "k", {}, BULK, clock.now() + timedelta(days=365)),
    )
    assert take(store, clock) == []


def test_a_timer_comes_due(store: Store, clock: HandClock) -> None:
    store.add(Item("soon", "k", {}, BULK, clock.now() + timedelta(seconds=40)))
    store.add(Item("in days", "k", {}, BULK, clock.now() + timedelta(days=3)))
    clock.advance(timedelta(seconds=40) + OVERDUE)
    assert take(store, clock) == ["soon"]
    clock.advance(timedelta(days=3))
    assert sorted(take(store, clock)) == ["in days", "soon"]  # the worker that had `soon` never came back


def test_lanes_are_claimed_apart(store: Store, clock: HandClock) -> None:
    store.add(*(Item(lane.value, "k", {}, lane, clock.now()) for lane in Lane))
    assert [take(store, clock, lane=lane) for lane in Lane] == [["incident"], ["transactional"], ["bulk"]]


def test_an_item_saved_into_another_lane_is_claimed_there_alone(store: Store, clock: HandClock) -> None:
    item = store.save(Item("a", "k", {}, BULK, clock.now()))
    store.save(structs.replace(item, lane=Lane.INCIDENT))
    assert take(store, clock) == []
    assert take(store, clock, lane=Lane.INCIDENT) == ["a"]


def test_a_claim_takes_no_more_than_it_was_asked_for(store: Store, clock: HandClock) -> None:
    store.add(*(Item(f"i{n:02d}", "k", {}, BULK, clock.now()) for n in range(25)))
    assert [len(take(store, clock, limit)) for limit in (0, 1, 11, 50, 50)] == [0, 1, 11, 13, 0]


def test_a_finished_item_stays_as_the_record(store: Store, clock: HandClock) -> None:
    store.add(Item("a", "k", {}, BULK, clock.now()))
    (claimed,) = store.claim(BULK, clock.now(), LEASE, 1)
    done = store.save(structs.replace(claimed, state={"sent": True}, due_at=None))
    clock.advance(timedelta(days=1))
    assert take(store, clock) == []
    assert store.get("a") == done


def test_the_item_of_a_worker_that_died_comes_due_by_itself(store: Store, clock: HandClock) -> None:
    store.add(Item("a", "k", {}, BULK, clock.now()))
    assert take(store, clock) == ["a"]
    clock.advance(LEASE - timedelta(microseconds=1))
    assert take(store, clock) == []
    clock.advance(timedelta(microseconds=1))
    assert take(store, clock) == ["a"]
    assert stored(store, "a").attempts == 2


def test_a_worker_that_lost_its_lease_cannot_save(open_store: Open, clock: HandClock) -> None:
    slow, quick = open_store(), open_store()
    slow.add(Item("a", "k", {}, BULK, clock.now()))
    (late,) = slow.claim(BULK, clock.now(), LEASE, 1)
    clock.advance(LEASE)
    assert take(quick, clock) == ["a"]
    with pytest.raises(Conflict):
        slow.save(structs.replace(late, due_at=None))
    assert stored(slow, "a").due_at == clock.now() + LEASE


def test_a_lease_that_is_renewed_keeps_others_away(open_store: Open, clock: HandClock) -> None:
    mine, other = open_store(), open_store()
    mine.add(Item("a", "k", {}, BULK, clock.now()))
    (claimed,) = mine.claim(BULK, clock.now(), LEASE, 1)
    clock.advance(LEASE / 2)
    renewed = mine.save(structs.replace(claimed, due_at=clock.now() + LEASE))
    clock.advance(LEASE / 2)
    assert take(other, clock) == []
    mine.save(structs.replace(renewed, due_at=None))
    clock.advance(LEASE + OVERDUE)
    assert take(other, clock) == []


def test_what_its_worker_holds_comes_due_when_the_lease_ends(store: Store, clock: HandClock) -> None:
    store.add(Item("a", "k", {}, BULK, clock.now()))
    (claimed,) = store.claim(BULK, clock.now(), LEASE, 1)
    (held,) = store.save_all([structs.replace(claimed, state={"n": 1}, due_at=clock.now() + LEASE)], held=True)
    assert take(store, clock) == []
    clock.advance(LEASE + OVERDUE)
    assert take(store, clock) == ["a"]
    with pytest.raises(Conflict):
        store.save(held)


def test_a_reply_and_a_timer_at_the_same_moment_have_one_winner(open_store: Open, clock: HandClock) -> None:
    worker, web = open_store(), open_store()
    for n in range(10):
        worker.add(Item(f"a{n}", "k", {}, BULK, clock.now()))
        read = stored(web, f"a{n}")
        start = Barrier(2)

        def reply(read: Item = read, start: Barrier = start) -> bool:
            start.wait()
            try:
                web.save(structs.replace(read, state={"answer": "yes"}, due_at=None))
            except Conflict:
                return False
            return True

        def timer(start: Barrier = start) -> bool:
            start.wait()
            return bool(worker.claim(BULK, clock.now(), LEASE, 1))

        with ThreadPoolExecutor(2) as threads:
            replied, fired = threads.submit(reply), threads.submit(timer)
            assert [replied.result(), fired.result()].count(True) == 1
        assert (stored(web, f"a{n}").state == {"answer": "yes"}) == replied.result()


def test_workers_that_claim_at_once_get_each_item_once(open_store: Open, clock: HandClock) -> None:
    open_store().add(*(Item(f"i{n:03d}", "k", {}, BULK, clock.now()) for n in range(90)))
    stores = [open_store() for _ in range(3)]

    def work(store: Store) -> list[str]:
        taken: list[str] = []
        for _ in range(40):
            got = store.claim(BULK, clock.now(), LEASE, 4)
            taken += [item.id for item in got]
        return taken

    with ThreadPoolExecutor(6) as threads:
        taken = [item for part in threads.map(work, stores * 2) for item in part]
    assert Counter(taken) == Counter(f"i{n:03d}" for n in range(90))


def test_of_many_who_save_the_same_version_one_wins(open_store: Open) -> None:
    read = open_store().save(Item("a", "k", {}))
    stores = [open_store() for _ in range(2)]
    start = Barrier(8)

    def save(number: int) -> int | None:
        start.wait()
        try:
            stores[number % 2].save(structs.replace(read, state={"by": number}))
        except Conflict:
            return None
        return number

    with ThreadPoolExecutor(8) as threads:
        winners = [number for number in threads.map(save, range(8)) if number is not None]
    assert [stored(stores[0], "a").state] == [{"by": number} for number in winners]


def test_increments_by_many_threads_are_all_counted(open_store: Open) -> None:
    store = open_store()
    first = store.save(Item("a", "k", {"n": 0}))

    def increment(_: int) -> None:
        while True:
            item = stored(store, "a")
            try:
                store.save(structs.replace(item, state={"n": int(str(item.state["n"])) + 1}))
            except Conflict:
                continue
            return

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(increment, range(30)))
    assert stored(store, "a").state == {"n": 30}
    assert stored(store, "a").version == first.version + 30


@pytest.mark.parametrize("adapter", ADAPTERS[:2], indirect=True)  # a queue promises no order
def test_the_most_overdue_come_first(store: Store, clock: HandClock) -> None:
    due = [clock.now() - timedelta(seconds=n) for n in range(60)]
    random.Random(1).shuffle(due)
    for n, at in enumerate(due):
        store.add(Item(f"i{n:02d}", "k", {}, BULK, at))
    claimed: list[str] = []
    while got := store.claim(BULK, clock.now(), LEASE, 7):
        claimed += [item.id for item in got]
    assert claimed == [f"i{n:02d}" for n in sorted(range(60), key=lambda n: due[n])]


def test_expired_work_does_not_stand_in_the_way(store: Store, clock: HandClock) -> None:
    gone = clock.now() + timedelta(seconds=1)
    for n in range(60):
        store.add(Item(f"gone{n}", "k", {}, BULK, clock.now(), expires_at=gone))
    clock.advance(timedelta(seconds=1))
    store.add(Item("alive", "k", {}, BULK, clock.now()))
    assert take(store, clock) == ["alive"]


def test_the_most_overdue_item_of_a_lane_that_nobody_has_taken_is_told(store: Store, clock: HandClock) -> None:
    began = clock.now()
    assert store.oldest_due(BULK, clock.now()) is None
    store.add(
        Item("later", "k", {}, BULK, began + timedelta(minutes=10)),
        Item("first", "k", {}, BULK, began),
        Item("second", "k", {}, BULK, began + timedelta(seconds=5)),
        Item("done", "k", {}, BULK, None),
        Item("of another lane", "k", {}, Lane.INCIDENT, began - timedelta(minutes=1)),
    )
    clock.advance(timedelta(seconds=60))
    assert store.oldest_due(BULK, clock.now()) == began
    assert store.oldest_due(Lane.INCIDENT, clock.now()) == began - timedelta(minutes=1)
    assert store.oldest_due(Lane.TRANSACTIONAL, clock.now()) is None
    assert take(store, clock, limit=1) == ["first"]
    assert store.oldest_due(BULK, clock.now()) == began + timedelta(seconds=5)
    assert take(store, clock) == ["second"]
    assert store.oldest_due(BULK, clock.now()) is None
    clock.advance(LEASE)
    assert store.oldest_due(BULK, clock.now()) == began + timedelta(seconds=60) + LEASE


def test_an_item_that_upkeep_has_sent_again_and_again_is_as_late_as_it_was(store: Store, clock: HandClock) -> None:
    began = clock.now()
    store.add(Item("late", "k", {}, BULK, began))
    for _ in range(20):
        clock.advance(timedelta(seconds=17))
        store.upkeep(clock.now())
        assert store.oldest_due(BULK, clock.now()) == began
