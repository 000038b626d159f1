"""Under which names texts are listed that wait for a translation: few of them, however many translations there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.notify.model import Texts, texts_item, waiting_for
from service.notify.model.items import WAITS
from service.storage.dynamodb.slots import settle

IDS = st.frozensets(st.text("abcdef0123456789", min_size=8, max_size=8), max_size=30)


def texts(missing: frozenset[str]) -> Texts:
    return Texts("n-1", "de", "de", waiting_for={f"text {each}": each for each in missing})


@given(st.lists(IDS, max_size=8))
def test_what_waits_is_found_by_its_translation_and_keeps_its_number(rounds: list[frozenset[str]]) -> None:
    item = texts_item(None, texts(frozenset()))
    for missing in rounds:
        before = dict(item.keys)
        item = texts_item(item, texts(missing))
        listed = {item.keys[name] for name in WAITS if name in item.keys}
        assert listed <= missing
        assert len(listed) == min(len(missing), len(WAITS))
        assert all(item.keys[name] == before[name] for name in WAITS if before.get(name) in missing)
        for each in listed:
            assert set(waiting_for(each)) & set(item.keys.items())


def test_names_of_indexes_do_not_grow_with_the_translations_that_are_missing() -> None:
    slots: dict[str, tuple[int, ...]] = {}
    for number in range(500):
        item = texts_item(None, texts(frozenset(f"{number:04d}{each}" for each in range(15))))
        slots = dict(settle(slots, item.keys)[0])
    assert len(slots) == len(WAITS) + 1
