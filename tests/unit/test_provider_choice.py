"""Which provider takes a message: in proportion to weight and health, never one that rests, the others in reserve."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.channels import Reference
from service.messages.provider_choice import ProviderCandidate, chance_of, choose
from service.messages.provider_weights import WeightsRefused, parse_weights
from service.work.health import HALF_LIFE, Health

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
DRAWS = 2_000

candidates = st.lists(
    st.builds(
        ProviderCandidate,
        name=st.sampled_from("abcdef"),
        weight=st.one_of(st.just(0.0), st.floats(0.01, 100)),
        health=st.floats(0.001, 1),
        rests=st.booleans(),
    ),
    unique_by=lambda candidate: candidate.name,
    max_size=6,
)
chances = st.floats(0, 1, exclude_max=True)


@given(candidates, chances)
def test_every_provider_that_may_be_called_is_tried_once_and_no_other(
    given_: list[ProviderCandidate], chance: float
) -> None:
    assert sorted(choose(given_, chance)) == sorted(one.name for one in given_ if not one.rests)


@given(candidates, chances)
def test_one_of_weight_0_comes_after_all_that_have_a_weight(given_: list[ProviderCandidate], chance: float) -> None:
    weights = {one.name: one.weight for one in given_}
    is_reserve = [weights[name] == 0 for name in choose(given_, chance)]
    assert is_reserve == sorted(is_reserve)


@given(candidates, chances)
def test_whoever_stands_in_is_the_best_of_those_that_are_left(given_: list[ProviderCandidate], chance: float) -> None:
    share = {one.name: one.weight * one.health for one in given_}
    health = {one.name: one.health for one in given_ if one.weight == 0}
    order = list(choose(given_, chance))
    behind = [share[name] for name in order[1:] if share[name] > 0]
    assert behind == sorted(behind, reverse=True)
    reserves = [health[name] for name in order if name in health]
    assert reserves == sorted(reserves, reverse=True)


@given(candidates)
def test_each_gets_its_share_of_the_traffic(given_: list[ProviderCandidate]) -> None:
    awake = [one for one in given_ if not one.rests and one.weight > 0]
    assume(awake)
    drawn = Counter(choose(given_, draw / DRAWS)[0] for draw in range(DRAWS))
    whole = sum(one.weight * one.health for one in awake)
    for one in awake:
        assert drawn[one.name] / DRAWS == pytest.approx(one.weight * one.health / whole, abs=2 / DRAWS)


@given(candidates, st.integers(0, 5), chances)
def test_who_does_worse_gets_no_more_than_before(given_: list[ProviderCandidate], place: int, factor: float) -> None:
    assume(place < len(given_))
    one = given_[place]
    worse = ProviderCandidate(one.name, one.weight, max(0.001, one.health * factor), one.rests)
    others = [*given_[:place], worse, *given_[place + 1 :]]
    assert _first(others, one.name) <= _first(given_, one.name) + 2


def _first(given_: list[ProviderCandidate], name: str) -> int:
    return sum(choose(given_, draw / 200)[:1] == [name] for draw in range(200))


def test_nobody_is_chosen_where_everybody_rests() -> None:
    assert choose([ProviderCandidate("a", 1, 1, rests=True), ProviderCandidate("b", 0, 1, rests=True)], 0.5) == []


@given(st.text("abcdefghij-0123456789", min_size=1, max_size=40), st.integers(0, 99))
def test_an_attempt_draws_the_same_however_often_it_is_looked_at(name: str, attempt: int) -> None:
    chance = chance_of(Reference(name, attempt))
    assert 0 <= chance < 1
    assert chance == chance_of(Reference(name, attempt))


def test_draws_of_many_messages_are_spread_evenly() -> None:
    tenths = Counter(int(chance_of(Reference(f"n-1-{number:06d}", 1)) * 10) for number in range(10_000))
    assert all(900 < tenths[tenth] < 1100 for tenth in range(10))
    again = sum(chance_of(Reference(f"n-1-{n:06d}", 2)) < 0.5 for n in range(1000) if _low(n))
    assert 150 < again < 350, "the next attempt draws anew"


def _low(number: int) -> bool:
    return chance_of(Reference(f"n-1-{number:06d}", 1)) < 0.5


seconds = st.floats(0, 3600)
events = st.lists(st.tuples(seconds, st.integers(0, 20), st.integers(0, 20)), max_size=12)


@given(events, seconds)
def test_health_is_the_share_of_good_calls_each_counting_half_after_a_minute(
    events: list[tuple[float, int, int]], later: float
) -> None:
    health, now = Health(), NOON
    seen: list[tuple[datetime, int, int]] = []
    for gap, good, bad in events:
        now += timedelta(seconds=gap)
        health = health.after(good, bad, now)
        seen.append((now, good, bad))
    now += timedelta(seconds=later)
    good = sum(good * 0.5 ** ((now - at) / HALF_LIFE) for at, good, _ in seen)
    bad = sum(bad * 0.5 ** ((now - at) / HALF_LIFE) for at, _, bad in seen)
    assert health.share(now) == pytest.approx((good + 1) / (good + bad + 1), rel=1e-6)


@given(events)
def test_health_is_never_nothing_so_that_a_recovery_is_seen(events: list[tuple[float, int, int]]) -> None:
    health = Health()
    for gap, good, bad in events:
        health = health.after(good, bad, NOON + timedelta(seconds=gap))
        assert 0 < health.share(NOON) <= 1


def test_who_failed_an_hour_ago_is_as_good_as_any() -> None:
    failing = Health().after(0, 1000, NOON)
    assert failing.share(NOON) < 0.01
    assert failing.share(NOON + timedelta(hours=1)) > 0.99
    assert Health().share(NOON) == 1


def test_weights_are_written_by_name() -> None:
    assert parse_weights(" aws-sms=3, twilio-sms = 0.5,smtp=0 ", KNOWN) == {"aws-sms": 3, "twilio-sms": 0.5, "smtp": 0}
    assert parse_weights("", KNOWN) == {}


KNOWN = ("aws-sms", "twilio-sms", "smtp")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("aws-sms", "'aws-sms' has no weight: write it like aws-sms=3"),
        ("aws-sms=-1", "like aws-sms=3"),
        ("aws-sms=inf", "like aws-sms=3"),
        ("aws-smss=1", 'did you mean "aws-sms"'),
        ("zzz=1", "there are aws-sms, twilio-sms, smtp"),
        ("smtp=1,smtp=2", "twice"),
    ],
)
def test_weights_that_cannot_be_used_are_named(setting: str, said: str) -> None:
    with pytest.raises(WeightsRefused, match=said):
        parse_weights(setting, KNOWN)
