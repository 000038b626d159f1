"""Durable items: one narrow protocol (`store`) and two adapters (`sqlite`, `dynamodb`)."""

from service.storage import cursors
from service.storage.commits import EPOCH, instant, micros
from service.storage.cursors import BadCursor, from_cursor, item_size, to_cursor
from service.storage.relisting import Relisting
from service.storage.store import (
    MAX_COMMIT_BYTES,
    MAX_ITEM_BYTES,
    MAX_KEY_BYTES,
    MAX_KEYS,
    MAX_PAGE_BYTES,
    MAX_WRITES,
    AlreadyExists,
    AuditEntry,
    AuditQuery,
    AuditText,
    Conflict,
    Item,
    KeyRefused,
    Page,
    Store,
    StoreUnavailable,
    TooLarge,
)

__all__ = [
    "EPOCH",
    "MAX_COMMIT_BYTES",
    "MAX_ITEM_BYTES",
    "MAX_KEYS",
    "MAX_KEY_BYTES",
    "MAX_PAGE_BYTES",
    "MAX_WRITES",
    "AlreadyExists",
    "AuditEntry",
    "AuditQuery",
    "AuditText",
    "BadCursor",
    "Conflict",
    "Item",
    "KeyRefused",
    "Page",
    "Relisting",
    "Store",
    "StoreUnavailable",
    "TooLarge",
    "cursors",
    "from_cursor",
    "instant",
    "item_size",
    "micros",
    "to_cursor",
]
