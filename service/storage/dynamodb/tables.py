"""The two tables and their indexes.

Items: `due` is sparse, it holds only what still has something to do. A lookup needs a partition key of its own, and a
table has at most 20 indexes, so that every index is overloaded: `slot00` to `slot15` hold `index=value` texts, and
which index of ours lives in which slot stands in the table itself (`slots`).

The audit: a partition key takes about 1,000 writes a second, so entries of one ruleset or one day are spread over
shards and merged on reading. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-indexes-gsi-sharding.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.storage.store import MAX_KEYS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.literals import ScalarAttributeTypeType
    from mypy_boto3_dynamodb.type_defs import (
        AttributeDefinitionTypeDef,
        GlobalSecondaryIndexTypeDef,
        KeySchemaElementTypeDef,
    )

SLOTS = MAX_KEYS
"""Lookup indexes of the table of items."""

AUDIT_SHARDS = 4
"""Over how many partition keys a ruleset's or a day's audit entries are spread. See `shards`."""

FORGET = "forget_at"
"""The time-to-live attribute, in seconds; DynamoDB deletes within days of it, so reads look at `expires_at`."""


@dataclass(frozen=True, slots=True)
class TableNames:
    """What the tables are called."""

    items: str = "tocsin_items"
    audit: str = "rule_execution_audit"

    def prefixed(self, prefix: str) -> TableNames:
        """The tables of one of several installations in an account."""
        return TableNames(prefix + self.items, prefix + self.audit)


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index by `partition` and `sort` attribute; `carries` are further attributes it holds."""

    name: str
    partition: str
    sort: str
    carries: tuple[str, ...] = ()


def slot(number: int) -> str:
    """The name of a lookup slot: its attribute and its index."""
    return f"slot{number:02d}"


DUE = Index("due", "due_shard", "look_at", ("due_at",))
LOOKUPS = tuple(Index(slot(number), slot(number), "id", ("expires_at",)) for number in range(SLOTS))
AUDIT_BY_REQUEST = Index("by_request", "request_id", "place")
AUDIT_BY_RULESET = Index("by_ruleset", "ruleset_shard", "place")
AUDIT_BY_DAY = Index("by_day", "day_shard", "place")


def create_tables(client: DynamoDBClient, names: TableNames | None = None) -> None:
    """Create what is missing and wait until it can be used; harmless when everything is there."""
    names = names or TableNames()
    _create(client, names.items, "id", (DUE, *LOOKUPS))
    _create(client, names.audit, "audit_id", (AUDIT_BY_REQUEST, AUDIT_BY_RULESET, AUDIT_BY_DAY))
    for name in (names.items, names.audit):
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 60})
    _let_expire(client, names.items)


def _create(client: DynamoDBClient, name: str, key: str, indexes: Sequence[Index]) -> None:
    try:
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=_attributes(key, indexes),
            GlobalSecondaryIndexes=[_definition(index) for index in indexes],
        )
    except client.exceptions.ResourceInUseException:
        return  # it is there already


def _let_expire(client: DynamoDBClient, name: str) -> None:
    now = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if now.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": FORGET})


def _attributes(key: str, indexes: Sequence[Index]) -> list[AttributeDefinitionTypeDef]:
    named = {key, *(index.partition for index in indexes), *(index.sort for index in indexes)}
    return [{"AttributeName": name, "AttributeType": _type_of(name)} for name in sorted(named)]


def _type_of(attribute: str) -> ScalarAttributeTypeType:
    return "N" if attribute == DUE.sort else "S"


def _definition(index: Index) -> GlobalSecondaryIndexTypeDef:
    keys: list[KeySchemaElementTypeDef] = [
        {"AttributeName": index.partition, "KeyType": "HASH"},
        {"AttributeName": index.sort, "KeyType": "RANGE"},
    ]
    if not index.carries:
        return {"IndexName": index.name, "KeySchema": keys, "Projection": {"ProjectionType": "KEYS_ONLY"}}
    return {
        "IndexName": index.name,
        "KeySchema": keys,
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.carries)},
    }
