"""Reading rows by their ids, one or a hundred at a time. Only a whole answer says that a row is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from service.storage.aws_calls import TRIES, AwsCalls, checked_whole
from service.storage.dynamodb.expressions import text
from service.storage.store import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        BatchGetItemOutputTypeDef,
        GetItemOutputTypeDef,
        KeysAndAttributesOutputTypeDef,
        KeysAndAttributesTypeDef,
    )

    from service.storage.aws_calls import Attributes

AT_ONCE = 100
"""Keys in one BatchGetItem."""


def fetch_one(calls: AwsCalls[DynamoDBClient], table: str, key: str, row_id: str) -> Attributes | None:
    """One row by a consistent read; None only if DynamoDB says so."""

    def ask(client: DynamoDBClient) -> GetItemOutputTypeDef:
        return client.get_item(
            TableName=table, Key={key: text(row_id)}, ConsistentRead=True, ReturnConsumedCapacity="TOTAL"
        )

    return calls(lambda client: checked_whole(ask(client), "ConsumedCapacity")).get("Item")


def fetch(calls: AwsCalls[DynamoDBClient], table: str, key: str, ids: Iterable[str]) -> list[Attributes]:
    """The rows with these ids, by consistent reads, in the order of `ids`; those that are gone are left out."""
    return list(fetched(calls, table, key, ids))


def fetched(calls: AwsCalls[DynamoDBClient], table: str, key: str, ids: Iterable[str]) -> Iterator[Attributes]:
    """Like `fetch`, a hundred rows at a time, which DynamoDB reads whole: whoever has enough asks for no more."""
    wanted = iter(ids)
    while batch := list(islice(wanted, AT_ONCE)):
        rows = {row[key]["S"]: row for row in _fetch_batch(calls, table, key, batch)}
        yield from (rows[row_id] for row_id in batch if row_id in rows)


def _batch_get(
    table: str, asked: KeysAndAttributesTypeDef | KeysAndAttributesOutputTypeDef
) -> Callable[[DynamoDBClient], BatchGetItemOutputTypeDef]:
    return lambda client: checked_whole(client.batch_get_item(RequestItems={table: asked}), "Responses")


def _fetch_batch(calls: AwsCalls[DynamoDBClient], table: str, key: str, ids: Sequence[str]) -> list[Attributes]:
    asked: KeysAndAttributesTypeDef | KeysAndAttributesOutputTypeDef
    asked = {"Keys": [{key: text(row_id)} for row_id in ids], "ConsistentRead": True}
    rows: list[Attributes] = []
    for attempt in range(TRIES):
        answer = calls(_batch_get(table, asked))
        rows += answer["Responses"].get(table, [])
        left = answer.get("UnprocessedKeys", {}).get(table)
        if not left:
            return rows
        asked = left  # over 16 MB, or throttled
        calls.pause(attempt if not answer["Responses"].get(table) else 0)
    raise StoreUnavailable(f"DynamoDB did not read all of {len(ids)} rows in {TRIES} tries: it is throttled")
