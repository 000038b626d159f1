"""Columns kept up with the audit: nothing lost, nothing double, and never believed where the audit says otherwise."""

from __future__ import annotations

import base64
import random
import re
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.audit.entry import EntryType
from service.core import exact_json
from service.core.clock import HandClock
from service.decide import language
from service.decide.decision import Compiled
from service.decide.ruleset import Ruleset
from service.rulesets.columns.segment_builder import SegmentWriter
from service.rulesets.columns.segment_store import head_of, stored_segments
from service.rulesets.library import Library, RulesetDraft
from service.rulesets.replay import Replay, ReplayedRequests
from service.rulesets.tally import Tally
from service.storage import AuditEntry, AuditQuery, Item
from service.storage.commits import EPOCH
from service.storage.sqlite import SqliteStore

NOON = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
FILE = """ruleset: loans
facts:
  age: {type: integer, min: 0, max: 130}
  amount: {type: decimal, scale: 2, min: 0}
  comment: {type: text, optional: true}
  mood: {sentiment of: comment}
rules:
  - {name: Young, when: age < 21, then: [{increase: amount, by: 20%}]}
  - {name: Glad, when: mood.positive > 0.5, then: [{decrease: amount, by: 1}]}
"""
DRAFT = FILE.replace("age < 21", "age < 25").replace("0.5", "0.9").replace("max: 130", "max: 99")


class Killed(BaseException):
    """The process dies here."""


class Mortal(SqliteStore):
    """A store whose process dies when it is about to make a commit, or has just made it."""

    dies: str | None = None

    def save(self, item: Item, *others: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()) -> Item:
        if self.dies == "before":
            raise Killed
        saved = super().save(item, *others, spawn=spawn, audit=audit)
        if self.dies == "after":
            raise Killed
        return saved


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> Iterator[Mortal]:
    opened = Mortal(tmp_path / "columns.db", clock)
    Library(opened, clock).publish(RulesetDraft("loans", FILE, "test"))
    yield opened
    opened.close()


def following(store: SqliteStore, clock: HandClock, rows: int = 10) -> SegmentWriter:
    return SegmentWriter(Library(store, clock), store, clock, rows=rows)


def put(store: SqliteStore, number: int, at: datetime, request: Mapping[str, object], answered: bool = True) -> None:
    """What one evaluation leaves behind; comments are taken to be glad or not by chance."""
    evaluation, random_ = f"e{number:04d}", random.Random(number)
    raw = exact_json.dumps({"context": {}, "request": request})
    detail: dict[str, object] = {"evaluation_id": evaluation}
    asked = AuditEntry(f"{evaluation}-1", f"r-{number}", EntryType.REQUEST, at, "app", raw, "loans", detail)
    scores = {f"mood.{name}": f"{random_.random():.4f}" for name in ("positive", "negative", "neutral", "mixed")}
    computed = {"derived": {"mood.label": "Positive", **scores}} if request.get("comment") else {}
    said = replace(asked, audit_id=f"{evaluation}-2", entry_type=EntryType.RESPONSE, detail={**detail, **computed})
    store.append(asked, *([said] if answered else []))


def ask(store: SqliteStore, first: int, many: int, at: datetime | None = None) -> None:
    """Requests one a second, or all at one instant; the last one is not answered."""
    random_ = random.Random(first)
    for number in range(first, first + many):
        request = {
            "age": random_.choice([18, "22", 30, 110, None]),
            "amount": f"{random_.randrange(200, 9_000) / 100:.2f}",
            "comment": random_.choice([None, "nice"]),
        }
        put(store, number, at or NOON + timedelta(seconds=number), request, answered=number < first + many - 1)


def segments(store: SqliteStore) -> int:
    return head_of(store, "loans")[0].segments


def pages(
    store: SqliteStore, columns: int, query: AuditQuery | None = None, cursor: str | None = None
) -> list[ReplayedRequests]:
    old, new = (Compiled(sound(text)) for text in (FILE, DRAFT))
    return list(Replay(store, query or AuditQuery(ruleset="loans"), old, new, 7, columns).pages(cursor))


def sound(text: str) -> Ruleset:
    ruleset = language.parse(text).ruleset
    assert ruleset is not None
    return ruleset


def report(found: Sequence[ReplayedRequests]) -> object:
    tally = Tally()
    for page in found:
        tally.add(page.tally)
    return tally.as_json()


def raw(store: SqliteStore, query: AuditQuery | None = None) -> object:
    return report(pages(store, 0, query))


