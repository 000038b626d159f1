"""Over how many partitions of an index what belongs together is spread: a lane's work, a day's audit entries.

Work in a shard that nobody looks into would never be done. So the most that any release ever wrote into stands in the
table (row `#shards`), and a release with fewer, such as one that was rolled back, still looks into all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from service.storage.aws_calls import AwsCalls, ConditionFailed, checked_whole
from service.storage.dynamodb.batches import fetch_one
from service.storage.dynamodb.expressions import names, number, text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROW_ID = "#shards"

KNOWN_FOR_S = 60.0
"""How soon a process learns of shards that another release has begun to write into."""

_MORE = "attribute_not_exists(#most) OR #most < :most"


class Shards:
    """Those that this release writes into, and those that are to be looked into."""

    def __init__(
        self,
        calls: AwsCalls[DynamoDBClient],
        table: str,
        ours: int,
        key: str = "id",
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._table = table
        self._key = key
        self._ours = ours
        self._elapsed = elapsed
        self._most = 0
        self._asked_at = float("-inf")

    def to_write(self) -> int:
        """How many to spread items over; everybody can know of them before the first is written."""
        if self._most < self._ours:
            self._most = max(self._ours, self._noted())
        return self._ours

    def to_read(self) -> int:
        """How many there may be items in."""
        if self._elapsed() > self._asked_at + KNOWN_FOR_S:
            self._most, self._asked_at = max(self._most, self._noted()), self._elapsed()
        return max(self._ours, self._most)

    def _noted(self) -> int:
        """The most that stood in the table; ours stand there from now on, if they are more."""
        row = fetch_one(self._calls, self._table, self._key, ROW_ID)
        noted = int(row["most"]["N"]) if row else 0
        if noted < self._ours:
            self._note()
        return noted

    def _note(self) -> None:
        def update(client: DynamoDBClient) -> None:
            answer = client.update_item(
                TableName=self._table,
                Key={self._key: text(ROW_ID)},
                UpdateExpression="SET #most = :most",
                ConditionExpression=_MORE,
                ExpressionAttributeNames=names(_MORE),
                ExpressionAttributeValues={":most": number(self._ours)},
                ReturnConsumedCapacity="TOTAL",
            )
            checked_whole(answer, "ConsumedCapacity")

        try:
            self._calls(update)
        except ConditionFailed:
            return  # meanwhile somebody noted as many or more
