"""The audit's own table: lists merged from the shards of its indexes."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from service.core import timestamp
from service.storage.aws_calls import AwsCalls, checked_whole
from service.storage.commits import AuditRow
from service.storage.dynamodb.batches import fetch, fetch_one, fetched
from service.storage.dynamodb.expressions import text
from service.storage.dynamodb.queries import IndexQuery, pages, request
from service.storage.dynamodb.rows import day_of, entry_of, sharded
from service.storage.dynamodb.shards import Shards
from service.storage.dynamodb.tables import AUDIT_BY_DAY, AUDIT_BY_REQUEST, AUDIT_BY_RULESET, Index
from service.storage.store import AuditEntry, AuditQuery

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutItemInputTypeDef

_DAYS = "days"
"""The partition of `by_day` that lists the days which have entries, so that a list over all time needs no scan."""

COUNTED_AT_ONCE = 500
"""Entries that are asked for at once to be counted."""

_FIRST, _LAST = "0", "9999-12-31T~"
"""Before and after every place."""


@dataclass(frozen=True, slots=True)
class PlaceRange:
    """Places from `first` to `last`, both included, in this order or the other way round."""

    first: str
    last: str
    newest_first: bool = False

    @property
    def days(self) -> PlaceRange:
        """The days that it touches."""
        return PlaceRange(day_of(self.first), day_of(self.last), self.newest_first)


class AuditTable:
    """Reads of the audit; entries are appended by `writes`, after `note_days`."""

    def __init__(
        self, calls: AwsCalls[DynamoDBClient], many: AwsCalls[DynamoDBClient], table: str, shards: Shards
    ) -> None:
        self._calls = calls
        self._many = many
        self._table = table
        self._shards = shards
        self._days_noted: set[str] = set()

    def find(self, audit_id: str) -> AuditEntry | None:
        """One entry, by a consistent read."""
        return entry_of(fetch_one(self._calls, self._table, "audit_id", audit_id))

    def note_days(self, rows: Sequence[AuditRow]) -> None:
        """Write down the days of entries that are about to be appended: once a day and process."""
        for day in {day_of(timestamp(row.entry.at)) for row in rows} - self._days_noted:
            self._note_day(day)
            self._days_noted.add(day)

    def _note_day(self, day: str) -> None:
        row = {"audit_id": text(f"#day#{day}"), AUDIT_BY_DAY.partition: text(_DAYS), AUDIT_BY_DAY.sort: text(day)}
        put: PutItemInputTypeDef = {"TableName": self._table, "Item": row, "ReturnConsumedCapacity": "TOTAL"}
        self._calls(lambda client: checked_whole(client.put_item(**put), "ConsumedCapacity"))

    def listed(self, query: AuditQuery, after: str | None, limit: int) -> Iterator[AuditEntry]:
        """Up to `limit` entries that match and come after a place, in the query's order, some read at a time."""
        places = (place for place in self._places(query, _span(query, after), limit) if place[0] != after)
        left = limit
        while left > 0 and (batch := list(islice(places, left))):
            for row in fetched(self._many, self._table, "audit_id", (audit_id for _, audit_id in batch)):
                entry = entry_of(row)
                if entry is not None and _is_of(query, entry):
                    left -= 1
                    yield entry

    def counted(self, query: AuditQuery) -> int:
        """How many entries match: by an index alone where that tells."""
        places = self._places(query, _span(query, None), COUNTED_AT_ONCE)
        if query.entry_type is None and None in (query.request_id, query.ruleset):
            return sum(1 for _ in places)
        count = 0
        while batch := list(islice(places, COUNTED_AT_ONCE)):
            rows = fetch(self._many, self._table, "audit_id", (audit_id for _, audit_id in batch))
            count += sum(1 for row in rows if (entry := entry_of(row)) is not None and _is_of(query, entry))
        return count

    def _places(self, query: AuditQuery, span: PlaceRange, limit: int) -> Iterator[tuple[str, str]]:
        if span.first > span.last:
            return iter(())
        if query.request_id is not None:
            return self._in(AUDIT_BY_REQUEST, query.request_id, span, limit)
        if query.ruleset is not None:
            return self._merged(AUDIT_BY_RULESET, query.ruleset, span, limit)
        days = self._in(AUDIT_BY_DAY, _DAYS, span.days, limit)
        return (place for day, _ in days for place in self._merged(AUDIT_BY_DAY, day, span, limit))

    def _merged(self, index: Index, partition: str, span: PlaceRange, limit: int) -> Iterator[tuple[str, str]]:
        shards = (sharded(partition, shard) for shard in range(self._shards.to_read()))
        return heapq.merge(*(self._in(index, shard, span, limit) for shard in shards), reverse=span.newest_first)

    def _in(self, index: Index, partition: str, span: PlaceRange, limit: int) -> Iterator[tuple[str, str]]:
        condition = f"#{index.partition} = :partition AND #{index.sort} BETWEEN :first AND :last"
        values = {":partition": text(partition), ":first": text(span.first), ":last": text(span.last)}
        query = IndexQuery(self._table, index.name, condition, values, newest_first=span.newest_first)
        for page in pages(self._calls, request(query, limit)):
            yield from ((row[index.sort]["S"], row["audit_id"]["S"]) for row in page["Items"])


def _span(query: AuditQuery, after: str | None) -> PlaceRange:
    since = _FIRST if query.since is None else timestamp(query.since)
    last = _LAST if query.until is None else timestamp(query.until)
    if after is None:
        return PlaceRange(since, last, query.newest_first)
    return PlaceRange(since, min(last, after), True) if query.newest_first else PlaceRange(max(since, after), last)


def _is_of(query: AuditQuery, entry: AuditEntry) -> bool:
    """Whether an entry is of the ruleset and of the type that are asked for."""
    return query.ruleset in (None, entry.ruleset) and query.entry_type in (None, entry.entry_type)
