"""Steps of one item that are due at once are taken one after the other; it stays in its worker's hands meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from service.core.clock import HandClock
from service.core.enums import Lane
from service.storage import Item
from service.storage.sqlite import SqliteStore
from service.work import POLICIES, Commit, Permanent, RetryLater, Task, TaskHandler, all_dead_items, finished, waiting
from service.work.worker import STEPS
from tests.unit.work import NOON, SECOND, Handle, job, stored, working


class Claims(SqliteStore):
    """A store that knows how many items were claimed."""

    def __init__(self, path: Path, clock: HandClock) -> None:
        super().__init__(path, clock)
        self.number = 0

    def claim(self, lane: Lane, now: datetime, lease: timedelta, limit: int) -> Sequence[Item]:
        """Claim, and count."""
        claimed = super().claim(lane, now, lease, limit)
        self.number += len(claimed)
        return claimed


@pytest.fixture
def claims(tmp_path: Path, clock: HandClock) -> Claims:
    return Claims(tmp_path / "items.db", clock)


def counts_to(last: int, *, seen: list[tuple[int, int]] | None = None) -> Handle:
    """A step for each number; `seen` gets the number and the attempts of each."""

    def handle(task: Task) -> Commit:
        number = int(str(task.item.state.get("n", 0))) + 1
        if seen is not None:
            seen.append((number, task.item.attempts))
        state = {"n": number}
        return Commit(finished(task.item, state) if number == last else waiting(task.item, task.now, state))

    return handle


def run_due(store: SqliteStore, clock: HandClock, handle: Handle) -> int:
    with working(store, clock, TaskHandler("job", handle)) as worker:
        return worker.run_due()


def test_steps_that_are_due_at_once_need_one_claim_and_each_counts_as_a_first_attempt(
    claims: Claims, clock: HandClock
) -> None:
    claims.add(job("a"))
    seen: list[tuple[int, int]] = []
    run_due(claims, clock, counts_to(5, seen=seen))
    assert seen == [(n, 1) for n in range(1, 6)]
    assert (stored(claims, "a").state, claims.number) == ({"n": 5}, 1)


def test_a_step_for_later_is_not_taken_now(claims: Claims, clock: HandClock) -> None:
    claims.add(job("a"))
    run_due(claims, clock, lambda task: Commit(waiting(task.item, task.now + SECOND, {"n": 1})))
    assert stored(claims, "a").due_at == NOON + SECOND


def test_after_some_steps_others_have_their_turn(claims: Claims, clock: HandClock) -> None:
    claims.add(job("a"), job("b"))
    seen: list[tuple[int, int]] = []
    count = counts_to(STEPS + 1, seen=seen)

    def handle(task: Task) -> Commit:
        clock.advance(timedelta(milliseconds=1))
        return count(task)

    run_due(claims, clock, handle)
    assert claims.number == 4
    assert [number for number, _ in seen][: STEPS + 1] == [*range(1, STEPS + 1), 1]


def test_each_step_is_committed_with_its_children_before_the_next_is_taken(claims: Claims, clock: HandClock) -> None:
    def handle(task: Task) -> Commit:
        if task.item.state.get("n") == 1:
            assert stored(claims, "child").state == {}
            raise Permanent("the second step fails")
        return Commit(waiting(task.item, task.now, {"n": 1}), spawn=[Item("child", "other", {})])

    claims.add(job("a"))
    run_due(claims, clock, handle)
    (dead,) = all_dead_items(claims)
    assert (dead.id, stored(claims, "a").state["n"]) == ("a", 1)


def test_a_later_step_that_fails_is_tried_again_from_there(claims: Claims, clock: HandClock) -> None:
    failing = [True]

    def handle(task: Task) -> Commit:
        if task.item.state.get("n") == 1 and failing:
            failing.clear()
            raise RetryLater("not now")
        return counts_to(3)(task)

    claims.add(job("a"))
    run_due(claims, clock, handle)
    assert (stored(claims, "a").state, stored(claims, "a").attempts) == ({"n": 1}, 1)
    clock.advance(POLICIES[Lane.TRANSACTIONAL].lease)
    run_due(claims, clock, handle)
    assert stored(claims, "a").state == {"n": 3}


def test_an_item_that_somebody_takes_over_between_two_steps_is_left_to_them(claims: Claims, clock: HandClock) -> None:
    def handle(task: Task) -> Commit:
        if task.item.state.get("n") == 1:
            claims.save(structs.replace(stored(claims, "a"), state={"theirs": True}, due_at=None))
        return counts_to(3)(task)

    claims.add(job("a"))
    run_due(claims, clock, handle)
    assert stored(claims, "a").state == {"theirs": True}


def test_an_item_that_changes_its_lane_is_claimed_there(claims: Claims, clock: HandClock) -> None:
    def handle(task: Task) -> Commit:
        step = counts_to(2)(task)
        return replace(step, item=structs.replace(step.item, lane=Lane.BULK))

    claims.add(job("a"))
    run_due(claims, clock, handle)
    assert (stored(claims, "a").state, claims.number) == ({"n": 2}, 2)
