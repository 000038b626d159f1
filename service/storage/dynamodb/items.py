"""Items in their table: reads, claims, removal, rates. Commits are in `writes`."""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from service.core import Lane
from service.storage.aws_calls import TRIES, AwsCalls, ConditionFailed, checked_whole
from service.storage.commits import micros
from service.storage.dynamodb.batches import fetch, fetch_one, fetched
from service.storage.dynamodb.expressions import LIVE, names, number, text
from service.storage.dynamodb.queries import IndexQuery, pages, request
from service.storage.dynamodb.rows import due_shard, item_of, whole
from service.storage.dynamodb.shards import Shards
from service.storage.dynamodb.slots import SlotRegistry, key_text
from service.storage.dynamodb.tables import DUE
from service.storage.gcra import SlotRequest
from service.storage.store import Conflict, Item, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, ScanInputTypeDef

    from service.storage.aws_calls import Attributes

SAVED = f"#version = :was AND {LIVE}"
"""The item is live and still at the version that was read."""

_LOOK_AT_ONCE = 50
"""Entries of the due index read in one call."""

_LOOKED_FOR_LATE = 500
"""Entries of a shard among which the most overdue is looked for: some 8 read units."""


@dataclass(frozen=True, slots=True)
class MissedClaim:
    """An item that could not be claimed; `due_at` is when it will be due, None if it has nothing to do or is gone."""

    due_at: int | None


@dataclass(frozen=True, slots=True, order=True)
class DueHint:
    """What the due index says of an item. It lags behind: only a conditional write on the item itself decides."""

    look_at: int
    id: str
    due_at: int


