"""Replaying recorded requests with another version: from columns, and the whole way from raw audit entries.

The floor is reading the same entries and nothing more. On a sample both reports must equal that of asking the engine
for every single request of both versions, without a memo.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from bench.report import table
from service.audit.entry import EntryType
from service.core import exact_json
from service.core.clock import HandClock
from service.decide.decision import Compiled
from service.decide.language import parse
from service.rulesets.columns.segment_builder import SegmentWriter, texts
from service.rulesets.columns.segment_store import head_of
from service.rulesets.comparing import answer
from service.rulesets.library import Library, RulesetDraft
from service.rulesets.recorded import recorded_request
from service.rulesets.replay import PAGE, Replay
from service.rulesets.tally import Tally
from service.storage import AuditEntry, AuditQuery, Store
from service.storage.sqlite import SqliteStore

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
REQUESTS, QUICK, SAMPLE = 1_000_000, 40_000, 20_000
TARGET, FROM_COLUMNS = 10.0, 1.0
"""Seconds for a million requests, from raw entries and from columns."""
BATCH = 100
REQUESTS_ONLY = AuditQuery(ruleset="premium", entry_type=EntryType.REQUEST)

FILE = """ruleset: premium
facts:
  driver.age:     {type: integer, min: 0, max: 130}
  driver.name:    {type: text, optional: true}
  car.style:      {type: text}
  car.color:      {type: text}
  policy.id:      {type: text}
  policy.premium: {type: decimal, scale: 2, min: 0}
rules:
  - name: High Risk
    when: car.style == "SPORTS" and car.color == "RED" and driver.age < 21
    then: [{increase: policy.premium, by: 20%}]
  - name: Med Risk
    when: car.style == "SPORTS" and car.color == "RED" and driver.age > 21
    then: [{increase: policy.premium, by: 10%}]
"""
DRAFT = FILE.replace("> 21", ">= 21").replace("by: 10%", "by: 11%")


def run(quick: bool = False) -> Mapping[str, object]:
    """Seconds to replay either way, seconds to read alone, requests a second, and whether the targets are met."""
    requests = QUICK if quick else REQUESTS
    clock = HandClock(BEGAN)
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "bench.db", clock)
        Library(store, clock).publish(RulesetDraft("premium", FILE, "bench"))
        seconds = {"writing": _timed(lambda: _write(store, requests)), "reading alone": _timed(lambda: _read(store))}
        tallies: dict[str, Tally] = {}
        seconds["from raw entries"] = _timed(lambda: tallies.update(raw=_replayed(store, 0)))
        clock.advance(timedelta(days=1))
        follower = SegmentWriter(Library(store, clock), store, clock)
        seconds["into columns"] = _timed(follower.follow)
        segments = head_of(store, "premium")[0].segments
        seconds["from columns"] = min(_timed(lambda: tallies.update(columns=_replayed(store, segments))) for _ in "123")
        equal = _equals_one_by_one(store, segments) and tallies["raw"].as_json() == tallies["columns"].as_json()
        store.close()
    rows = [[name, f"{took:.2f}", f"{requests / took:,.0f}"] for name, took in seconds.items()]
    table(f"{requests:,} audited requests, request and response entries", ["", "seconds", "requests/s"], rows)
    million = {name: took * 1_000_000 / requests for name, took in seconds.items()}
    print(
        f"  {tallies['raw'].changed:,} of {tallies['raw'].requests:,} changed, counted alike: {equal}; a million takes"
    )
    print(f"  {million['from raw entries']:.1f} s from raw entries (target {TARGET:.0f} s),", end=" ")
    print(f"{million['from columns']:.2f} s from columns (target {FROM_COLUMNS:.0f} s)")
    return {
        "requests": tallies["raw"].requests,
        "changed": tallies["raw"].changed,
        "seconds": seconds,
        "seconds per million": million,
        "ratio to reading alone": seconds["from raw entries"] / seconds["reading alone"],
        "equal_to_one_by_one": equal,
        "met": equal
        and tallies["raw"].requests == requests
        and million["from raw entries"] < TARGET
        and million["from columns"] < FROM_COLUMNS,
    }


def _timed(do: Callable[[], object]) -> float:
    began = perf_counter()
    do()
    return perf_counter() - began


def _write(store: Store, requests: int) -> None:
    random_ = random.Random(1)
    for first in range(0, requests, BATCH // 2):
        numbers = range(first, min(first + BATCH // 2, requests))
        store.append(*(entry for number in numbers for entry in _entries(number, random_)))


def _entries(number: int, random_: random.Random) -> tuple[AuditEntry, AuditEntry]:
    """What one evaluation leaves behind."""
    at, evaluation, request_id = BEGAN + timedelta(milliseconds=number), f"e{number:09d}", f"r-{number}"
    request = {
        "driver": {"age": str(random_.randrange(16, 90)), "name": "Brian"},
        "car": {
            "make": "honda",
            "style": random_.choice(["SPORTS", "SEDAN"]),
            "color": random_.choice(["RED", "BLUE"]),
        },
        "policy": {"id": str(number), "premium": f"{random_.randrange(10_000, 90_000) / 100:.2f}"},
    }
    asked = exact_json.dumps({"context": {"request_id": request_id}, "request": request})
    detail = {"evaluation_id": evaluation, "via": "evaluations"}
    said = exact_json.dumps({"request_id": request_id, "evaluation_id": evaluation, "fired": [], "result": request})
    particulars = {**detail, "name": "premium", "version": 1, "fired": [], "decided_by": "memo"}
    name = "premium"
    return (
        AuditEntry(f"{evaluation}-1", request_id, EntryType.REQUEST, at, "bench", asked, name, detail),
        AuditEntry(f"{evaluation}-2", request_id, EntryType.RESPONSE, at, "bench", said, name, particulars),
    )


def _read(store: Store) -> None:
    cursor: str | None = None
    while True:
        page = store.audit_entries(REQUESTS_ONLY, cursor=cursor, limit=PAGE)
        cursor = page.cursor
        if cursor is None:
            return


def _replayed(store: Store, segments: int, until: datetime | None = None) -> Tally:
    query, tally = AuditQuery(ruleset="premium", until=until), Tally()
    for page in Replay(store, query, _compiled(FILE), _compiled(DRAFT), segments=segments).pages():
        tally.add(page.tally)
    return tally


def _equals_one_by_one(store: Store, segments: int) -> bool:
    """Whether the first `SAMPLE` requests come to the same when the engine is asked for each of them."""
    until, old, new, single = BEGAN + timedelta(milliseconds=SAMPLE), _compiled(FILE), _compiled(DRAFT), Tally()
    for text in texts(store, replace(REQUESTS_ONLY, until=until)):
        asked = recorded_request(text, {})
        assert asked is not None, "each holds facts"
        old.forget()
        new.forget()
        single.count(asked.request_id, answer(old, asked), answer(new, asked))
    alike = [_replayed(store, count, until).as_json() == single.as_json() for count in (0, segments)]
    return single.requests == SAMPLE and all(alike)


def _compiled(source: str) -> Compiled:
    ruleset = parse(source).ruleset
    assert ruleset is not None
    return Compiled(ruleset)
