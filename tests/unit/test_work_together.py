"""Items that are handled together share a commit, and nothing else: what becomes of one touches no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from service.core.clock import HandClock
from service.core.enums import Lane
from service.core.errors import Unavailable
from service.storage import MAX_WRITES, AuditEntry, Item
from service.storage.sqlite import SqliteStore
from service.work import (
    A_HAND_OVER,
    POLICIES,
    BatchHandler,
    Commit,
    Permanent,
    RetryLater,
    Task,
    TaskHandler,
    joined,
    postponed,
)
from service.work.registry import TOGETHER
from tests.unit.work import NOON, SECOND, Handle, done, job, stored, working


class Commits(SqliteStore):
    """A store that knows how many changes each save was asked to make."""

    def __init__(self, path: Path, clock: HandClock) -> None:
        super().__init__(path, clock)
        self.sizes: list[int] = []

    def save(self, item: Item, *others: Item, **more: object) -> Item:
        """Save, and remember."""
        self.sizes.append(1 + len(others))
        return super().save(item, *others, **more)  # type: ignore[arg-type]  # handed on as it came


@pytest.fixture
def commits(tmp_path: Path, clock: HandClock) -> Commits:
    return Commits(tmp_path / "items.db", clock)


def each(handle: Handle) -> BatchHandler:
    return lambda tasks: joined([handle(task) for task in tasks])


def run_due(store: SqliteStore, clock: HandClock, handle: Handle, together: BatchHandler | None = None) -> int:
    with working(store, clock, TaskHandler("job", handle, together=together or each(handle))) as worker:
        return worker.run_due()


def timers(number: int) -> Sequence[Item]:
    return [job(f"timer-{n:03d}", Lane.INCIDENT) for n in range(number)]


def states(store: SqliteStore, items: Sequence[Item]) -> list[Mapping[str, object]]:
    return [stored(store, item.id).state for item in items]


def test_what_is_due_together_is_committed_together(commits: Commits, clock: HandClock) -> None:
    due = timers(2 * TOGETHER + 1)
    commits.add(*due)
    assert run_due(commits, clock, done) == len(due)
    assert sorted(commits.sizes) == [1, TOGETHER, TOGETHER]
    assert states(commits, due) == [{"done": True}] * len(due)


def test_children_and_audit_of_every_item_are_committed(store: SqliteStore, clock: HandClock) -> None:
    def page(task: Task) -> Commit:
        name = task.item.id
        entry = AuditEntry(f"audit-of-{name}", name, "incident", NOON, "app", "{}")
        return replace(done(task), spawn=[Item(f"page-of-{name}", "page", {})], audit=[entry])

    due = timers(TOGETHER)
    store.add(*due)
    run_due(store, clock, page)
    assert all(store.get(f"page-of-{item.id}") and store.audit_entry(f"audit-of-{item.id}") for item in due)


def test_one_that_always_fails_is_found_and_the_others_are_done_at_once(
    commits: Commits, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    def handle(task: Task) -> Commit:
        if task.item.id == "timer-005":
            raise KeyError("+447700900123")
        return done(task)

    due = timers(TOGETHER)
    commits.add(*due)
    with caplog.at_level(logging.WARNING):
        run_due(commits, clock, handle)
    finished = [item.id for item in due if stored(commits, item.id).state == {"done": True}]
    assert len(finished) == TOGETHER - 1
    assert "timer-005" not in finished
    assert stored(commits, "timer-005").due_at == NOON + SECOND
    assert f"{TOGETHER} items (job) are handled apart: KeyError in handle" in caplog.text
    assert "+447700900123" not in caplog.text
    assert len(commits.sizes) < TOGETHER, "by halves, not all one by one"


def test_a_reply_that_wins_over_one_timer_is_kept_and_holds_no_other_back(store: SqliteStore, clock: HandClock) -> None:
    answered = [False]

    def handle(task: Task) -> Commit:
        if not answered[0]:
            answered[0] = True
            reply = stored(store, "timer-003")
            store.save(structs.replace(reply, state={"state": "acknowledged"}, due_at=None))
        return done(task)

    due = timers(TOGETHER)
    store.add(*due)
    run_due(store, clock, handle)
    assert states(store, due) == [
        {"state": "acknowledged"} if item.id == "timer-003" else {"done": True} for item in due
    ]


def test_more_than_a_commit_holds_is_committed_in_parts(commits: Commits, clock: HandClock) -> None:
    def page(task: Task) -> Commit:
        pages = [Item(f"{task.item.id}-page-{n}", "page", {}) for n in range(MAX_WRITES // 5)]
        return replace(done(task), spawn=pages)

    due = timers(TOGETHER)
    commits.add(*due)
    run_due(commits, clock, page)
    assert states(commits, due) == [{"done": True}] * TOGETHER
    assert stored(commits, f"timer-{TOGETHER - 1:03d}-page-{MAX_WRITES // 5 - 1}").kind == "page"


def test_two_that_write_the_same_item_both_get_their_turn(store: SqliteStore, clock: HandClock) -> None:
    def count(task: Task) -> Commit:
        counter = stored(store, "counter")
        counted = structs.replace(counter, state={"count": int(str(counter.state["count"])) + 1})
        return replace(done(task), others=[counted])

    store.add(Item("counter", "counter", {"count": 0}), *timers(TOGETHER))
    run_due(store, clock, count)
    assert stored(store, "counter").state == {"count": TOGETHER}


def test_one_that_was_begun_before_is_handled_apart(commits: Commits, clock: HandClock) -> None:
    commits.add(*timers(TOGETHER))
    lease = POLICIES[Lane.INCIDENT].lease
    commits.claim(Lane.INCIDENT, clock.now(), lease, TOGETHER)  # and this worker dies, perhaps of one of them
    clock.advance(lease)
    run_due(commits, clock, done)
    assert commits.sizes == [1] * TOGETHER


def test_no_batch_is_begun_whose_lease_could_end_before_it_does(store: SqliteStore, clock: HandClock) -> None:
    policy, left = POLICIES[Lane.INCIDENT], list[timedelta]()

    def slow(tasks: Sequence[Task]) -> Commit:
        left.extend(task.item.due_at - clock.now() for task in tasks if task.item.due_at is not None)
        clock.advance(policy.lease)  # while the other batches wait for a thread
        return joined([done(task) for task in tasks])

    due = timers(4 * TOGETHER)
    store.add(*due)
    run_due(store, clock, done, slow)
    assert states(store, due) == [{"done": True}] * len(due)
    assert len(left) == len(due)
    assert min(left) >= A_HAND_OVER


Behaviour = Callable[[Task], Commit]


def _raise(error: Exception) -> Behaviour:
    def handle(task: Task) -> Commit:
        raise error

    return handle


BEHAVIOURS: Mapping[str, Behaviour] = {
    "done": done,
    "later": lambda task: Commit(postponed(task.item, task.now + timedelta(seconds=7))),
    "children": lambda task: replace(done(task), spawn=[Item(f"{task.item.id}-{n}", "page", {}) for n in range(40)]),
    "broken": _raise(Permanent("it is broken")),
    "down": _raise(Unavailable("the provider is down")),
    "throttled": _raise(RetryLater("slower", timedelta(minutes=1))),
    "fault": _raise(ZeroDivisionError()),
}


@given(st.lists(st.sampled_from(sorted(BEHAVIOURS)), max_size=3 * TOGETHER))
@settings(deadline=None, max_examples=40)
def test_whatever_becomes_of_items_one_by_one_becomes_of_them_together(behaviours: Sequence[str]) -> None:
    due = [
        structs.replace(job(f"timer-{n:03d}", Lane.INCIDENT), state={"does": does}) for n, does in enumerate(behaviours)
    ]

    def handle(task: Task) -> Commit:
        return BEHAVIOURS[str(task.item.state["does"])](task)

    def left_by(together: BatchHandler | None) -> list[Item | None]:
        with TemporaryDirectory() as folder:
            clock = HandClock(NOON)
            store = SqliteStore(Path(folder) / "items.db", clock)
            for item in due:
                store.add(item)
            with working(store, clock, TaskHandler("job", handle, together=together)) as worker:
                worker.run_due()
            left = [store.get(name) for item in due for name in (item.id, f"{item.id}-39")]
            store.close()
        return [None if item is None else structs.replace(item, version=0) for item in left]

    assert left_by(each(handle)) == left_by(None)
