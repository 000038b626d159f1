"""Items and audit entries as attributes of their tables."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from service.core import JsonObject, Lane
from service.storage.audit_places import place_of
from service.storage.commits import AuditRow, ItemRow, instant
from service.storage.dynamodb.expressions import number, text
from service.storage.dynamodb.tables import FORGET
from service.storage.store import AuditEntry, Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from service.storage.aws_calls import Attributes

_SECOND = 1_000_000


def due_shard(lane: Lane, shard: int) -> str:
    """The partition of the due index that holds one of a lane's shards."""
    return f"{lane.value}#{shard}"


def shard_of(key: str, shards: int) -> int:
    """The shard of an id: the same in every process and version."""
    return zlib.crc32(key.encode()) % shards


def item_attributes(
    row: ItemRow, slots: Mapping[str, str], token: str, shards: int, look_at: int | None
) -> dict[str, AttributeValueTypeDef]:
    """An item as it is put; `token` tells our own write from another's, `look_at` places it in the due index."""
    item = row.item
    attributes = {
        "id": text(item.id),
        "kind": text(item.kind),
        "lane": text(item.lane.value),
        "state": text(row.state),
        "keys": text(row.keys),
        "version": number(row.version),
        "attempts": number(item.attempts),
        "token": text(token),
        **{name: text(key) for name, key in slots.items()},
    }
    if row.due_at is not None and look_at is not None:
        attributes["due_at"] = number(row.due_at)
        attributes["due_shard"] = text(due_shard(item.lane, shard_of(item.id, shards)))
        attributes["look_at"] = number(look_at)
    if row.expires_at is not None:
        attributes["expires_at"] = number(row.expires_at)
        attributes[FORGET] = number(row.expires_at // _SECOND + 1)
    return attributes


def item_of(attributes: Attributes | None, now: int) -> Item | None:
    """The item in a row; None if there is none, it expired, or the row is none of an item."""
    if attributes is None or "kind" not in attributes:
        return None
    due_at, expires_at = whole(attributes, "due_at"), whole(attributes, "expires_at")
    if expires_at is not None and expires_at <= now:
        return None
    return Item(
        id=attributes["id"]["S"],
        kind=attributes["kind"]["S"],
        lane=Lane(attributes["lane"]["S"]),
        state=JsonObject(attributes["state"]["S"]),
        keys=JsonObject(attributes["keys"]["S"]),
        due_at=None if due_at is None else instant(due_at),
        version=int(attributes["version"]["N"]),
        attempts=int(attributes["attempts"]["N"]),
        expires_at=None if expires_at is None else instant(expires_at),
    )


def audit_attributes(row: AuditRow, token: str, shards: int) -> dict[str, AttributeValueTypeDef]:
    """An audit entry as it is put."""
    entry = row.entry
    shard = shard_of(entry.audit_id, shards)
    place = str(place_of(entry))
    attributes = {
        "audit_id": text(entry.audit_id),
        "request_id": text(entry.request_id),
        "entry_type": text(entry.entry_type),
        "time_stamp": number(row.at),
        "app": text(entry.app),
        "raw_data": text(entry.raw_data),
        "detail": text(row.detail),
        "place": text(place),
        "day_shard": text(sharded(day_of(place), shard)),
        "token": text(token),
    }
    if entry.ruleset is not None:
        attributes["ruleset"] = text(entry.ruleset)
        attributes["ruleset_shard"] = text(sharded(entry.ruleset, shard))
    return attributes


def entry_of(attributes: Attributes | None) -> AuditEntry | None:
    """The audit entry in a row; None if there is none or the row is none of an entry."""
    if attributes is None or "entry_type" not in attributes:
        return None
    return AuditEntry(
        audit_id=attributes["audit_id"]["S"],
        request_id=attributes["request_id"]["S"],
        entry_type=attributes["entry_type"]["S"],
        at=instant(int(attributes["time_stamp"]["N"])),
        app=attributes["app"]["S"],
        raw_data=attributes["raw_data"]["S"],
        ruleset=attributes["ruleset"]["S"] if "ruleset" in attributes else None,
        detail=JsonObject(attributes["detail"]["S"]),
    )


def sharded(partition: str, shard: int) -> str:
    """One shard of a partition of the audit's indexes."""
    return f"{partition}#{shard}"


def day_of(place: str) -> str:
    """The UTC day of a place in the audit, such as 2026-05-10."""
    return place[:10]


def whole(attributes: Attributes, name: str) -> int | None:
    """A number attribute, if it is there."""
    return int(attributes[name]["N"]) if name in attributes else None
