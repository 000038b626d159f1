"""Which lookup index lives in which slot of the table: found out as indexes come up, written down in the table.

An index nearly always has one slot. It gets another when an item needs two indexes that live in the same one, so that
any 16 keys can stand on one item, however many indexes there are.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from service.storage.aws_calls import AwsCalls, ConditionFailed
from service.storage.dynamodb.batches import fetch_one
from service.storage.dynamodb.expressions import names, number, text
from service.storage.dynamodb.tables import SLOTS, slot

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Slots = Mapping[str, tuple[int, ...]]

REGISTRY_ID = "#slots"
"""The row that holds the assignment; items' ids are of letters, digits, `-` and `_`."""

KNOWN_FOR_S = 2.0
"""How long a process trusts what it read: the order of magnitude by which an index lags behind anyway."""


def settle(slots: Slots, keys: Mapping[str, str]) -> tuple[Slots, dict[str, str]]:
    """Give each key of an item a slot; answers the assignment, with what had to be added, and the item's attributes."""
    settled: dict[int, str] = {}
    for index, value in keys.items():
        free = [number for number in slots.get(index, ()) if number not in settled]
        chosen = free[0] if free else _least_used(slots, settled)
        if not free:
            slots = {**slots, index: (*slots.get(index, ()), chosen)}
        settled[chosen] = key_text(index, value)
    return slots, {slot(number): key for number, key in settled.items()}


def key_text(index: str, value: str) -> str:
    """What a slot holds for a key."""
    return f"{index}={value}"


def _least_used(slots: Slots, taken: Mapping[int, str]) -> int:
    used = Counter(number for numbers in slots.values() for number in numbers)
    return min((number for number in range(SLOTS) if number not in taken), key=lambda number: (used[number], number))


class SlotRegistry:
    """The assignment as the table has it."""

    def __init__(
        self, calls: AwsCalls[DynamoDBClient], table: str, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls = calls
        self._table = table
        self._elapsed = elapsed
        self._known: tuple[float, int, Slots] = (float("-inf"), 0, {})

    def of(self, index: str) -> list[str]:
        """The slots in which an index is to be looked up; none if no item ever had it."""
        read_at, _, slots = self._known
        if index not in slots or self._elapsed() > read_at + KNOWN_FOR_S:
            slots = self._read()[1]
        return [slot(number) for number in slots.get(index, ())]

    def attributes(self, keys: Mapping[str, str]) -> dict[str, str]:
        """The slot attributes of an item with these keys; a new index is written down first."""
        _, version, slots = self._known
        settled, attributes = settle(slots, keys)
        while settled is not slots:
            version, slots = self._read()
            settled, attributes = settle(slots, keys)
            if settled is not slots:
                self._write(version, settled)
        return attributes

    def _read(self) -> tuple[int, Slots]:
        row = fetch_one(self._calls, self._table, "id", REGISTRY_ID)
        version = int(row["version"]["N"]) if row else 0
        slots = {index: tuple(numbers) for index, numbers in json.loads(row["slots"]["S"]).items()} if row else {}
        self._known = (self._elapsed(), version, slots)
        return version, slots

    def _write(self, version: int, slots: Slots) -> None:
        """Try to write the next assignment; whether this or another process was quicker shows on the next read."""
        condition = "attribute_not_exists(#id) OR #version = :was"
        row = {
            "id": text(REGISTRY_ID),
            "version": number(version + 1),
            "slots": text(json.dumps(slots, separators=(",", ":"))),
        }

        def put(client: DynamoDBClient) -> None:
            client.put_item(
                TableName=self._table,
                Item=row,
                ConditionExpression=condition,
                ExpressionAttributeNames=names(condition),
                ExpressionAttributeValues={":was": number(version)},
            )

        try:
            self._calls(put)
        except ConditionFailed:
            return
