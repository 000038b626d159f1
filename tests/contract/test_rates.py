"""Rates: slots that all processes share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from service.core.clock import HandClock
from service.storage import Store
from tests.contract.conftest import Open


def seconds(at: datetime, clock: HandClock) -> float:
    return (at - clock.now()).total_seconds()


def test_slots_are_handed_out_one_after_the_other(open_store: Open, clock: HandClock) -> None:
    first, second = open_store(), open_store()
    booked = [store.reserve("sms", 1, 4.0, clock.now()) for store in (first, second, first, second)]
    assert [seconds(at, clock) for at in booked] == [0, 0.25, 0.5, 0.75]


def test_a_burst_may_be_used_at_once(store: Store, clock: HandClock) -> None:
    booked = [store.reserve("sms", 1, 2.0, clock.now(), burst=3) for _ in range(5)]
    assert [seconds(at, clock) for at in booked] == [0, 0, 0, 0.5, 1]


def test_several_slots_wait_until_all_of_them_may_be_used(store: Store, clock: HandClock) -> None:
    booked = [store.reserve("sms", 5, 10.0, clock.now(), burst=5) for _ in range(3)]
    assert [seconds(at, clock) for at in booked] == [0, 0.5, 1]


def test_a_rate_that_rested_starts_anew_and_saves_nothing_up(store: Store, clock: HandClock) -> None:
    store.reserve("sms", 1, 1.0, clock.now())
    clock.advance(timedelta(hours=1))
    assert [seconds(store.reserve("sms", 1, 1.0, clock.now()), clock) for _ in range(3)] == [0, 1, 2]


def test_rates_of_different_names_do_not_know_each_other(store: Store, clock: HandClock) -> None:
    assert [store.reserve(key, 1, 1.0, clock.now()) for key in ("sms-GB", "sms-NO")] == [clock.now()] * 2


def test_a_rate_is_never_an_item(store: Store, clock: HandClock) -> None:
    store.reserve("sms", 1, 1.0, clock.now())
    assert store.get("sms") is None
    assert store.get("#rate#sms") is None


def test_threads_of_two_processes_never_share_a_slot(open_store: Open, clock: HandClock) -> None:
    stores = [open_store(), open_store()]
    with ThreadPoolExecutor(8) as threads:
        booked = list(threads.map(lambda n: stores[n % 2].reserve("sms", 1, 10.0, clock.now()), range(60)))
    assert sorted(round(seconds(at, clock), 6) for at in booked) == [round(n / 10, 6) for n in range(60)]


@pytest.mark.parametrize(("slots", "rate", "burst"), [(0, 1.0, 1), (1, 0.0, 1), (1, 1.0, 0)])
def test_a_rate_that_makes_no_sense_is_refused(
    store: Store, clock: HandClock, slots: int, rate: float, burst: int
) -> None:
    with pytest.raises(ValueError, match="a rate of"):
        store.reserve("sms", slots, rate, clock.now(), burst)
