"""Who calls, as a view sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from service.core import Scope

ANONYMOUS = "anonymous"
"""The `app` of calls that need no key."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's caller and circumstances.

    `resource_id` is the id that a creating call must give what it makes: it is chosen once for an Idempotency-Key,
    so that a repetition after a crash makes the same thing again. `raw_body` is the body exactly as it was received.
    `headers` holds those that the endpoint declared and the request has. `key_id` names the key, "" for none: several
    keys may have one `app`.
    """

    app: str
    scopes: frozenset[Scope]
    request_id: str
    resource_id: str
    received_at: datetime
    raw_body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    key_id: str = ""
