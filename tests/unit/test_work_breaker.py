"""A provider that keeps failing is left alone and probed once; rates are shared by everybody who sends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.clock import HandClock
from service.storage import Item
from service.storage.sqlite import SqliteStore
from service.work import Commit, HandlerRegistry, Task, TaskHandler, Worker, finished
from service.work.breaker import (
    FIRST_REST,
    LONGEST_REST,
    PROBE_PATIENCE,
    TRIP_AFTER,
    URGENT_REST,
    Breaker,
    CallAllowed,
    CallDenied,
    Closed,
    HalfOpen,
    OpenBreaker,
    admit,
    failed,
    succeeded,
)
from service.work.breakers import FRESH, TELL_EVERY, Breakers
from service.work.rates import Rate, wait_for_slot
from tests.unit.work import NOON, SECOND


@pytest.fixture
def here(store: SqliteStore, clock: HandClock) -> Breakers:
    return Breakers(store, clock)


@pytest.fixture
def there(tmp_path: Path, clock: HandClock) -> Iterator[Breakers]:
    """The same breakers as another process sees them."""
    other = SqliteStore(tmp_path / "items.db", clock)
    yield Breakers(other, clock)
    other.close()


def fail(breakers: Breakers, times: int) -> None:
    for _ in range(times):
        permit = breakers.admit("smtp")
        assert isinstance(permit, CallAllowed)
        breakers.failed("smtp", permit)


def test_failures_in_a_row_open_the_breaker_for_everybody(here: Breakers, there: Breakers) -> None:
    fail(here, TRIP_AFTER - 1)
    assert there.admit("smtp") == CallAllowed()
    fail(there, 1)
    assert here.admit("smtp") == there.admit("smtp") == CallDenied(NOON + FIRST_REST)
    assert here.admit("ses") == CallAllowed()


def test_a_success_in_between_starts_the_count_anew(here: Breakers) -> None:
    fail(here, TRIP_AFTER - 1)
    here.succeeded("smtp", CallAllowed())
    fail(here, TRIP_AFTER - 1)
    assert here.admit("smtp") == CallAllowed()


def test_after_its_rest_one_probe_goes_through_and_its_success_closes_it(
    here: Breakers, there: Breakers, clock: HandClock
) -> None:
    fail(here, TRIP_AFTER)
    clock.advance(FIRST_REST)
    assert there.admit("smtp") == CallAllowed(probe=True)
    assert here.admit("smtp") == CallDenied(clock.now() + PROBE_PATIENCE)
    there.succeeded("smtp", CallAllowed(probe=True))
    assert here.admit("smtp") == CallAllowed()


def test_each_failed_probe_doubles_the_rest_up_to_the_longest(here: Breakers, clock: HandClock) -> None:
    fail(here, TRIP_AFTER)
    rests: list[timedelta] = []
    for _ in range(6):
        verdict = here.admit("smtp")
        assert isinstance(verdict, CallDenied)
        rests.append(verdict.until - clock.now())
        clock.advance(rests[-1])
        fail(here, 1)
    assert rests == [FIRST_REST, 2 * FIRST_REST, 4 * FIRST_REST, 8 * FIRST_REST, LONGEST_REST, LONGEST_REST]


def test_what_is_urgent_probes_sooner_however_long_the_rest_has_become(here: Breakers, clock: HandClock) -> None:
    fail(here, TRIP_AFTER)
    for _ in range(5):
        verdict = here.look(["smtp"]).admit("smtp", urgent=True)
        assert isinstance(verdict, CallDenied)
        assert verdict.until - clock.now() == URGENT_REST
        assert here.look(["smtp"]).rests_until("smtp", urgent=True) == verdict.until
        clock.advance(URGENT_REST)
        assert isinstance(here.admit("smtp"), CallDenied), "others wait for the whole rest"
        permit = here.look(["smtp"]).admit("smtp", urgent=True)
        assert permit == CallAllowed(probe=True)
        assert isinstance(here.look(["smtp"]).admit("smtp", urgent=True), CallDenied), "one probe at a time"
        here.failed("smtp", CallAllowed(probe=True))


def test_a_probe_whose_worker_died_is_replaced(here: Breakers, clock: HandClock) -> None:
    fail(here, TRIP_AFTER)
    clock.advance(FIRST_REST)
    assert here.admit("smtp") == CallAllowed(probe=True)
    clock.advance(PROBE_PATIENCE)
    assert here.admit("smtp") == CallAllowed(probe=True)


def test_a_slow_call_from_before_the_opening_neither_closes_nor_prolongs_it(here: Breakers) -> None:
    fail(here, TRIP_AFTER)
    here.succeeded("smtp", CallAllowed())
    here.failed("smtp", CallAllowed())
    assert here.state("smtp") == OpenBreaker(NOON + FIRST_REST, times=1)


def test_whoever_called_goes_on_although_the_store_cannot_be_told_and_it_is_told_later(
    here: Breakers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    look = here.look(["smtp"])
    permit = look.admit("smtp")
    assert isinstance(permit, CallAllowed)
    with renamed(tmp_path / "items.db"):
        look.failed("smtp", permit)
    assert caplog.messages == ["The store did not take what provider smtp did"]
    assert here.state("smtp") == Closed(0)
    fail(here, 1)
    assert here.state("smtp") == Closed(1)
    assert here.look(["smtp"]).health("smtp") == pytest.approx(1 / 3), "both calls count"


@contextmanager
def renamed(database: Path) -> Iterator[None]:
    """The store's table is gone for a while."""
    for old, new in (("items", "away"), ("away", "items")):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
        if new == "away":
            yield


