"""Items: what every store keeps, refuses and lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from service.core.clock import HandClock
from service.core.enums import Lane
from service.storage import (
    MAX_ITEM_BYTES,
    MAX_KEYS,
    MAX_WRITES,
    AlreadyExists,
    AuditEntry,
    Conflict,
    Item,
    KeyRefused,
    Store,
    TooLarge,
)
from service.storage.cursors import BadCursor
from tests.contract.conftest import Open, stored

AT = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)


def entry(audit_id: str, request_id: str = "REQ-1") -> AuditEntry:
    return AuditEntry(audit_id, request_id, "request", AT, "shop", '{"a": 1}')


def test_an_item_comes_back_as_it_was_stored(open_store: Open) -> None:
    item = Item(
        id="incident-1",
        kind="incident",
        state={
            "text": "Пожар 🔥 \u0000 \ud7ff",
            "premium": Decimal("360.00"),
            "deep": [{"a": [1, None, True, -(2**70)]}],
        },
        lane=Lane.INCIDENT,
        due_at=datetime(2026, 5, 10, 9, 0, 0, 1, tzinfo=UTC),
        attempts=3,
        keys={"phone": "h=mäc#1", "open": "yes"},
        expires_at=datetime(2031, 1, 1, 0, 0, 0, 999999, tzinfo=UTC),
    )
    open_store().add(item)
    found = stored(open_store(), "incident-1")
    assert found == structs.replace(item, version=found.version)


def test_a_decimal_keeps_its_last_zero(store: Store) -> None:
    store.add(Item("a", "k", {"premium": Decimal("360.00"), "tiny": Decimal("1E-30")}))
    found = store.get("a")
    assert found is not None
    assert [str(value) for value in found.state.values()] == ["360.00", "1E-30"]


def test_an_item_that_was_never_stored_is_none(store: Store) -> None:
    assert store.get("nobody") is None


def test_adding_an_id_twice_is_refused_and_leaves_the_first(store: Store) -> None:
    store.add(Item("a", "k", {"n": 1}))
    with pytest.raises(AlreadyExists, match="'a'"):
        store.add(Item("a", "k", {"n": 2}))
    assert stored(store, "a").state == {"n": 1}


def test_adding_several_items_and_entries_is_all_or_nothing(store: Store) -> None:
    store.add(Item("b", "k", {}))
    with pytest.raises(AlreadyExists):
        store.add(Item("a", "k", {}), Item("b", "k", {}), audit=[entry("e1")])
    assert store.get("a") is None
    assert store.audit_entry("e1") is None


def test_one_id_twice_in_one_commit_is_refused(store: Store) -> None:
    with pytest.raises(AlreadyExists):
        store.add(Item("a", "k", {"n": 1}), Item("a", "k", {"n": 2}))
    assert store.get("a") is None


def test_each_save_counts_the_version_up(store: Store) -> None:
    store.add(Item("a", "k", {"n": 1}))
    first = stored(store, "a")
    second = store.save(structs.replace(first, state={"n": 2}, attempts=7))
    assert second == structs.replace(first, state={"n": 2}, attempts=7, version=first.version + 1)
    assert store.get("a") == second


def test_saving_what_somebody_else_changed_is_a_conflict(open_store: Open) -> None:
    mine, theirs = open_store(), open_store()
    mine.add(Item("a", "k", {"n": 1}))
    read = stored(mine, "a")
    won = theirs.save(structs.replace(read, state={"n": 2}))
    with pytest.raises(Conflict):
        mine.save(structs.replace(read, state={"n": 3}))
    assert mine.get("a") == won


def test_saving_a_new_item_whose_id_is_taken_is_refused(store: Store) -> None:
    store.save(Item("a", "k", {"n": 1}))
    with pytest.raises(AlreadyExists):
        store.save(Item("a", "k", {"n": 2}))


def test_saving_an_item_that_is_gone_is_a_conflict(store: Store) -> None:
    with pytest.raises(Conflict):
        store.save(Item("a", "k", {}, version=3))
    assert store.get("a") is None


def test_a_save_with_children_and_audit_is_all_or_nothing(store: Store) -> None:
    parent, other = store.save(Item("parent", "k", {})), store.save(Item("other", "k", {}))
    store.save(other)
    with pytest.raises(Conflict):
        store.save(parent, other, spawn=[Item("child", "k", {})], audit=[entry("e1")])
    assert store.get("parent") == parent
    assert store.get("child") is None
    assert store.audit_entry("e1") is None


def test_a_save_writes_everything_it_is_given(store: Store) -> None:
    parent, other = store.save(Item("parent", "k", {})), store.save(Item("other", "k", {}))
    saved = store.save(parent, other, Item("new", "k", {}), spawn=[Item("child", "k", {})], audit=[entry("e1")])
    assert stored(store, "parent") == saved == structs.replace(parent, version=parent.version + 1)
    assert stored(store, "other").version == other.version + 1
    assert stored(store, "new").version > 0
    assert stored(store, "child").version > 0
    assert store.audit_entry("e1") == entry("e1")


def test_expanding_twice_leaves_children_as_they_are(store: Store) -> None:
    parent = store.save(Item("parent", "k", {}), spawn=[Item("job-1", "k", {"n": 1}), Item("job-2", "k", {"n": 1})])
    worked_on = store.save(structs.replace(stored(store, "job-1"), state={"n": "sent"}))
    store.save(parent, spawn=[Item("job-1", "k", {"n": 2}), Item("job-2", "k", {"n": 2}), Item("job-3", "k", {"n": 2})])
    assert store.get("job-1") == worked_on
    assert stored(store, "job-2").state == {"n": 1}
    assert stored(store, "job-3").state == {"n": 2}


def test_expanding_when_every_child_is_there_still_saves_the_parent(store: Store) -> None:
    parent = store.save(Item("parent", "k", {}), spawn=[Item("job-1", "k", {})])
    saved = store.save(parent, spawn=[Item("job-1", "k", {})])
    assert stored(store, "parent") == saved == structs.replace(parent, version=parent.version + 1)


def test_a_child_named_twice_is_stored_once_as_named_first(store: Store) -> None:
    store.save(
        Item("parent", "k", {}), spawn=[Item("c", "k", {"n": 1}), Item("c", "k", {"n": 2}), Item("parent", "k", {})]
    )
    assert stored(store, "c").state == {"n": 1}


def test_an_audit_entry_that_exists_keeps_the_items_out(store: Store) -> None:
    store.append(entry("e1"))
    with pytest.raises(AlreadyExists, match="e1"):
        store.add(Item("a", "k", {}), audit=[entry("e1")])
    assert store.get("a") is None


def test_a_hundred_writes_fit_in_one_commit_and_one_more_does_not(store: Store) -> None:
    children = [Item(f"c-{n:03d}", "k", {}, keys={"of": "p", "n": str(n)}) for n in range(MAX_WRITES)]
    with pytest.raises(TooLarge, match="101 writes"):
        store.save(Item("p", "k", {}), spawn=children)
    assert store.get("p") is None
    store.save(Item("p", "k", {}), spawn=children[:-2], audit=[entry("e")])
    assert store.count("of", "p") == MAX_WRITES - 2


def test_an_item_of_nearly_400_kb_is_stored_and_a_larger_one_refused(store: Store) -> None:
    store.add(Item("fits", "k", {"text": "x" * (MAX_ITEM_BYTES - 1000)}))
    assert len(str(stored(store, "fits").state["text"])) == MAX_ITEM_BYTES - 1000
    with pytest.raises(TooLarge, match="'large'"):
        store.add(Item("large", "k", {"text": "x" * MAX_ITEM_BYTES}))
    assert store.get("large") is None


def test_an_audit_entry_over_400_kb_is_refused(store: Store) -> None:
    store.append(replace(entry("fits"), raw_data="ü" * ((MAX_ITEM_BYTES - 1000) // 2)))
    with pytest.raises(TooLarge, match="'large'"):
        store.append(replace(entry("large"), raw_data="ü" * (MAX_ITEM_BYTES // 2)))
    assert store.audit_entry("large") is None


def test_a_commit_over_4_mb_is_refused(store: Store) -> None:
    parts = [Item(f"part-{n}", "k", {"text": "x" * 380_000}) for n in range(12)]
    with pytest.raises(TooLarge, match="bytes in one commit"):
        store.add(*parts)
    assert store.get("part-0") is None
    store.add(*parts[:10])
    assert store.get("part-9") is not None


@pytest.mark.parametrize("item_id", ["", "x" * 901])
def test_an_id_that_no_index_could_hold_is_refused(store: Store, item_id: str) -> None:
    with pytest.raises(TooLarge, match="item id"):
        store.add(Item(item_id, "k", {}))


def test_an_item_may_have_sixteen_keys_of_any_names_and_no_more(store: Store) -> None:
    for group in range(4):  # more names than there are indexes on AWS, in overlapping sets
        keys = {f"index-{group * 5 + n}": str(group) for n in range(MAX_KEYS)}
        store.add(Item(f"item-{group}", "k", {}, keys=keys))
    for n in range(31):
        listed = [item.id for group in range(4) for item in store.by_index(f"index-{n}", str(group)).items]
        assert listed == [f"item-{group}" for group in range(4) if group * 5 <= n < group * 5 + MAX_KEYS]
    with pytest.raises(TooLarge, match="17 lookup keys"):
        store.add(Item("many", "k", {}, keys={f"index-{n}": "x" for n in range(17)}))


@pytest.mark.parametrize("text", ['q"uo\\te', "ünï 😀", "\x7f\x01\n", "\\u0000", "null", "1e5", "{}", ""])
def test_an_item_is_found_by_any_text(store: Store, text: str) -> None:
    index = f"index {text}"
    store.add(Item("a", "k", {}, keys={"of": text, index: "x"}))
    assert [store.count("of", text), store.count(index, "x")] == [1, 1]
    found = store.by_index("of", text).items[0]
    assert found.keys == {"of": text, index: "x"}
    store.remove(store.save(structs.replace(found, keys={index: "y"})))
    assert [store.count("of", text), store.count(index, "x"), store.count(index, "y")] == [0, 0, 0]


@pytest.mark.parametrize("keys", [{"of": "a\0b"}, {"o\0f": "ab"}])
def test_a_key_that_sqlite_would_cut_off_is_refused(store: Store, keys: Mapping[str, str]) -> None:
    with pytest.raises(KeyRefused, match="NUL"):
        store.add(Item("a", "k", {}, keys=keys))


def test_any_two_of_many_indexes_may_meet_on_one_item(open_store: Open) -> None:
    writer, reader = open_store(), open_store()
    names = [f"index-{n}" for n in range(20)]
    for name in names:
        writer.add(Item(f"alone-{name}", "k", {}, keys={name: "x"}))
        assert reader.count(name, "x") == 1
    pairs = list(zip(names, names[16:], strict=False))
    for one, other in pairs:
        writer.add(Item(f"both-{one}-{other}", "k", {}, keys={one: "y", other: "y"}))
    fresh = open_store()
    for name in names:
        both = sorted(f"both-{one}-{other}" for one, other in pairs if name in (one, other))
        assert [item.id for item in fresh.by_index(name, "y").items] == both
        assert fresh.count(name, "y") == len(both)


def test_an_index_lists_items_in_id_order_page_by_page(store: Store) -> None:
    for n in (3, 1, 2, 5, 4):
        store.add(Item(f"i{n}", "k", {"n": n}, keys={"of": "x"}), Item(f"other{n}", "k", {}, keys={"of": "y"}))
    first = store.by_index("of", "x", limit=2)
    second = store.by_index("of", "x", limit=2, cursor=first.cursor)
    third = store.by_index("of", "x", limit=2, cursor=second.cursor)
    assert [[item.id for item in page.items] for page in (first, second, third)] == [["i1", "i2"], ["i3", "i4"], ["i5"]]
    assert third.cursor is None
    assert first.items[0] == store.get("i1")


def test_the_ids_of_an_index_are_listed_like_its_items(store: Store) -> None:
    for n in (3, 1, 2, 5, 4):
        store.add(Item(f"i{n}", "k", {"n": n}, keys={"of": "x", "also": "x"}), Item(f"j{n}", "k", {}, keys={"of": "y"}))
    first = store.ids_by_index("of", "x", limit=3)
    rest = store.ids_by_index("of", "x", limit=3, cursor=first.cursor)
    assert [list(page.items) for page in (first, rest)] == [["i1", "i2", "i3"], ["i4", "i5"]]
    assert rest.cursor is None
    assert not store.ids_by_index("of", "nothing").items
    assert not store.ids_by_index("no such index", "x").items


def test_an_index_lists_the_newest_first_when_asked(store: Store) -> None:
    for n in range(5):
        store.add(Item(f"i{n}", "k", {}, keys={"of": "x"}))
    first = store.by_index("of", "x", limit=3, newest_first=True)
    rest = store.by_index("of", "x", limit=3, newest_first=True, cursor=first.cursor)
    assert [item.id for item in (*first.items, *rest.items)] == ["i4", "i3", "i2", "i1", "i0"]
    assert rest.cursor is None


def test_a_page_that_ends_with_the_last_item_has_no_cursor(store: Store) -> None:
    store.add(Item("a", "k", {}, keys={"of": "x"}), Item("b", "k", {}, keys={"of": "x"}))
    assert store.by_index("of", "x", limit=2).cursor is None
    assert store.by_index("of", "nothing").items == []
    assert store.by_index("no such index", "x").items == []


@pytest.mark.parametrize("newest_first", [False, True])
def test_paging_skips_and_repeats_nothing_while_items_are_added_and_removed(store: Store, newest_first: bool) -> None:
    for n in range(0, 40, 2):
        store.add(Item(f"i{n:02d}", "k", {}, keys={"of": "x"}))
    seen: list[str] = []
    cursor = None
    for n in range(1, 40, 2):
        page = store.by_index("of", "x", limit=3, cursor=cursor, newest_first=newest_first)
        seen += [item.id for item in page.items]
        store.add(Item(f"i{n:02d}", "k", {}, keys={"of": "x"}))
        if page.items:
            store.remove(page.items[-1])  # the one that the cursor stands on
        if (cursor := page.cursor) is None:
            break
    assert len(seen) == len(set(seen))
    assert seen == sorted(seen, reverse=newest_first)
    assert {f"i{n:02d}" for n in range(0, 40, 2)} <= set(seen)


def test_a_cursor_that_is_not_ours_is_refused(store: Store) -> None:
    with pytest.raises(BadCursor):
        store.by_index("of", "x", cursor="é not base64")


def test_an_item_moves_between_keys_when_it_is_saved(store: Store) -> None:
    item = store.save(Item("a", "k", {}, keys={"status": "open", "of": "x"}))
    store.save(structs.replace(item, keys={"status": "closed", "team": "red"}))
    assert [store.count("status", "open"), store.count("status", "closed")] == [0, 1]
    assert [store.count("of", "x"), store.count("team", "red")] == [0, 1]


def test_a_count_is_what_the_index_lists(store: Store) -> None:
    for n in range(60):
        store.add(Item(f"i{n}", "k", {}, keys={"of": "x" if n % 3 else "y"}))
    assert (store.count("of", "x"), store.count("of", "y"), store.count("of", "z")) == (40, 20, 0)


def test_an_expired_item_is_gone_everywhere(store: Store, clock: HandClock) -> None:
    soon = clock.now() + timedelta(seconds=10)
    item = store.save(Item("a", "k", {}, due_at=clock.now(), keys={"of": "x"}, expires_at=soon))
    clock.advance(timedelta(seconds=9, microseconds=999999))
    assert store.get("a") == item
    clock.advance(timedelta(microseconds=1))
    assert store.get("a") is None
    assert store.by_index("of", "x").items == []
    assert store.count("of", "x") == 0
    assert not store.claim(item.lane, clock.now(), timedelta(seconds=1), 10)
    with pytest.raises(Conflict):
        store.save(item)
    with pytest.raises(Conflict):
        store.remove(item)


def test_the_id_of_an_expired_item_is_free_again(store: Store, clock: HandClock) -> None:
    soon = clock.now() + timedelta(seconds=10)
    store.add(*(Item(id_, "k", {}, keys={"old": "x"}, expires_at=soon) for id_ in ("a", "b", "c")))
    clock.advance(timedelta(seconds=10))
    store.add(Item("a", "k", {"n": 2}, keys={"new": "x"}))
    store.save(Item("b", "k", {"n": 2}), spawn=[Item("c", "k", {"n": 2})])
    assert [stored(store, id_).state for id_ in "abc"] == [{"n": 2}] * 3
    assert (store.count("old", "x"), store.count("new", "x")) == (0, 1)


def test_upkeep_disturbs_nothing_that_is_alive(store: Store, clock: HandClock) -> None:
    store.add(Item("a", "k", {}, keys={"of": "x"}, expires_at=clock.now() + timedelta(seconds=10)))
    store.add(Item("b", "k", {}, keys={"of": "x"}))
    clock.advance(timedelta(seconds=11))
    store.upkeep(clock.now())
    assert [item.id for item in store.by_index("of", "x").items] == ["b"]


def test_a_removed_item_is_gone_and_can_be_added_again(store: Store) -> None:
    item = store.save(Item("a", "k", {}, keys={"of": "x"}))
    store.remove(item)
    assert store.get("a") is None
    assert store.count("of", "x") == 0
    store.add(Item("a", "k", {"n": 2}))
    assert stored(store, "a").state == {"n": 2}


def test_whoever_holds_an_item_that_was_removed_and_stored_anew_cannot_touch_the_new_one(store: Store) -> None:
    held = store.save(Item("a", "k", {"life": 1}))
    store.remove(held)
    new = store.save(Item("a", "k", {"life": 2}))
    with pytest.raises(Conflict):
        store.save(structs.replace(held, state={"life": "the old one's"}))
    with pytest.raises(Conflict):
        store.remove(held)
    assert store.get("a") == new


def test_whoever_holds_an_item_that_expired_and_was_stored_anew_cannot_touch_the_new_one(
    store: Store, clock: HandClock
) -> None:
    soon = clock.now() + timedelta(seconds=10)
    held, sibling = store.save_all([Item(one, "k", {"life": 1}, expires_at=soon) for one in ("a", "b")])
    clock.advance(timedelta(seconds=10))
    store.save(Item("a", "k", {"life": 2}), spawn=[Item("b", "k", {"life": 2})])
    for old in (held, sibling):
        with pytest.raises(Conflict):
            store.save(structs.replace(old, expires_at=None))
    assert [stored(store, one).state for one in "ab"] == [{"life": 2}] * 2


def test_saving_several_answers_each_as_it_is_stored(store: Store) -> None:
    parent = store.save(Item("parent", "k", {}))
    saved = store.save_all(
        [structs.replace(parent, state={"n": 1}), Item("new", "k", {})], spawn=[Item("child", "k", {})]
    )
    assert list(saved) == [stored(store, "parent"), stored(store, "new")]


def test_removing_what_somebody_else_changed_is_a_conflict(store: Store) -> None:
    read = store.save(Item("a", "k", {}))
    store.save(read)
    with pytest.raises(Conflict):
        store.remove(read)
    with pytest.raises(Conflict):
        store.remove(Item("nobody", "k", {}, version=1))
    assert store.get("a") is not None


def test_a_store_that_answers_is_ready(store: Store) -> None:
    store.ping()


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_page_ends_at_its_size_too_and_the_next_goes_on(store: Store, newest_first: bool) -> None:
    heavy = [Item(f"i{n:02d}", "k", {"text": "x" * 390_000}, keys={"of": "x"}) for n in range(25)]
    for item in heavy:
        store.add(item)
    pages = [store.by_index("of", "x", limit=500, newest_first=newest_first)]
    while pages[-1].cursor is not None:
        pages.append(store.by_index("of", "x", limit=500, cursor=pages[-1].cursor, newest_first=newest_first))
    assert [len(page.items) for page in pages] == [10, 10, 5]
    ids = [item.id for page in pages for item in page.items]
    assert ids == sorted((item.id for item in heavy), reverse=newest_first)


def test_all_items_whose_ids_begin_alike_are_looked_through_page_by_page(store: Store, clock: HandClock) -> None:
    for n in range(90):
        store.add(Item(f"a-{n:02d}", "k", {}), Item(f"b-{n:02d}", "k", {"n": n}), Item(f"b{n:02d}", "k", {}))
    store.add(Item("b-gone", "k", {}, expires_at=clock.now()), Item("b-\U0010fffe", "k", {}))
    found, cursor, pages = list[str](), None, 0
    while cursor is not None or not pages:
        page = store.look_through("b-", cursor=cursor, limit=40)
        found, cursor, pages = [*found, *(item.id for item in page.items)], page.cursor, pages + 1
    assert sorted(found) == [*(f"b-{n:02d}" for n in range(90)), "b-\U0010fffe"]
    assert pages > 2
