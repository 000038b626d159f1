"""What the audit says of an operator's deeds."""

from __future__ import annotations

from datetime import datetime

from service.core import ids
from service.http import Caller
from service.storage import AuditEntry


def entry(entry_type: str, about: str, caller: Caller, now: datetime) -> AuditEntry:
    """Who did it, with which key, and to what."""
    detail = {"about": about, "key_id": caller.key_id}
    return AuditEntry(ids.fresh(now), caller.request_id, entry_type, now, caller.app, "", detail=detail)
