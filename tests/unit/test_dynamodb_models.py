"""Our DynamoDB client says and hears, word for word, what boto3's own does; it only takes less time over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

import boto3
import pytest

from service.storage.dynamodb import TableNames, connect
from tests.aws import Environment
from tests.aws_faults import FaultyAws, faulty_aws
from tests.contract.conftest import fresh_tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutTypeDef, TransactWriteItemTypeDef

Asking = Callable[["DynamoDBClient", str], object]

ROW = {"id": {"S": "a"}, "version": {"N": "3"}, "state": {"S": '{"name":"Zoë"}'}, "due_shard": {"S": "bulk#1"}}


def _put(table: str, *, only_if_new: bool) -> PutTypeDef:
    put: PutTypeDef = {"TableName": table, "Item": {**ROW, "look_at": {"N": "7"}, "due_at": {"N": "7"}}}
    if only_if_new:
        put["ConditionExpression"] = "attribute_not_exists(#id)"
        put["ExpressionAttributeNames"] = {"#id": "id"}
        put["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return put


def _transact(client: DynamoDBClient, table: str) -> object:
    writes: list[TransactWriteItemTypeDef] = [{"Put": _put(table, only_if_new=False)}]
    return client.transact_write_items(TransactItems=writes, ClientRequestToken="t")


def _refused(client: DynamoDBClient, table: str) -> object:
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as refused:
        client.put_item(**_put(table, only_if_new=True))
    return refused.value.response


def _refused_together(client: DynamoDBClient, table: str) -> object:
    with pytest.raises(client.exceptions.TransactionCanceledException) as refused:
        client.transact_write_items(TransactItems=[{"Put": _put(table, only_if_new=True)}], ClientRequestToken="u")
    return refused.value.response


ASKED: Mapping[str, Asking] = {
    "PutItem": lambda client, table: client.put_item(**_put(table, only_if_new=False)),
    "a refused PutItem": _refused,
    "TransactWriteItems": _transact,
    "refused TransactWriteItems": _refused_together,
    "GetItem": lambda client, table: client.get_item(
        TableName=table, Key={"id": {"S": "a"}}, ConsistentRead=True, ReturnConsumedCapacity="TOTAL"
    ),
    "BatchGetItem": lambda client, table: client.batch_get_item(
        RequestItems={table: {"Keys": [{"id": {"S": "a"}}, {"id": {"S": "no"}}], "ConsistentRead": True}}
    ),
    "UpdateItem": lambda client, table: client.update_item(
        TableName=table,
        Key={"id": {"S": "a"}},
        UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "version"},
        ExpressionAttributeValues={":v": {"N": "4"}},
        ReturnValues="ALL_NEW",
    ),
    "Query": lambda client, table: client.query(
        TableName=table,
        IndexName="due",
        KeyConditionExpression="#s = :s",
        ExpressionAttributeNames={"#s": "due_shard"},
        ExpressionAttributeValues={":s": {"S": "bulk#1"}},
    ),
    "DeleteItem": lambda client, table: client.delete_item(TableName=table, Key={"id": {"S": "none"}}),
}


@pytest.fixture
def wire(aws: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FaultyAws, TableNames]]:
    """What goes over the wire, and tables with one row."""
    tables = fresh_tables()
    with faulty_aws(aws) as (faulty, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        connect().put_item(**_put(tables.items, only_if_new=False))
        faulty.forget()
        yield faulty, tables


def _said_and_heard(
    client: DynamoDBClient, asking: Asking, wire: tuple[FaultyAws, TableNames]
) -> tuple[object, dict[str, object]]:
    faulty, tables = wire
    faulty.forget()
    answer = dict(cast("Mapping[str, object]", asking(client, tables.items)))
    answer.pop("ResponseMetadata")
    (operation,) = faulty.operations()
    return faulty.requests(operation), answer


@pytest.mark.parametrize("operation", ASKED)
def test_what_is_said_and_heard_is_what_boto3_says_and_hears(
    operation: str, wire: tuple[FaultyAws, TableNames]
) -> None:
    bare = boto3.session.Session().client("dynamodb")
    ours = _said_and_heard(connect(), ASKED[operation], wire)
    assert ours == _said_and_heard(bare, ASKED[operation], wire)
    assert ours[1] or operation in {"PutItem", "TransactWriteItems", "DeleteItem"}