class ItemTable:
    """Reads and single-row writes of the table of items."""

    def __init__(
        self,
        calls: AwsCalls[DynamoDBClient],
        many: AwsCalls[DynamoDBClient],
        table: str,
        slots: SlotRegistry,
        shards: Shards,
    ) -> None:
        self._calls = calls
        self._many = many
        self._table = table
        self._slots = slots
        self._shards = shards

    def find(self, item_id: str, now: int) -> Item | None:
        """The item by a consistent read, unless it expired."""
        return item_of(fetch_one(self._calls, self._table, "id", item_id), now)

    def find_many(self, item_ids: Sequence[str], now: int) -> list[Item]:
        """Those of the items that there are and that did not expire, by consistent reads."""
        rows = fetch(self._many, self._table, "id", dict.fromkeys(item_ids))
        return [item for row in rows if (item := item_of(row, now)) is not None]

    def listed(
        self, index: str, value: str, after: str | None, limit: int, newest_first: bool, now: int
    ) -> Iterator[Item]:
        """Up to `limit` items under a key that come after the id `after`, as they are now, some read at a time."""
        slots = self._slots.of(index)
        more, left = bool(slots), limit
        while more and left > 0:
            ids, more = self._ids(slots, key_text(index, value), after, left, newest_first)
            for row in fetched(self._many, self._table, "id", ids):
                item = item_of(row, now)
                if item is not None and item.keys.get(index) == value:
                    left -= 1
                    yield item
            if not ids:
                return
            after = ids[-1]

    def beginning(self, prefix: str, after: str | None, limit: int, now: int) -> tuple[Sequence[Item], str | None]:
        """The items among `limit` whose ids begin so, and after which id to go on looking; None at the end."""
        matching = "begins_with(#id, :prefix)"
        asked: ScanInputTypeDef = {
            "TableName": self._table,
            "FilterExpression": matching,
            "ExpressionAttributeNames": names(matching),
            "ExpressionAttributeValues": {":prefix": text(prefix)},
            "Limit": limit,
            "ConsistentRead": True,
        }
        if after is not None:
            asked["ExclusiveStartKey"] = {"id": text(after)}
        page = self._calls(lambda client: checked_whole(client.scan(**asked), "Count"))
        items = [item for row in page["Items"] if (item := item_of(row, now)) is not None]
        last = page.get("LastEvaluatedKey")
        return items, None if last is None else last["id"]["S"]

    def ids(self, index: str, value: str, after: str | None, limit: int) -> list[str]:
        """Up to `limit` ids under a key that come after the id `after`, as the index has them."""
        slots, listed = self._slots.of(index), list[str]()
        more = bool(slots)
        while more and len(listed) < limit:
            ids, more = self._ids(slots, key_text(index, value), after, limit - len(listed), newest_first=False)
            if not ids:
                break
            listed += ids
            after = ids[-1]
        return listed

    def counted(self, index: str, value: str, now: int) -> int:
        """How many items a key lists."""
        return sum(self._counted(slot, key_text(index, value), now) for slot in self._slots.of(index))

    def due(self, lane: Lane, until: int) -> Iterator[DueHint]:
        """What the due index holds for a lane up to a time, the earliest first."""
        shards = (due_shard(lane, shard) for shard in range(self._shards.to_read()))
        return heapq.merge(*(self._due_in(shard, until) for shard in shards))

    def oldest_due(self, lane: Lane, now: int) -> int | None:
        """When the most overdue item was due, among the entries of each shard that are looked at first."""
        shards = (due_shard(lane, shard) for shard in range(self._shards.to_read()))
        return min((due for shard in shards for due in self._first_due(shard, now)), default=None)

    def take(self, item_id: str, lane: Lane, now: datetime, lease: timedelta) -> Item | MissedClaim:
        """Claim one item, if it is due, by one conditional write."""
        token, at, until = uuid.uuid4().hex, micros(now), micros(now + lease)
        change = (
            "SET #due_at = :until, #look_at = :until, #token = :token, "
            "#version = #version + :one, #attempts = #attempts + :one"
        )
        values = {":until": number(until), ":token": text(token), ":one": number(1)}
        try:
            row = self._update(
                item_id,
                change,
                f"#lane = :lane AND #due_at <= :now AND {LIVE}",
                {**values, ":lane": text(lane.value), ":now": number(at)},
            )
        except ConditionFailed as refused:
            stored = refused.failures[0].stored or {}
            if stored.get("token") != text(token):
                return MissedClaim(whole(stored, "due_at"))
            row = stored  # an earlier try of this call had succeeded, and its answer was lost
        item = item_of(row, at)
        return MissedClaim(None) if item is None else item

    def look_later(self, hint: DueHint, look_at: int) -> bool:
        """Move an item's place in the due index; False if it changed since: somebody else has handled it."""
        values = {":seen": number(hint.look_at), ":later": number(look_at)}
        try:
            self._update(hint.id, "SET #look_at = :later", "#look_at = :seen", values)
        except ConditionFailed:
            return False
        return True

    def delete(self, item: Item, now: int) -> None:
        """Delete an item at its version, else `Conflict`."""
        try:
            self._calls(
                lambda client: checked_whole(
                    client.delete_item(
                        TableName=self._table,
                        Key={"id": text(item.id)},
                        ConditionExpression=SAVED,
                        ExpressionAttributeNames=names(SAVED),
                        ExpressionAttributeValues={":was": number(item.version), ":now": number(now)},
                        ReturnValuesOnConditionCheckFailure="ALL_OLD",
                        ReturnConsumedCapacity="TOTAL",
                    ),
                    "ConsumedCapacity",
                )
            )
        except ConditionFailed as refused:
            if refused.uncertain and refused.failures[0].stored is None:
                return  # an earlier try of this call had succeeded, and its answer was lost
            raise Conflict(f"item {item.id!r} is no longer at version {item.version}: read it again") from refused

    def book(self, key: str, wanted: SlotRequest) -> int:
        """Book slots of a rate; returns the new arrival time. A lost answer books too many, never too few."""
        later = ("SET #arrival = #arrival + :takes", "#arrival >= :now", {":takes": number(wanted.takes)})
        fresh = (
            "SET #arrival = :booked",
            "attribute_not_exists(#arrival) OR #arrival < :now",
            {":booked": number(wanted.booked(None))},
        )
        for change, condition, values in (later, fresh) * TRIES:
            try:
                row = self._update(f"#rate#{key}", change, condition, {**values, ":now": number(wanted.now)})
            except ConditionFailed:
                continue
            return int(row["arrival"]["N"])
        raise StoreUnavailable(f"the rate {key!r} could not be booked in {TRIES} tries: too many ask for it at once")

    def _update(
        self, item_id: str, change: str, condition: str, values: dict[str, AttributeValueTypeDef]
    ) -> Attributes:
        return self._calls(
            lambda client: checked_whole(
                client.update_item(
                    TableName=self._table,
                    Key={"id": text(item_id)},
                    UpdateExpression=change,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names(change, condition),
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                ),
                "Attributes",
            )
        )["Attributes"]

    def _ids(
        self, slots: Sequence[str], key: str, after: str | None, limit: int, newest_first: bool
    ) -> tuple[list[str], bool]:
        """The next ids under a key, and whether there may be more of them."""
        listed = [self._ids_in(slot, key, after, limit, newest_first) for slot in slots]
        ids = sorted((item_id for ids, _ in listed for item_id in ids), reverse=newest_first)
        return ids[:limit], len(ids) > limit or any(more for _, more in listed)

    def _ids_in(self, slot: str, key: str, after: str | None, limit: int, newest_first: bool) -> tuple[list[str], bool]:
        place = "" if after is None else f" AND #id {'<' if newest_first else '>'} :after"
        values = {":key": text(key), **({} if after is None else {":after": text(after)})}
        query = IndexQuery(self._table, slot, f"#{slot} = :key{place}", values, newest_first=newest_first)
        page = next(pages(self._calls, request(query, limit)))
        return [row["id"]["S"] for row in page["Items"]], "LastEvaluatedKey" in page

    def _counted(self, slot: str, key: str, now: int) -> int:
        query = IndexQuery(
            self._table, slot, f"#{slot} = :key", {":key": text(key), ":now": number(now)}, matching=LIVE
        )
        return sum(page["Count"] for page in pages(self._calls, {**request(query), "Select": "COUNT"}))

    def _first_due(self, shard: str, now: int) -> Iterator[int]:
        """When the first due entries of a shard were due; upkeep may have put them off, so none is too far off."""
        values = {":shard": text(shard), ":now": number(now)}
        query = IndexQuery(self._table, DUE.name, f"#{DUE.partition} = :shard", values, matching="#due_at <= :now")
        page = next(pages(self._calls, request(query, _LOOKED_FOR_LATE)))
        return (int(row["due_at"]["N"]) for row in page["Items"])

    def _due_in(self, shard: str, until: int) -> Iterator[DueHint]:
        condition = f"#{DUE.partition} = :shard AND #{DUE.sort} <= :until"
        query = IndexQuery(self._table, DUE.name, condition, {":shard": text(shard), ":until": number(until)})
        for page in pages(self._calls, request(query, _LOOK_AT_ONCE)):
            for row in page["Items"]:
                yield DueHint(int(row["look_at"]["N"]), row["id"]["S"], int(row["due_at"]["N"]))
