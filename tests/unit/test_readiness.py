"""What `/readyz` tells of parts that are well, that are not, that hang and that come back."""

from __future__ import annotations

import threading
import time

import pytest

from service.core.errors import TocsinError
from service.http.readiness import FRESH_S, PATIENCE_S, Readiness


class Part:
    """A part whose state a test sets."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.asked = 0
        self.goes_on = threading.Event()
        self.goes_on.set()

    def __call__(self) -> None:
        self.asked += 1
        self.goes_on.wait(30)
        if self.reason is not None:
            raise TocsinError(self.reason)


class Seconds:
    """A clock in seconds, moved by hand."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def store() -> Part:
    return Part()


@pytest.fixture
def lane() -> Part:
    return Part()


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def readiness(store: Part, lane: Part, clock: Seconds) -> Readiness:
    return Readiness({"store": store}, {"lane": lane}, clock)


def test_needed_parts_make_it_unready_and_helpful_ones_degraded_and_nothing_latches(
    readiness: Readiness, store: Part, lane: Part, clock: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    assert readiness.states() == {"store": "ok", "lane": "ok"}
    store.reason, lane.reason = "no room", "late"
    clock.at += FRESH_S
    for _ in range(3):
        assert readiness.states() == {"store": "not ready", "lane": "degraded"}
    store.reason = lane.reason = None
    assert readiness.states() == {"store": "ok", "lane": "ok"}
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "store is not ready: no room",
        "lane is degraded: late",
    ]


def test_a_part_that_hangs_keeps_nobody_waiting_is_asked_once_and_comes_back(
    readiness: Readiness, store: Part, lane: Part
) -> None:
    store.goes_on.clear()
    for _ in range(2):
        began = time.monotonic()
        assert readiness.states() == {"store": "not ready", "lane": "ok"}
        assert time.monotonic() - began < PATIENCE_S + 2
    assert store.asked == 1
    store.goes_on.set()
    while readiness.states()["store"] != "ok":
        assert store.asked <= 2


def test_a_helpful_part_that_was_well_is_asked_once_a_second(
    readiness: Readiness, store: Part, lane: Part, clock: Seconds
) -> None:
    for _ in range(10):
        readiness.states()
    assert (store.asked, lane.asked) == (10, 1)
    clock.at += FRESH_S
    readiness.states()
    assert lane.asked == 2


def test_a_fault_of_a_check_hides_no_other_part(clock: Seconds) -> None:
    def fails() -> None:
        raise ZeroDivisionError

    assert Readiness({"store": Part()}, {"odd": fails}, clock).states() == {"store": "ok", "odd": "degraded"}
