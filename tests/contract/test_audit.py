"""The audit: appended to, found by request, ruleset and time, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from service.storage import AlreadyExists, AuditEntry, AuditQuery, Store
from service.storage.cursors import BadCursor

START = datetime(2026, 5, 10, 23, 59, 59, 999990, tzinfo=UTC)


def entry(n: int, request_id: str = "REQ-1", ruleset: str | None = "premium", at: datetime | None = None) -> AuditEntry:
    """The n-th entry: they lie hours apart, so that a few of them span days."""
    return AuditEntry(
        f"e{n:03d}", request_id, "request", at or START + n * timedelta(hours=5), "shop", '{"n": 1.50}', ruleset
    )


def ids(store: Store, query: AuditQuery, limit: int = 50) -> list[str]:
    return [found.audit_id for found in walk(store, query, limit)]


def walk(store: Store, query: AuditQuery, limit: int) -> Iterator[AuditEntry]:
    page = store.audit_entries(query, limit=limit)
    yield from page.items
    while page.cursor:
        page = store.audit_entries(query, cursor=page.cursor, limit=limit)
        assert 0 < len(page.items) <= limit
        yield from page.items


def test_an_entry_comes_back_exactly_as_it_was_written(store: Store) -> None:
    written = AuditEntry(
        "e1", "REQ ü/1", "response", START, "shop", ' {"a":1.10,"text":"£\\u0000 🔥"}\r\n', None,
        {"premium": Decimal("360.00"), "fired": ["High Risk"], "none": None},
    )  # fmt: skip
    store.append(written)
    assert store.audit_entry("e1") == written
    assert store.audit_entries(AuditQuery(request_id="REQ ü/1")).items == [written]


def test_an_entry_that_is_not_there_is_none(store: Store) -> None:
    assert store.audit_entry("nothing") is None
    assert store.audit_entry("#day#2026-05-10") is None


def test_an_entry_is_never_overwritten(store: Store) -> None:
    store.append(entry(1))
    with pytest.raises(AlreadyExists, match="e001"):
        store.append(entry(2), replace(entry(1), raw_data="{}"))
    assert store.audit_entry("e001") == entry(1)
    assert store.audit_entry("e002") is None


def test_entries_of_one_request_are_listed_in_time_order(store: Store) -> None:
    store.append(*(entry(n) for n in (3, 1, 2)), entry(4, "REQ-2"))
    assert ids(store, AuditQuery(request_id="REQ-1")) == ["e001", "e002", "e003"]


def test_a_request_id_used_twice_lists_both_requests(store: Store) -> None:
    store.append(entry(1), entry(2))
    store.append(entry(8), entry(9))
    assert ids(store, AuditQuery(request_id="REQ-1")) == ["e001", "e002", "e008", "e009"]


def test_entries_of_one_microsecond_are_listed_by_id(store: Store) -> None:
    store.append(*(entry(n, at=START) for n in (2, 9, 1, 5)))
    for query in (AuditQuery(), AuditQuery(ruleset="premium"), AuditQuery(request_id="REQ-1")):
        assert ids(store, query, limit=1) == ["e001", "e002", "e005", "e009"]


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_every_list_can_be_walked_page_by_page(store: Store, limit: int) -> None:
    for n in range(24):
        store.append(entry(n, f"REQ-{n % 2}", ("premium", "purchase", None)[n % 3]))
    everything = [f"e{n:03d}" for n in range(24)]
    assert ids(store, AuditQuery(), limit) == everything
    assert ids(store, AuditQuery(request_id="REQ-1"), limit) == everything[1::2]
    assert ids(store, AuditQuery(ruleset="purchase"), limit) == everything[1::3]
    assert ids(store, AuditQuery(request_id="REQ-0", ruleset="premium"), limit) == everything[::6]


@pytest.mark.parametrize("query", [AuditQuery(), AuditQuery(ruleset="premium"), AuditQuery(request_id="REQ-1")])
def test_a_range_of_time_includes_its_start_and_not_its_end(store: Store, query: AuditQuery) -> None:
    for n in range(12):
        store.append(entry(n))
    since, until = entry(3).at, entry(9).at
    microsecond = timedelta(microseconds=1)
    assert ids(store, replace(query, since=since), 2) == [f"e{n:03d}" for n in range(3, 12)]
    assert ids(store, replace(query, until=until), 2) == [f"e{n:03d}" for n in range(9)]
    assert ids(store, replace(query, since=since, until=until)) == [f"e{n:03d}" for n in range(3, 9)]
    assert ids(store, replace(query, since=since + microsecond, until=until + microsecond)) == [
        f"e{n:03d}" for n in range(4, 10)
    ]
    assert ids(store, replace(query, since=until, until=since)) == []


def test_a_list_over_all_time_finds_entries_that_lie_years_apart(store: Store) -> None:
    years = [datetime(year, 2, 28, tzinfo=UTC) for year in (2019, 2024, 2026)]
    for n, at in enumerate(years):
        store.append(entry(n, at=at))
    assert ids(store, AuditQuery(), limit=1) == ["e000", "e001", "e002"]


def test_walking_goes_on_correctly_while_entries_are_appended(store: Store) -> None:
    store.append(*(entry(n) for n in range(0, 8, 2)))
    page = store.audit_entries(AuditQuery(), limit=2)
    store.append(entry(1), entry(5))
    rest = store.audit_entries(AuditQuery(), cursor=page.cursor)
    assert [found.audit_id for found in (*page.items, *rest.items)] == ["e000", "e002", "e004", "e005", "e006"]


def test_a_cursor_that_is_not_ours_is_refused(store: Store) -> None:
    for cursor in ("é", "bm90IG91cnM"):
        with pytest.raises(BadCursor):
            store.audit_entries(AuditQuery(), cursor=cursor)


def test_entries_of_one_type_are_listed_without_the_others(store: Store) -> None:
    entries = [replace(entry(n), entry_type="request" if n % 3 else "response") for n in range(12)]
    store.append(*entries)
    wanted = [one.audit_id for one in entries if one.entry_type == "response"]
    assert ids(store, AuditQuery(ruleset="premium", entry_type="response"), limit=2) == wanted
    assert ids(store, AuditQuery(entry_type="response")) == wanted


def test_as_many_entries_are_counted_as_are_listed(store: Store) -> None:
    store.append(*(entry(n, f"REQ-{n % 2}", "premium" if n % 3 else "purchase") for n in range(12)))
    store.append(replace(entry(12), entry_type="response"), replace(entry(13), ruleset=None))
    since, until = START + timedelta(hours=5), START + timedelta(hours=50)
    queries = [
        AuditQuery(),
        AuditQuery(ruleset="premium"),
        AuditQuery(request_id="REQ-1"),
        AuditQuery(request_id="REQ-1", ruleset="premium"),
        AuditQuery(ruleset="premium", entry_type="request"),
        AuditQuery(since=since, until=until),
        AuditQuery(ruleset="premium", since=since, until=until),
        AuditQuery(ruleset="nobody's"),
    ]
    assert [store.count_audit(query) for query in queries] == [len(ids(store, query)) for query in queries]
    assert store.count_audit(AuditQuery()) == 14


def test_a_page_ends_at_its_size_too_and_the_next_goes_on(store: Store) -> None:
    raw = '{"text":"' + "é" * 150_000 + '"}'
    written = [replace(entry(n), raw_data=raw) for n in range(30)]
    for one in written:
        store.append(one)
    pages = [store.audit_entries(AuditQuery(), limit=500)]
    while pages[-1].cursor is not None:
        pages.append(store.audit_entries(AuditQuery(), cursor=pages[-1].cursor, limit=500))
    assert [len(page.items) for page in pages] == [13, 13, 4]
    assert [one.audit_id for page in pages for one in page.items] == [one.audit_id for one in written]
    texts = store.audit_texts(AuditQuery(), limit=5_000)
    assert (len(texts.items), texts.cursor is None) == (13, False)


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize(
    "query",
    [
        AuditQuery(),
        AuditQuery(ruleset="premium"),
        AuditQuery(request_id="REQ-1"),
        AuditQuery(entry_type="request"),
        AuditQuery(since=START + timedelta(hours=10), until=START + timedelta(hours=41)),
    ],
    ids=["all", "of a ruleset", "of a request", "of a type", "of a time"],
)
def test_newest_first_is_the_list_the_other_way_round(store: Store, query: AuditQuery, limit: int) -> None:
    store.append(*(entry(n, request_id=f"REQ-{n % 2}", ruleset="premium" if n % 3 else None) for n in range(10)))
    store.append(entry(10, at=START), entry(11, at=START))  # several of one instant
    oldest_first = ids(store, query)
    assert len(oldest_first) > 3
    assert ids(store, replace(query, newest_first=True), limit) == oldest_first[::-1]
