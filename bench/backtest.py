"""Replaying recorded requests with another version: the whole way, from raw audit entries in a store to the report.

The floor is reading the same entries and nothing more. On a sample the report must equal that of asking the engine
for every single request of both versions, without a memo.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from bench.report import table
from service import exact_json
from service.audit.entry import EntryType
from service.clock import HandClock
from service.decide.decision import Compiled
from service.decide.language import parse
from service.rulesets.comparing import answer
from service.rulesets.recorded import recorded
from service.rulesets.replay import PAGE, Replay
from service.rulesets.tally import Tally
from service.storage import AuditEntry, AuditQuery, Store
from service.storage.sqlite import SqliteStore

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
REQUESTS, QUICK, SAMPLE = 1_000_000, 50_000, 20_000
TARGET = 10.0
"""Seconds for a million requests."""
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
    """Seconds to replay, seconds to read alone, requests a second, and whether the target is met."""
    requests = QUICK if quick else REQUESTS
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "bench.db", HandClock(BEGAN))
        written = _timed(lambda: _write(store, requests))
        reading = _timed(lambda: _read(store))
        began = perf_counter()
        tally = _replayed(store)
        replaying = perf_counter() - began
        equal = _equals_one_by_one(store)
        store.close()
    per_million = replaying * 1_000_000 / requests
    rows = [
        ["writing", f"{written:.2f}", f"{requests / written:,.0f}"],
        ["reading alone", f"{reading:.2f}", f"{requests / reading:,.0f}"],
        ["replaying", f"{replaying:.2f}", f"{requests / replaying:,.0f}"],
    ]
    table(f"{requests:,} audited requests, request and response entries", ["", "seconds", "requests/s"], rows)
    print(f"  {tally.changed:,} changed; a million would take {per_million:.1f} s (target {TARGET:.0f} s)")
    return {
        "requests": tally.requests,
        "changed": tally.changed,
        "seconds": {"writing": written, "reading": reading, "replaying": replaying, "per_million": per_million},
        "ratio to reading alone": replaying / reading,
        "equal_to_one_by_one": equal,
        "met": equal and tally.requests == requests and per_million < TARGET,
    }


def _timed(do: Callable[[], None]) -> float:
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


def _replayed(store: Store) -> Tally:
    tally = Tally()
    for page in Replay(store, AuditQuery(ruleset="premium"), _compiled(FILE), _compiled(DRAFT)).pages():
        tally.add(page.tally)
    return tally


def _equals_one_by_one(store: Store) -> bool:
    """Whether the first `SAMPLE` requests come to the same when the engine is asked for each of them."""
    query = AuditQuery(ruleset="premium", until=BEGAN + timedelta(milliseconds=SAMPLE))
    old, new, single, replayed = _compiled(FILE), _compiled(DRAFT), Tally(), Tally()
    for page in Replay(store, query, old, new).pages():
        replayed.add(page.tally)
    cursor: str | None = None
    while True:
        entries = store.audit_entries(query, cursor=cursor, limit=PAGE)
        for entry in entries.items:
            if entry.entry_type == EntryType.REQUEST and (asked := recorded(entry, {})) is not None:
                old.forget()
                new.forget()
                single.count(entry.request_id, answer(old, asked), answer(new, asked))
        cursor = entries.cursor
        if cursor is None:
            return single.requests == SAMPLE and single.as_json() == replayed.as_json()


def _compiled(source: str) -> Compiled:
    ruleset = parse(source).ruleset
    assert ruleset is not None
    return Compiled(ruleset)
