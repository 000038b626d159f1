"""API keys: made once, stored as a digest, looked up without a disk read for every request.

A key is `tocsin_<id>_<secret>`. The secret has 256 random bits, so nobody can try them all and one SHA-256 protects it:
slow password hashes exist for secrets that people choose. Digests are compared in constant time.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock

from msgspec import structs

from service.core import Clock, Scope, TocsinError, from_state, ids, to_state
from service.storage import Item, Store

REMEMBERED = timedelta(seconds=3)
"""How long a process trusts what it read of a key: a revoked key is refused everywhere after at most this long."""

MOST_REMEMBERED = 4096
INDEX = ("kind", "api-key")
SHAPE = re.compile(r"tocsin_([0-9a-z]{26})_([A-Za-z0-9_-]{43})")


class UnknownKey(TocsinError):
    """There is no API key with this id."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An app's key without its secret; `name` is the app that the audit shows."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    digest: str
    created_at: datetime
    revoked_at: datetime | None = None


class Keys:
    """The API keys in the store, and this process's short memory of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._seen: OrderedDict[str, tuple[datetime, ApiKey | None]] = OrderedDict()

    def create(self, name: str, scopes: Sequence[Scope]) -> tuple[ApiKey, str]:
        """A new key and its text, which is nowhere stored and cannot be shown again."""
        now = self._clock.now()
        key_id, secret = ids.fresh(now), secrets.token_urlsafe(32)
        key = ApiKey(key_id, name, frozenset(scopes), _digest(secret), now)
        self._store.add(_to_item(key))
        return key, f"tocsin_{key_id}_{secret}"

    def all(self) -> Iterator[ApiKey]:
        """Every key, also the revoked, oldest first."""
        cursor: str | None = None
        while True:
            page = self._store.by_index(*INDEX, cursor=cursor)
            yield from (from_state(ApiKey, item.state) for item in page.items)
            cursor = page.cursor
            if cursor is None:
                return

    def revoke(self, key_id: str) -> ApiKey:
        """End a key; `UnknownKey` if there is none. Revoking twice changes nothing."""
        item = self._store.get(_item_id(key_id))
        if item is None:
            raise UnknownKey(f"There is no API key {key_id}; `tocsin keys list` shows those that there are.")
        key = from_state(ApiKey, item.state)
        if key.revoked_at is None:
            key = replace(key, revoked_at=self._clock.now())
            self._store.save(structs.replace(item, state=to_state(key)))
        with self._lock:
            self._seen.pop(key_id, None)
        return key

    def authenticate(self, text: str) -> ApiKey | None:
        """The key that this text is, or None if it is malformed, unknown, revoked or has another secret."""
        shape = SHAPE.fullmatch(text)
        if shape is None:
            return None
        key = self._look_up(shape[1])
        right_secret = hmac.compare_digest(_digest(shape[2]), key.digest if key else "")
        return key if key is not None and right_secret and key.revoked_at is None else None

    def active(self, key_id: str) -> ApiKey | None:
        """The key of this id, or None if it is unknown or revoked, as this process knows it (`REMEMBERED`)."""
        key = self._look_up(key_id)
        return key if key is not None and key.revoked_at is None else None

    def _look_up(self, key_id: str) -> ApiKey | None:
        now = self._clock.now()
        with self._lock:
            seen = self._seen.get(key_id)
        if seen is not None and now - seen[0] < REMEMBERED:
            return seen[1]
        item = self._store.get(_item_id(key_id))
        key = None if item is None else from_state(ApiKey, item.state)
        with self._lock:
            self._seen[key_id] = (now, key)
            self._seen.move_to_end(key_id)
            if len(self._seen) > MOST_REMEMBERED:
                self._seen.popitem(last=False)
        return key


def _digest(secret: str) -> str:
    return sha256(secret.encode("ascii")).hexdigest()


def _item_id(key_id: str) -> str:
    return f"key-{key_id}"


def _to_item(key: ApiKey) -> Item:
    return Item(_item_id(key.key_id), "api-key", to_state(key), keys={INDEX[0]: INDEX[1]})
