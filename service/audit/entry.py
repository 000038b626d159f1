"""The kinds of audit entries, and an entry as callers see it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from service.core import exact_json, timestamp
from service.storage import AuditEntry


class EntryType(StrEnum):
    """Why an entry was written.

    A `request` entry is durable before anything is evaluated; a `response` entry before the answer is given; an
    `exception` entry stands in its place when the call was refused or failed; a `dry-run` changed nothing.
    """

    REQUEST = "request"
    RESPONSE = "response"
    EXCEPTION = "exception"
    DRY_RUN = "dry-run"


def as_json(entry: AuditEntry) -> Mapping[str, object]:
    """The entry as the API and the command line show it."""
    return {
        "audit_id": entry.audit_id,
        "request_id": entry.request_id,
        "entry_type": entry.entry_type,
        "time_stamp": timestamp(entry.at),
        "app": entry.app,
        "ruleset": entry.ruleset,
        "raw_data": entry.raw_data,
        "data": _read(entry.raw_data),
        "detail": entry.detail,
    }


def _read(raw_data: str) -> object:
    """What was received may be no JSON: it is kept as it came."""
    try:
        return exact_json.stored(raw_data.strip())
    except (ValueError, ArithmeticError, RecursionError):
        return None
