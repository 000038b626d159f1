"""Queries page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.storage.aws_calls import AwsCalls, checked_whole
from service.storage.dynamodb.expressions import names

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryInputTypeDef, QueryOutputTypeDef


@dataclass(frozen=True, slots=True)
class IndexQuery:
    """Entries of an index that match `condition`, those that `matching` (if any) lets through."""

    table: str
    index: str
    condition: str
    values: Mapping[str, AttributeValueTypeDef]
    matching: str | None = None
    newest_first: bool = False


def request(query: IndexQuery, limit: int | None = None) -> QueryInputTypeDef:
    """The request of a query's first page."""
    built: QueryInputTypeDef = {
        "TableName": query.table,
        "IndexName": query.index,
        "KeyConditionExpression": query.condition,
        "ExpressionAttributeNames": names(query.condition, query.matching or ""),
        "ExpressionAttributeValues": query.values,
        "ScanIndexForward": not query.newest_first,
    }
    if query.matching is not None:
        built["FilterExpression"] = query.matching
    if limit is not None:
        built["Limit"] = limit
    return built


def pages(calls: AwsCalls[DynamoDBClient], asked: QueryInputTypeDef) -> Iterator[QueryOutputTypeDef]:
    """All pages, each asked for when it is needed."""

    def ask(client: DynamoDBClient) -> QueryOutputTypeDef:
        return checked_whole(client.query(**asked), "Count")

    while True:
        page = calls(ask)
        yield page
        if "LastEvaluatedKey" not in page:
            return
        asked = {**asked, "ExclusiveStartKey": page["LastEvaluatedKey"]}