def test_one_question_tells_of_several_providers_and_a_look_keeps_up_with_what_it_reports(
    here: Breakers, there: Breakers
) -> None:
    look = here.look(["ses", "smtp"])
    permit = look.admit("smtp")
    assert isinstance(permit, CallAllowed)
    for _ in range(TRIP_AFTER):
        look.failed("smtp", permit)
    assert look.rests_until("smtp") == NOON + FIRST_REST
    assert look.rest("ses") == timedelta(0)
    assert there.look(["smtp", "ses"]).admit("smtp") == CallDenied(NOON + FIRST_REST)


def test_a_look_that_is_behind_writes_upon_what_others_left(here: Breakers, there: Breakers) -> None:
    behind = here.look(["smtp"])
    fail(there, TRIP_AFTER - 1)
    behind.failed("smtp", CallAllowed())
    assert isinstance(there.state("smtp"), OpenBreaker)


def test_hand_overs_of_one_moment_ask_once_and_hear_of_others_a_moment_later(
    here: Breakers, there: Breakers, clock: HandClock
) -> None:
    assert here.look(["smtp"]).rests_until("smtp") is None
    fail(there, TRIP_AFTER)
    assert here.look(["smtp"]).rests_until("smtp") is None
    clock.advance(FRESH)
    assert here.look(["smtp"]).rests_until("smtp") == NOON + FIRST_REST


def test_what_a_hand_over_reports_is_known_at_once_to_the_next_of_its_process(here: Breakers) -> None:
    assert here.look(["smtp"]).rests_until("smtp") is None
    for _ in range(TRIP_AFTER):
        here.look(["smtp"]).failed("smtp", CallAllowed())
    assert here.look(["smtp"]).rests_until("smtp") == NOON + FIRST_REST


def test_health_is_written_now_and_then_and_seen_by_everybody(
    here: Breakers, there: Breakers, clock: HandClock
) -> None:
    for _ in range(20):
        here.look(["smtp"]).succeeded("smtp", CallAllowed(), well=False)
    assert there.look(["smtp"]).health("smtp") == 1, "not written yet"
    clock.advance(TELL_EVERY)
    here.look(["smtp"]).succeeded("smtp", CallAllowed(), well=False)
    assert there.look(["smtp"]).health("smtp") == pytest.approx(1 / 22)
    assert there.state("smtp") == Closed(0), "a throttle opens no breaker"


breakers = st.one_of(
    st.builds(Closed, st.integers(0, TRIP_AFTER - 1)),
    st.builds(OpenBreaker, st.just(NOON + FIRST_REST), st.integers(1, 50)),
    st.builds(HalfOpen, st.just(NOON + PROBE_PATIENCE), st.integers(1, 50)),
)


@given(breakers, st.integers(0, 100))
def test_whoever_must_wait_is_told_a_time_to_come_and_whoever_may_go_is_at_most_one_probe(
    breaker: Breaker, seconds: int
) -> None:
    now = NOON + seconds * SECOND
    after, verdict = admit(breaker, now)
    match verdict:
        case CallDenied(until=until):
            assert until > now
            assert after == breaker
        case CallAllowed(probe=True):
            assert isinstance(admit(after, now)[1], CallDenied)
            assert succeeded(after, verdict) == Closed(0)
            reopened = failed(after, verdict, now)
            assert isinstance(reopened, OpenBreaker)
            assert FIRST_REST <= reopened.until - now <= LONGEST_REST
        case CallAllowed():
            assert isinstance(breaker, Closed)


def test_items_leave_at_the_rate_that_all_workers_share_and_book_one_slot_each(
    tmp_path: Path, store: SqliteStore, clock: HandClock
) -> None:
    left: list[tuple[str, datetime]] = []
    stores = [SqliteStore(tmp_path / "items.db", clock) for _ in range(2)]

    def worker(own: SqliteStore) -> Worker:
        def send(task: Task) -> Commit:
            if (postponed := wait_for_slot(task, Rate("sms-origin", 2.0), own)) is not None:
                return Commit(postponed)
            left.append((task.item.id, task.now))
            return Commit(finished(task.item))

        return Worker(own, HandlerRegistry([TaskHandler("sms", send)]), clock, threads=1)

    workers = [worker(each) for each in stores]
    store.add(*(Item(f"sms-{n}", "sms", {}, due_at=NOON) for n in range(10)))
    for _ in range(20):
        for each in workers:
            each.run_due()
        clock.advance(SECOND / 2)
    times = sorted(at - NOON for _, at in left)
    assert times == [n * SECOND / 2 for n in range(10)]
    assert store.get("sms-9") is not None
    for each in workers:
        each.close()
    for opened in stores:
        opened.close()