def test_settled_requests_become_segments_and_the_report_stays_the_same(store: Mortal, clock: HandClock) -> None:
    ask(store, 0, 45)
    clock.advance(timedelta(minutes=1))
    assert following(store, clock).follow() == 0  # an answer may still be on its way
    clock.advance(timedelta(minutes=2))
    assert following(store, clock).follow() == 4
    assert sum(one.segment.rows for one in stored_segments(store, "loans", EPOCH, 4) if one.segment) == 40
    found = pages(store, 4)
    assert report(found) == raw(store)
    assert "'requests': 45" in str(report(found))
    assert len(found) == 5  # four segments, and what they do not hold yet
    assert following(store, clock).follow() == 0


def test_a_request_that_columns_cannot_decide_is_looked_up_in_the_audit(store: Mortal, clock: HandClock) -> None:
    glad = next(number for number in range(900, 999) if random.Random(number).random() > 0.95)
    put(store, glad, NOON, {"age": 30, "amount": "0.50", "comment": "nice"})  # no action makes it negative
    ask(store, 0, 200)
    clock.advance(timedelta(minutes=5))
    assert following(store, clock, rows=150).follow() == 1
    found = pages(store, 1)
    assert (len(found), report(found)) == (1 + 8, raw(store))  # a segment, and pages of seven
    assert 'rule "Glad" would make it -0.50' in str(found[0].tally.not_compared.samples)


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_follower_that_dies_loses_and_doubles_nothing(store: Mortal, clock: HandClock, dies: str) -> None:
    ask(store, 0, 30)
    clock.advance(timedelta(minutes=3))
    store.dies = dies
    for _ in range(3):
        with pytest.raises(Killed):
            following(store, clock).follow()
    store.dies = None
    following(store, clock).follow()
    assert segments(store) == 3
    assert [one.segment.rows for one in stored_segments(store, "loans", EPOCH, 3) if one.segment] == [10, 10, 10]
    assert report(pages(store, 3)) == raw(store)


def test_two_followers_at_once_make_each_segment_once(store: Mortal, clock: HandClock, tmp_path: Path) -> None:
    ask(store, 0, 30)
    clock.advance(timedelta(minutes=3))

    class Overtaken(SqliteStore):
        """A store in which another follower commits just before this one."""

        def save(self, item: Item, *others: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()) -> Item:
            following(store, clock).follow()
            return super().save(item, *others, spawn=spawn, audit=audit)

    assert following(Overtaken(tmp_path / "columns.db", clock), clock).follow() == 0
    assert segments(store) == 3
    assert report(pages(store, 3)) == raw(store)


def test_an_entry_that_comes_late_is_counted_all_the_same(store: Mortal, clock: HandClock) -> None:
    ask(store, 0, 30)
    clock.advance(timedelta(minutes=3))
    following(store, clock).follow()
    ask(store, 100, 2, at=NOON + timedelta(seconds=12))
    assert report(pages(store, 3)) == raw(store)
    assert "'requests': 32" in str(raw(store))


def test_what_is_erased_from_the_audit_is_not_read_from_columns(
    store: Mortal, clock: HandClock, tmp_path: Path
) -> None:
    ask(store, 0, 30)
    clock.advance(timedelta(minutes=3))
    following(store, clock).follow()
    with sqlite3.connect(tmp_path / "columns.db") as connection:
        connection.execute("DELETE FROM audit WHERE request_id IN ('r-3', 'r-4', 'r-17')")
    assert report(pages(store, 3)) == raw(store)
    assert "'requests': 27" in str(raw(store))


def test_what_is_erased_from_the_audit_is_soon_in_no_column_either(
    store: Mortal, clock: HandClock, tmp_path: Path
) -> None:
    ask(store, 0, 25)
    put(store, 500, NOON + timedelta(seconds=7), {"age": 30, "amount": "1.00", "comment": "Hilde Erasmus"})
    clock.advance(timedelta(minutes=3))
    following(store, clock).follow()
    assert b"Hilde" in in_columns(tmp_path)
    with sqlite3.connect(tmp_path / "columns.db") as connection:
        connection.execute("DELETE FROM audit WHERE raw_data LIKE '%Hilde%'")
    assert following(store, clock).mend() == 1
    assert b"Hilde" not in in_columns(tmp_path)
    assert b"nice" in in_columns(tmp_path)
    assert following(store, clock).mend() == 0
    assert [one.entries for one in stored_segments(store, "loans", EPOCH, 2)] == [18, 20]
    assert len(pages(store, 2)) == 3  # both are read, and what they do not hold yet
    assert report(pages(store, 2)) == raw(store)


def test_a_time_of_which_everything_is_erased_leaves_nothing_in_columns(
    store: Mortal, clock: HandClock, tmp_path: Path
) -> None:
    ask(store, 0, 25)
    clock.advance(timedelta(minutes=3))
    following(store, clock).follow()
    with sqlite3.connect(tmp_path / "columns.db") as connection:
        connection.execute("DELETE FROM audit")
    assert following(store, clock).mend() == 2
    assert in_columns(tmp_path) == b""
    assert following(store, clock).mend() == 0
    assert report(pages(store, 2)) == raw(store)


