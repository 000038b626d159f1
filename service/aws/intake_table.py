"""The sample's way in: a table whose new items are incidents, carried to the intake queue by its stream and a pipe.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-dynamodb.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAME = "incidents"
KEY = "incident_id"


def create(client: DynamoDBClient, name: str) -> None:
    """Create the table with its stream, unless it is there. The pipe needs a role: the template makes both."""
    try:
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
    except client.exceptions.ResourceInUseException:
        return  # it is there already


def has_stream(client: DynamoDBClient, name: str) -> bool:
    """Whether new items are told by a stream."""
    stream = client.describe_table(TableName=name)["Table"].get("StreamSpecification")
    return stream is not None and stream["StreamEnabled"] and stream.get("StreamViewType", "").startswith("NEW_")
