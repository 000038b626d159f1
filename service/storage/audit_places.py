"""Where an audit entry stands in the order of all: by time, then by id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.core import parse_timestamp, timestamp
from service.storage.cursors import BadCursor
from service.storage.store import AuditEntry


@dataclass(frozen=True, slots=True, order=True)
class AuditPlace:
    """One entry's place; its text sorts as the entries do."""

    at: datetime
    audit_id: str

    def __str__(self) -> str:
        return f"{timestamp(self.at)}#{self.audit_id}"


def place_of(entry: AuditEntry) -> AuditPlace:
    """The place of an entry."""
    return AuditPlace(entry.at, entry.audit_id)


def parse_place(text: str | None) -> AuditPlace | None:
    """The place that `str` wrote; `BadCursor` for any other text."""
    if text is None:
        return None
    at, _, audit_id = text.partition("#")
    try:
        return AuditPlace(parse_timestamp(at), audit_id)
    except (ValueError, OverflowError) as error:  # OverflowError: a zone leads beyond the calendar
        raise BadCursor from error
