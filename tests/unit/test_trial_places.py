"""Rule files of callers are tried one at a time for a key and two at a time for all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from service.http.problems import Problem
from service.rulesets.trial_places import TrialPlaces

FILE = "ruleset: r"


class Calls:
    """Calls that hold their places until they are let go."""

    def __init__(self, places: TrialPlaces, pool: ThreadPoolExecutor) -> None:
        self._places = places
        self._pool = pool

    def begin(self, key: str, source: str | None = FILE) -> Call:
        call = Call()
        call.over = self._pool.submit(self._held, call, key, source)
        return call

    def _held(self, call: Call, key: str, source: str | None) -> None:
        with self._places.place(key, source):
            call.has_a_place.set()
            call.may_end.wait(30)


class Call:
    """One call on its way."""

    over: Future[None]

    def __init__(self) -> None:
        self.has_a_place = threading.Event()
        self.may_end = threading.Event()

    def works(self) -> Call:
        assert self.has_a_place.wait(30)
        return self

    def ends(self) -> None:
        self.may_end.set()
        self.over.result(30)

    def problem(self) -> Problem:
        with pytest.raises(Problem) as refused:
            self.over.result(30)
        return refused.value


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_a_second_call_of_a_key_waits_for_the_first(pool: ThreadPoolExecutor) -> None:
    calls = Calls(TrialPlaces(patience=30), pool)
    first = calls.begin("ann").works()
    second = calls.begin("ann")
    assert not second.has_a_place.is_set()
    first.ends()
    second.works().ends()


def test_a_third_call_of_a_key_is_429_at_once_with_when_to_come_again(pool: ThreadPoolExecutor) -> None:
    places = TrialPlaces(patience=30)
    calls = Calls(places, pool)
    first = calls.begin("ann").works()
    others = [calls.begin("ann"), calls.begin("ann")]
    refused = next(other for other in iter_done(others)).problem()
    assert (refused.type.status, refused.headers["Retry-After"]) == (429, "10")
    first.ends()
    (second,) = (other for other in others if not other.over.done())
    second.works().ends()


def test_a_call_that_waited_in_vain_for_its_own_key_is_429(pool: ThreadPoolExecutor) -> None:
    calls = Calls(TrialPlaces(patience=0), pool)
    first = calls.begin("ann").works()
    assert calls.begin("ann").problem().type.status == 429
    first.ends()
    calls.begin("ann").works().ends()


def test_a_call_that_waited_in_vain_for_other_keys_is_503(pool: ThreadPoolExecutor) -> None:
    calls = Calls(TrialPlaces(patience=0), pool)
    others = [calls.begin("ann").works(), calls.begin("ben").works()]
    refused = calls.begin("cleo").problem()
    assert (refused.type.status, refused.headers["Retry-After"]) == (503, "10")
    for other in others:
        other.ends()
    calls.begin("cleo").works().ends()


def test_a_call_without_a_file_needs_no_place(pool: ThreadPoolExecutor) -> None:
    calls = Calls(TrialPlaces(patience=0), pool)
    held = [calls.begin("ann").works(), calls.begin("ann", None).works(), calls.begin("ann", None).works()]
    for call in held:
        call.ends()


def iter_done(calls: list[Call]) -> Iterator[Call]:
    """Those that are over, as soon as one is."""
    over = threading.Event()
    for call in calls:
        call.over.add_done_callback(lambda _: over.set())
    assert over.wait(30)
    yield from (call for call in calls if call.over.done())


def test_slow_files_of_a_key_take_ten_minutes_of_an_hour_and_then_are_429_with_when_to_come_again() -> None:
    now = 0.0
    places = TrialPlaces(seconds=lambda: now)
    for _ in range(12):
        with places.place("ann", FILE):
            now += 50
    with pytest.raises(Problem) as refused, places.place("ann", FILE):
        pass
    assert (refused.value.type.status, refused.value.headers["Retry-After"]) == (429, "3050")
    with places.place("ben", FILE):
        pass
    now = 3_651
    with places.place("ann", FILE):
        pass


def test_files_that_are_tried_quickly_are_never_counted() -> None:
    now = 0.0
    places = TrialPlaces(seconds=lambda: now)
    for _ in range(1_000):
        with places.place("ann", FILE):
            now += 3
