"""Expressions for DynamoDB: every attribute stands as `#name`, so that none can be a reserved word.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

ABSENT = "attribute_not_exists(#id) OR #expires_at <= :now"
"""There is no such item, or one that expired and was not deleted yet."""

LIVE = "(attribute_not_exists(#expires_at) OR #expires_at > :now)"
"""The item has not expired."""

_NAME = re.compile(r"#\w+")


def text(value: str) -> AttributeValueTypeDef:
    """A string attribute."""
    return {"S": value}


def number(value: int) -> AttributeValueTypeDef:
    """A number attribute."""
    return {"N": str(value)}


def names(*expressions: str) -> dict[str, str]:
    """ExpressionAttributeNames for exactly the names that the expressions use, as DynamoDB demands."""
    return {name: name[1:] for expression in expressions for name in _NAME.findall(expression)}
