"""A request as the audit keeps it, read again: its facts, the instant it was decided for, its computed facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeAlias

from service import exact_json
from service.clock import parse_timestamp
from service.storage import AuditEntry


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was asked: nested facts, the day that `today` was, and facts that were computed then, by path, as text."""

    request_id: str
    request: Mapping[str, object]
    today: date
    scores: Mapping[str, str]


Scores: TypeAlias = Mapping[str, str]
"""Computed facts by path, as text."""


def answer_id(entry: AuditEntry) -> str:
    """The id of the `response` entry that answers a `request` entry, if it was answered."""
    return f"{entry.detail.get('evaluation_id')}-2"


def computed_facts(answer: AuditEntry | None) -> Scores:
    """The facts that were computed for an answered request."""
    scores = {} if answer is None else answer.detail.get("derived")
    return scores if isinstance(scores, Mapping) else {}


def recorded(entry: AuditEntry, scores: Scores) -> Recorded | None:
    """The request of a `request` entry; None if it holds no facts object."""
    document = exact_json.stored(entry.raw_data)
    if not isinstance(document, dict):
        return None
    bare = entry.detail.get("via") == "policy/premium"  # the one call whose body is the facts themselves
    request = document if bare or "request" not in document else document["request"]
    if not isinstance(request, dict):
        return None
    context = {} if bare else document.get("context")
    as_of = context.get("as_of") if isinstance(context, dict) else None
    at = instant_of(as_of) if isinstance(as_of, str) else entry.at
    return Recorded(entry.request_id, request, at.date(), scores)


def instant_of(text: str) -> datetime:
    """An `as_of`: RFC 3339 with its zone, or a date, which means its first instant in UTC; else ValueError."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return parse_timestamp(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
