"""What the audit says of a call about notifications."""

from __future__ import annotations

from service.core import Clock, ids
from service.http import Caller
from service.storage import AuditEntry


def entry(clock: Clock, entry_type: str, caller: Caller, about: str) -> AuditEntry:
    """The line of a call, with its body as it came, and what it is about."""
    now = clock.now()
    raw_data = caller.raw_body.decode(errors="replace")
    detail = {"about": about}
    return AuditEntry(ids.fresh(now), caller.request_id, entry_type, now, caller.app, raw_data, detail=detail)
