"""Commits: one conditional put where that is enough, else a transaction.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.storage.aws_calls import AwsCalls, ConditionFailed, checked_whole
from service.storage.commits import AuditRow, ItemRow, WriteBatch
from service.storage.dynamodb.expressions import ABSENT, names, number, text
from service.storage.dynamodb.items import SAVED
from service.storage.dynamodb.rows import audit_attributes, item_attributes
from service.storage.dynamodb.shards import Shards
from service.storage.dynamodb.slots import SlotRegistry
from service.storage.dynamodb.tables import TableNames
from service.storage.store import AlreadyExists, Conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, PutTypeDef, TransactWriteItemTypeDef

UNAPPENDED = "attribute_not_exists(#audit_id)"

Look = Callable[[int, int], int]
"""Given an item's due time and now: when whoever watches the due index has to look at it."""


@dataclass(frozen=True, slots=True)
class ItemWrite:
    """One put of a commit; `lost` is raised when its condition fails, None for a child that may be there already."""

    put: PutTypeDef
    lost: Conflict | None


class Writes:
    """Writes commits to both tables."""

    def __init__(
        self,
        calls: AwsCalls[DynamoDBClient],
        many: AwsCalls[DynamoDBClient],
        tables: TableNames,
        slots: SlotRegistry,
        shards: Shards,
        audit_shards: Shards,
        look: Look,
    ) -> None:
        self._calls = calls
        self._many = many
        self._tables = tables
        self._slots = slots
        self._shards = shards
        self._audit_shards = audit_shards
        self._look = look

    def commit(self, commit: WriteBatch, now: int) -> None:
        """Write all or nothing; `Conflict` if a change lost. Children that exist are left out of another try."""
        token = uuid.uuid4().hex
        writes = self._planned(commit, token, now)
        while writes:
            try:
                return self._make(writes)
            except ConditionFailed as refused:
                if any(failed.stored and failed.stored.get("token") == text(token) for failed in refused.failures):
                    return None  # an earlier try of this commit had succeeded, and its answer was lost
                writes = _without_existing_children(writes, refused)
        return None

    def _planned(self, commit: WriteBatch, token: str, now: int) -> Sequence[ItemWrite]:
        return [
            *(self._change(row, token, now) for row in commit.changes),
            *(ItemWrite(self._put_new(row, token, now), None) for row in commit.children),
            *(self._entry(row, token) for row in commit.audit),
        ]

    def _change(self, row: ItemRow, token: str, now: int) -> ItemWrite:
        if row.was == 0:
            return ItemWrite(self._put_new(row, token, now), AlreadyExists(f"item {row.item.id!r} exists already"))
        lost = Conflict(f"item {row.item.id!r} is no longer at version {row.was}: read it again")
        return ItemWrite(self._put(row, token, now, SAVED, {":was": number(row.was), ":now": number(now)}), lost)

    def _put_new(self, row: ItemRow, token: str, now: int) -> PutTypeDef:
        return self._put(row, token, now, ABSENT, {":now": number(now)})

    def _put(
        self, row: ItemRow, token: str, now: int, condition: str, values: dict[str, AttributeValueTypeDef]
    ) -> PutTypeDef:
        look_at = None if row.due_at is None else self._look(row.due_at, now)
        shards = 0 if look_at is None else self._shards.to_write()
        slots = self._slots.attributes(row.item.keys)
        return {
            "TableName": self._tables.items,
            "Item": item_attributes(row, slots, token, shards, look_at),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names(condition),
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _entry(self, row: AuditRow, token: str) -> ItemWrite:
        put: PutTypeDef = {
            "TableName": self._tables.audit,
            "Item": audit_attributes(row, token, self._audit_shards.to_write()),
            "ConditionExpression": UNAPPENDED,
            "ExpressionAttributeNames": names(UNAPPENDED),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return ItemWrite(put, AlreadyExists(f"audit entry {row.entry.audit_id!r} exists already"))

    def _make(self, writes: Sequence[ItemWrite]) -> None:
        if len(writes) == 1:
            only = writes[0].put
            self._calls(lambda client: _done(client.put_item(**only, ReturnConsumedCapacity="TOTAL")))
            return
        items: list[TransactWriteItemTypeDef] = [{"Put": write.put} for write in writes]
        request = uuid.uuid4().hex  # the same for every try, so that DynamoDB itself knows a repeated one

        def transact(client: DynamoDBClient) -> None:
            _done(
                client.transact_write_items(
                    TransactItems=items, ClientRequestToken=request, ReturnConsumedCapacity="TOTAL"
                )
            )

        self._many(transact)


def _done(answer: Mapping[str, object]) -> None:
    """Take a write for made only if the answer is whole; another try finds by its token that it was."""
    checked_whole(answer, "ConsumedCapacity")


def _without_existing_children(writes: Sequence[ItemWrite], refused: ConditionFailed) -> Sequence[ItemWrite]:
    failed = {failure.position for failure in refused.failures}
    for position in sorted(failed):
        lost = writes[position].lost
        if lost is not None:
            raise lost from refused
    return [write for position, write in enumerate(writes) if position not in failed]