def test_what_came_late_is_read_from_columns_too_once_they_are_mended(store: Mortal, clock: HandClock) -> None:
    ask(store, 0, 30)
    clock.advance(timedelta(minutes=3))
    following(store, clock).follow()
    ask(store, 100, 2, at=NOON + timedelta(seconds=12))
    assert following(store, clock).mend() == 1
    assert [one.segment.rows for one in stored_segments(store, "loans", EPOCH, 3) if one.segment] == [10, 12, 10]
    assert report(pages(store, 3)) == raw(store)


def in_columns(folder: Path) -> bytes:
    """Everything that the file's rows of segments hold, uncompressed."""
    with sqlite3.connect(folder / "columns.db") as connection:
        states = [state for (state,) in connection.execute("SELECT state FROM items WHERE kind = 'segment'")]
    packed = [text for state in states for text in re.findall(r'"(eA[^"]+)"', state)]  # zlib's first byte, in base 64
    return b"".join(zlib.decompress(base64.b64decode(text)) for text in packed)


def test_a_time_is_cut_out_of_the_middle_of_segments(store: Mortal, clock: HandClock) -> None:
    ask(store, 0, 45)
    clock.advance(timedelta(minutes=3))
    following(store, clock).follow()
    for first, last in ((0, 45), (3, 8), (9, 31), (12, 44), (44, 60), (50, 60), (10, 20)):
        since, until = NOON + timedelta(seconds=first), NOON + timedelta(seconds=last)
        query = AuditQuery(ruleset="loans", since=since, until=until)
        assert report(pages(store, 4, query)) == raw(store, query)


def test_a_replay_goes_on_from_any_page_whatever_followers_add_meanwhile(store: Mortal, clock: HandClock) -> None:
    ask(store, 0, 45)
    clock.advance(timedelta(minutes=3))
    following(store, clock, rows=20).follow()
    ask(store, 100, 2, at=NOON + timedelta(seconds=33))  # so that the second segment is not read
    whole = pages(store, 2)
    following(store, clock, rows=5).follow()
    assert segments(store) > 2
    for done in range(len(whole) - 1):
        assert report([*whole[: done + 1], *pages(store, 2, cursor=whole[done].cursor)]) == report(whole) == raw(store)


def test_requests_of_one_instant_stay_together(store: Mortal, clock: HandClock) -> None:
    ask(store, 0, 25, at=NOON)
    ask(store, 100, 25, at=NOON + timedelta(seconds=1))
    clock.advance(timedelta(minutes=3))
    assert following(store, clock).follow() == 2
    assert report(pages(store, 2)) == raw(store)


def ask_at_length(store: SqliteStore, first: int, many: int) -> None:
    """Requests of 45 kB, of random names: those of a segment of 40 are too large for an item."""
    random_ = random.Random(first)
    for number in range(first, first + many):
        names = {f"n{position}": random_.randbytes(90).hex() for position in range(250)}
        raw_data = exact_json.dumps({"request": {"age": 18, "amount": 1, **names}})
        at = NOON + timedelta(seconds=number - first)
        store.append(AuditEntry(f"e{number}-1", f"r-{number}", EntryType.REQUEST, at, "app", raw_data, "loans"))


def test_requests_that_are_too_large_for_an_item_make_smaller_segments(store: Mortal, clock: HandClock) -> None:
    ask_at_length(store, 0, 80)
    clock.advance(timedelta(minutes=3))
    following(store, clock, rows=40).follow()
    found = [one.segment for one in stored_segments(store, "loans", EPOCH, segments(store))]
    assert len(found) > 1
    assert all(found)
    assert report(pages(store, segments(store))) == raw(store)


def test_two_workers_that_mend_one_segment_which_grew_too_large_leave_it_to_the_audit(
    store: Mortal, clock: HandClock, tmp_path: Path
) -> None:
    ask(store, 0, 40)
    clock.advance(timedelta(minutes=3))
    following(store, clock, rows=40).follow()
    ask_at_length(store, 400, 40)
    mended: list[int] = []

    class Overtaken(SqliteStore):
        """A store in which another worker has mended the segment just before this one."""

        def save(self, item: Item, *others: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()) -> Item:
            mended.append(following(store, clock).mend())
            return super().save(item, *others, spawn=spawn, audit=audit)

    assert following(Overtaken(tmp_path / "columns.db", clock), clock).mend() == 0
    assert mended[0] == 1, "the other one did it"
    assert not any(mended[1:])
    assert [(one.segment, one.entries) for one in stored_segments(store, "loans", EPOCH, 1)] == [(None, 119)]
    assert report(pages(store, 1)) == raw(store)
