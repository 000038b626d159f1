"""A worker whose clock is wrong claims nothing and keeps nothing from others, until its clock is right again."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.clock import HandClock
from service.core.enums import Lane
from service.storage import Item
from service.storage.aws_time import MOST_SKEW, NO_SKEW_BEYOND, AwsTime, ServerDate, listener_of
from service.storage.dynamodb import DynamoStore
from service.storage.sqs import QueuedStore
from tests.aws import Environment
from tests.contract.conftest import dynamodb_client, fresh_queues, fresh_tables, sqs_client
from tests.unit.test_work_running import eventually

LEASE = timedelta(seconds=30)
NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Drifting:
    """The machine's clock, some time off."""

    def __init__(self, off: timedelta) -> None:
        self.off = off

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off


def queued(like: tuple[object, object], clock: Drifting) -> QueuedStore:
    tables, queues = like
    return QueuedStore(dynamodb_client, sqs_client, tables, queues, clock)  # type: ignore[arg-type]


def claimed(store: DynamoStore, clock: Drifting) -> list[str]:
    return [item.id for item in store.claim(Lane.BULK, clock.now(), LEASE, 10)]


@pytest.mark.parametrize("off", [timedelta(seconds=-60), timedelta(seconds=-8), timedelta(seconds=60)], ids=str)
def test_a_worker_whose_clock_is_wrong_leaves_everything_to_others(
    aws: Environment, caplog: pytest.LogCaptureFixture, off: timedelta
) -> None:
    site = fresh_tables(), fresh_queues()
    right, wrong = Drifting(timedelta(0)), Drifting(off)
    api, bad, good = queued(site, right), queued(site, wrong), queued(site, right)
    assert eventually(
        lambda: bool(claimed(bad, wrong)) or "clock is about" in caplog.text
    )  # a slow answer says nothing
    for number in range(6):
        api.add(Item(f"i{number}", "job", {}, Lane.BULK, right.now()))
        assert claimed(bad, wrong) == []
        assert bad.upkeep(wrong.now()) == 0
    found: list[str] = []

    def all_are_found() -> bool:
        found.extend(claimed(good, right))
        return len(found) == 6

    assert eventually(all_are_found)
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len([line for line in told if "clock is about" in line]) == 1


def test_a_worker_goes_on_when_its_clock_is_right_again(aws: Environment) -> None:
    clock = Drifting(timedelta(seconds=20))
    store = DynamoStore(dynamodb_client, fresh_tables(), clock)
    store.add(Item("a", "job", {}, Lane.BULK, datetime.now(UTC)))
    assert claimed(store, clock) == []
    clock.off = timedelta(0)
    found: list[str] = []

    def is_found() -> bool:
        found.extend(claimed(store, clock))
        return found == ["a"]

    assert eventually(is_found)


def test_whoever_wraps_a_client_hears_the_answers_too_and_keeps_them_from_nobody(aws: Environment) -> None:
    events = dynamodb_client().meta.events
    assert listener_of(events) is listener_of(SimpleNamespace(meta=dynamodb_client().meta).meta.events)


@given(st.floats(-3000, 3000), st.floats(0, 0.999), st.floats(0, 1))
def test_a_clock_counts_as_wrong_only_where_it_surely_is(off: float, fraction: float, took: float) -> None:
    """The `Date` is cut to whole seconds, and may be from any moment while the answer was under way."""
    server = NOON + timedelta(seconds=fraction)
    aws_time = AwsTime(HandClock(server + timedelta(seconds=off)))
    aws_time.update(ServerDate(NOON - timedelta(seconds=took), time.monotonic(), took))
    if abs(off) <= MOST_SKEW.total_seconds() - 0.1:
        assert not aws_time.is_off
    if abs(off) > MOST_SKEW.total_seconds() + 2 + took + 0.1:
        assert aws_time.is_off


def test_what_is_months_off_is_no_clock_that_goes_wrong() -> None:
    aws_time = AwsTime(HandClock(NOON))
    aws_time.update(ServerDate(NOON + NO_SKEW_BEYOND + SECOND, time.monotonic(), 0.1))
    assert not aws_time.is_off


def test_stores_that_share_a_client_hear_its_answers_by_one_ear(aws: Environment) -> None:
    clock, tables = Drifting(timedelta(0)), fresh_tables()
    stores = [DynamoStore(dynamodb_client, tables, clock) for _ in range(20)]
    threads = [threading.Thread(target=store.ping) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(store._calls._listener) for store in stores}) == 1
