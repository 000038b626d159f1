"""The Store protocol over DynamoDB."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from service.core import Clock, Lane, SystemClock
from service.storage.audit_places import parse_place, place_of
from service.storage.aws_calls import COMMITTED_WITHIN_S, AwsCalls, QuietPeriod
from service.storage.aws_time import AwsTime
from service.storage.commits import ItemRow, WriteBatch, audit_row, commit_of, instant, micros, new_items
from service.storage.cursors import entry_size, from_cursor, item_size, page_of, to_cursor
from service.storage.dynamodb.audit import AuditTable
from service.storage.dynamodb.expressions import text
from service.storage.dynamodb.items import ItemTable
from service.storage.dynamodb.models import connect
from service.storage.dynamodb.shards import Shards
from service.storage.dynamodb.slots import SlotRegistry
from service.storage.dynamodb.tables import AUDIT_SHARDS, TableNames
from service.storage.dynamodb.writes import Look, Writes
from service.storage.gcra import SlotRequest
from service.storage.store import AuditEntry, AuditQuery, AuditText, Item, Page, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

logger = logging.getLogger(__name__)

SHARDS = 4
"""Partitions of a lane in the due index: each takes about 1,000 writes a second. See `shards`."""

ASK_TIME_EVERY_S = 1.0
"""How often AWS is asked for the time while this clock is wrong."""

_SYSTEM_CLOCK = SystemClock()
_TABLES = TableNames()


def _when_due(due_at: int, _now: int) -> int:
    return due_at


class DynamoStore:
    """A `Store` for any number of machines. The tables must be there (`create_tables`, `tocsin aws init`).

    Constructing it calls nothing. `connect` makes the client of each process, after it was forked, and
    `connect_for_many` that of calls about many rows (else it is the same); `pause`, `chance` and `elapsed` are the
    sleep, the randomness and the stop-watch of retries; `look` places items in the due index.
    """

    def __init__(
        self,
        connect: Callable[[], DynamoDBClient] = connect,
        tables: TableNames = _TABLES,
        clock: Clock = _SYSTEM_CLOCK,
        *,
        connect_for_many: Callable[[], DynamoDBClient] | None = None,
        shards: int = SHARDS,
        audit_shards: int = AUDIT_SHARDS,
        look: Look = _when_due,
        pause: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._ask_time_at = float("-inf")
        quiet, self._time = QuietPeriod(elapsed), AwsTime(clock)
        self._calls = AwsCalls("DynamoDB", connect, pause, chance, quiet=quiet, server_time=self._time, elapsed=elapsed)
        self._many = self._calls
        if connect_for_many is not None:
            self._many = AwsCalls(
                *("DynamoDB", connect_for_many, pause, chance),
                answered_within=COMMITTED_WITHIN_S,
                quiet=quiet,
                server_time=self._time,
                elapsed=elapsed,
            )
        slots = SlotRegistry(self._calls, tables.items)
        spread = Shards(self._calls, tables.items, shards)
        self._items = ItemTable(self._calls, self._many, tables.items, slots, spread)
        audit_spread = Shards(self._calls, tables.audit, audit_shards, "audit_id")
        self._writes = Writes(self._calls, self._many, tables, slots, spread, audit_spread, look)
        self._audit = AuditTable(self._calls, self._many, tables.audit, audit_spread)

    def add(self, *items: Item, audit: Sequence[AuditEntry] = ()) -> None:
        commit = new_items(items, audit)
        self._commit(commit)
        self._tell(commit.changes)

    def get(self, item_id: str) -> Item | None:
        return self._items.find(item_id, self._now())

    def get_many(self, item_ids: Sequence[str]) -> Mapping[str, Item]:
        return {item.id: item for item in self._items.find_many(item_ids, self._now())}

    def by_index(
        self, index: str, value: str, *, cursor: str | None = None, limit: int = 50, newest_first: bool = False
    ) -> Page[Item]:
        items = self._items.listed(index, value, from_cursor(cursor), limit + 1, newest_first, self._now())
        return page_of(items, limit, lambda item: item.id, item_size)

    def ids_by_index(self, index: str, value: str, *, cursor: str | None = None, limit: int = 50) -> Page[str]:
        ids = self._items.ids(index, value, from_cursor(cursor), limit + 1)
        return page_of(ids, limit, lambda item_id: item_id, len)

    def look_through(self, prefix: str, *, cursor: str | None = None, limit: int = 1_000) -> Page[Item]:
        items, after = self._items.beginning(prefix, from_cursor(cursor), limit, self._now())
        return Page(items, None if after is None else to_cursor(after))

    def count(self, index: str, value: str) -> int:
        return self._items.counted(index, value, self._now())

    def save(self, item: Item, *others: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()) -> Item:
        return self.save_all((item, *others), spawn=spawn, audit=audit)[0]

    def save_all(
        self,
        items: Sequence[Item],
        *,
        spawn: Sequence[Item] = (),
        audit: Sequence[AuditEntry] = (),
        held: bool = False,
    ) -> Sequence[Item]:
        commit = commit_of(items, spawn, audit)
        self._commit(commit)
        self._tell((*(commit.changes[1:] if held else commit.changes), *commit.children))
        return [row.after for row in commit.changes]

    def remove(self, item: Item) -> None:
        self._items.delete(item, self._now())

    def claim(self, lane: Lane, now: datetime, lease: timedelta, limit: int) -> Sequence[Item]:
        if self._clock_is_off():
            return ()
        claimed: list[Item] = []
        try:
            for hint in self._items.due(lane, micros(now)):
                if len(claimed) == limit or self._time.is_off:  # the answer to the query may be the first to tell
                    break
                taken = self._items.take(hint.id, lane, now, lease)
                if isinstance(taken, Item):
                    claimed.append(taken)
        except StoreUnavailable:
            if not claimed:
                raise
            # What was claimed must be worked on now, or it waits until its lease ends.
            logger.warning("A claim in lane %s was cut short: DynamoDB does not answer", lane, extra={"lane": lane})
        return tuple(claimed)

    def oldest_due(self, lane: Lane, now: datetime) -> datetime | None:
        due_at = self._items.oldest_due(lane, micros(now))
        return None if due_at is None else instant(due_at)

    def reserve(self, key: str, slots: int, per_second: float, now: datetime, burst: int = 1) -> datetime:
        wanted = SlotRequest(slots, per_second, burst, micros(now))
        return instant(wanted.usable(self._items.book(key, wanted)))

    def append(self, *entries: AuditEntry) -> None:
        self._commit(commit_of((), audit=entries))

    def audit_entry(self, audit_id: str) -> AuditEntry | None:
        return self._audit.find(audit_id)

    def audit_entries(self, query: AuditQuery, *, cursor: str | None = None, limit: int = 50) -> Page[AuditEntry]:
        after = parse_place(from_cursor(cursor))
        entries = self._audit.listed(query, None if after is None else str(after), limit + 1)
        return page_of(entries, limit, lambda entry: str(place_of(entry)), entry_size)

    def audit_texts(self, query: AuditQuery, *, cursor: str | None = None, limit: int = 50) -> Page[AuditText]:
        page = self.audit_entries(query, cursor=cursor, limit=limit)
        rows = ((entry, audit_row(entry)) for entry in page.items)
        texts = [AuditText(place.audit_id, place.request_id, row.at, place.raw_data, row.detail) for place, row in rows]
        return Page(texts, page.cursor)

    def count_audit(self, query: AuditQuery) -> int:
        return self._audit.counted(query)

    def upkeep(self, now: datetime) -> int:  # noqa: ARG002  (the protocol names it)
        """Nothing: DynamoDB forgets what expired by itself."""
        return 0

    def ping(self) -> None:
        self._calls(lambda client: client.get_item(TableName=self._tables.items, Key={"id": text("#ping")}))
        self._calls(lambda client: client.get_item(TableName=self._tables.audit, Key={"audit_id": text("#ping")}))

    def close(self) -> None:
        self._calls.close()
        self._many.close()

    def _clock_is_off(self) -> bool:
        """Whether this clock is too far from AWS's to claim by; then AWS is asked for the time about once a second."""
        if self._time.is_off and time.monotonic() >= self._ask_time_at:
            self._ask_time_at = time.monotonic() + ASK_TIME_EVERY_S
            self.ping()
        return self._time.is_off

    def _commit(self, commit: WriteBatch) -> None:
        self._audit.note_days(commit.audit)
        self._writes.commit(commit, self._now())

    def _tell(self, rows: Sequence[ItemRow]) -> None:
        """Tell workers of what was just committed: here they look for themselves."""

    def _now(self) -> int:
        return micros(self._clock.now())
