"""Identifiers that sort by time and may stand in URLs, email tags and queue messages: letters, digits, `-`, `_`."""

from __future__ import annotations

from datetime import datetime

from ulid import ULID


def fresh(at: datetime) -> str:
    """A new ULID of the instant `at`, in lower case: 26 letters and digits, in time order as text."""
    return str(ULID.from_datetime(at)).lower()
