"""How long a provider is left alone for its own limits, and how fast it is asked, for any sequence of refusals."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.work.limits import (
    FIRST_REST,
    FULL_RATE,
    LONGEST_REST,
    NO_LIMIT,
    SLOWER,
    SLOWEST,
    Limit,
    LimitKind,
    RateShare,
    admitted,
    lifted,
    met,
    share,
    slowed,
)
from tests.unit.work import NOON, SECOND

KINDS = st.sampled_from([kind for kind in LimitKind if kind is not LimitKind.NONE])
NOTHING = timedelta(0)


def met_again(limit: Limit, kind: LimitKind, times: int) -> Limit:
    """The limit after each rest's one message met it again."""
    for _ in range(times):
        limit = met(limit, kind, "429", NOTHING, True, limit.until)
    return limit


@given(KINDS, st.integers(0, 40))
def test_rests_grow_within_their_bounds_however_often_a_limit_is_met(kind: LimitKind, times: int) -> None:
    before = met_again(met(NO_LIMIT, kind, "429", NOTHING, False, NOON), kind, times)
    rest = met(before, kind, "429", NOTHING, True, before.until).until - before.until
    assert FIRST_REST[kind] <= rest <= LONGEST_REST[kind]


@given(KINDS, st.integers(1, 50))
def test_calls_that_were_under_way_together_count_as_one(kind: LimitKind, calls: int) -> None:
    first = met(NO_LIMIT, kind, "429", NOTHING, False, NOON)
    limit = first
    for _ in range(calls):
        limit = met(limit, kind, "429", NOTHING, False, NOON)
    assert limit == first


@given(KINDS, st.integers(1, 7200))
def test_a_wait_that_is_asked_for_is_kept(kind: LimitKind, seconds: int) -> None:
    limit = met(NO_LIMIT, kind, "429", seconds * SECOND, False, NOON)
    assert limit.until >= NOON + seconds * SECOND
    assert admitted(limit, limit.until - timedelta(microseconds=1)) is None


def test_after_a_rest_one_message_finds_out_for_all() -> None:
    limit = met(NO_LIMIT, LimitKind.ACCOUNT, "paused", NOTHING, False, NOON)
    found_out = admitted(limit, limit.until)
    assert found_out is not None
    assert found_out != limit
    assert admitted(found_out, limit.until) is None, "the others wait for a moment"
    assert lifted(found_out, True, limit.until) == NO_LIMIT
    assert lifted(limit, False, NOON) == limit, "a message from before proves nothing"


def test_a_throttle_slows_at_once_and_time_without_one_makes_up_for_it() -> None:
    slow = slowed(FULL_RATE, NOON)
    assert share(slow, NOON) == SLOWER
    assert slowed(slow, NOON + SECOND / 2) == slow, "of the same moment"
    assert share(slow, NOON + 5 * SECOND) > SLOWER
    assert share(slow, NOON + timedelta(minutes=1)) == 1


@given(st.lists(st.integers(0, 120), max_size=60))
def test_a_pace_never_stops_and_never_exceeds_the_whole(waits: list[int]) -> None:
    pace, now = RateShare(), NOON
    for wait in waits:
        now += wait * SECOND
        pace = slowed(pace, now)
        assert SLOWEST <= share(pace, now) <= 1
