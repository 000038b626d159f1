"""Activations and stored content, without a store."""

from __future__ import annotations

import random
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from service.core import exact_json
from service.rulesets.versions import (
    Activation,
    DamagedVersion,
    Timeline,
    activation_id,
    activation_item,
    activation_of,
    chunk_items,
    content,
    head_id,
    version_id,
)
from service.storage import MAX_ITEM_BYTES

START = datetime(2026, 1, 1, tzinfo=UTC)


def activation(number: int, version: int, day: int) -> Activation:
    return Activation("premium", number, version, START + timedelta(days=day), "me", START)


def test_a_correction_published_today_does_not_cancel_the_version_scheduled_for_later() -> None:
    timeline = Timeline([activation(1, 1, 0), activation(2, 2, 30), activation(3, 3, 5)])
    assert [timeline.active(START + timedelta(days=day)) for day in (0, 5, 29, 30, 99)] == [1, 3, 3, 2, 2]


def test_of_two_activations_for_one_instant_the_later_recorded_decides() -> None:
    timeline = Timeline([activation(1, 1, 0), activation(2, 2, 30), activation(3, 1, 30)])
    assert timeline.active(START + timedelta(days=31)) == 1


def test_nothing_is_active_before_the_first_activation() -> None:
    assert Timeline([activation(1, 1, 1)]).active(START) is None
    assert Timeline().active(START) is None


def test_what_is_about_to_take_over_is_known_ahead() -> None:
    timeline = Timeline([activation(1, 1, 0), activation(2, 2, 1), activation(3, 3, 2)])
    assert timeline.coming(START, START + timedelta(days=1)) == (2,)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), max_size=12), st.integers(-1, 6))
def test_the_active_version_is_the_one_a_plain_search_finds(entries: list[tuple[int, int]], day: int) -> None:
    activations = [activation(number, version, since) for number, (version, since) in enumerate(entries, start=1)]
    begun = [one for one in activations if one.since <= START + timedelta(days=day)]
    expected = None
    for one in begun:
        if expected is None or one.since >= expected.since:
            expected = one
    shuffled = random.Random(0).sample(activations, len(activations))  # an index may list them in any order
    assert Timeline(shuffled).active(START + timedelta(days=day)) == (expected and expected.version)


@given(st.text(max_size=300).filter(lambda text: text.isprintable()))
def test_a_rule_file_comes_back_as_it_was_stored(source: str) -> None:
    assert content(chunk_items("abc", source)) == source


def test_a_file_that_hardly_compresses_is_split_below_the_limit_of_an_item() -> None:
    source = "".join(random.Random(1).choices(string.printable, k=1_000_000))
    parts = chunk_items("a" * 64, source)
    assert len(parts) > 1
    assert all(len(exact_json.dumps(part.state)) < MAX_ITEM_BYTES for part in parts)
    assert content(parts) == source


def test_a_lost_part_is_noticed() -> None:
    parts = chunk_items("abc", "".join(random.Random(1).choices(string.printable, k=900_000)))
    with pytest.raises(DamagedVersion):
        content(parts[:-1])


def test_a_changed_part_is_noticed() -> None:
    (part,) = chunk_items("abc", "ruleset: premium")
    with pytest.raises(DamagedVersion):
        content([structs.replace(part, state={"part": "not base 85 \x00"})])


def test_ids_sort_by_number_and_never_collide_between_rulesets() -> None:
    numbers = [9, 10, 99, 100, 1000]
    assert sorted(numbers, key=lambda number: version_id("premium", number)) == numbers
    ids = {
        head_id(name) for name in ("premium", "version-premium-000001", "activation-premium-000001", "premium-000001")
    }
    ids |= {version_id("premium", 1), activation_id("premium", 1), version_id("premium-000001", 1)}
    assert len(ids) == 7


def test_an_activation_comes_back_from_its_item_with_its_exact_times() -> None:
    one = Activation("premium", 7, 3, START + timedelta(microseconds=1), "me", START)
    assert activation_of(activation_item(one)) == one
