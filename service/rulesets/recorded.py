"""A request as the audit keeps it, read again: its facts, the instant it was decided for, its computed facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeAlias

from service.core import exact_json, parse_timestamp
from service.storage import AuditEntry, AuditText


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """What was asked: nested facts, the day that `today` was, and facts that were computed then, by path, as text."""

    request_id: str
    request: Mapping[str, object]
    today: date
    scores: Mapping[str, str]


Scores: TypeAlias = Mapping[str, str]
"""Computed facts by path, as text."""


def answer_id(text: AuditText) -> str:
    """The id of the `response` entry that answers a `request` entry, if it was answered."""
    return f"{_document(text.detail).get('evaluation_id')}-2"


def _document(text: str) -> Mapping[str, object]:
    document = exact_json.stored(text)
    assert isinstance(document, dict), "written by the store"
    return document


def computed_facts(answer: AuditEntry | AuditText | None) -> Scores:
    """The facts that were computed for an answered request."""
    detail = _document(answer.detail) if isinstance(answer, AuditText) else answer.detail if answer else {}
    scores = detail.get("derived")
    return scores if isinstance(scores, Mapping) else {}


def recorded_request(text: AuditText, scores: Scores) -> RecordedRequest | None:
    """The request of a `request` entry; None if it has no object of facts."""
    requests = bodies([text])
    if not requests.requests:
        return None
    return RecordedRequest(text.request_id, requests.requests[0], date.fromordinal(requests.days[0]), scores)


BARE = "policy/premium"
"""The one call whose body is the facts themselves."""

_SAYS_BARE = f'"via":"{BARE}"'


@dataclass(frozen=True, slots=True)
class RecordedRequests:
    """What was asked in very many entries: their facts, and the ordinal of the day that `today` was.

    `unreadable` are entries whose request is not known: earlier releases recorded requests that are
    refused today.
    """

    texts: Sequence[AuditText]
    requests: Sequence[Mapping[str, object]]
    days: Sequence[int]
    unreadable: Sequence[AuditText] = ()


def bodies(texts: Sequence[AuditText]) -> RecordedRequests:
    """What many `request` entries hold."""
    documents = _documents([text.raw_data for text in texts])
    asked = [_asked(document, text) for document, text in zip(documents, texts, strict=True)]
    requests = [(text, *body) for text, body in zip(texts, asked, strict=True) if body is not None]
    return RecordedRequests(
        [text for text, _, _ in requests],
        [request for _, request, _ in requests],
        [day for _, _, day in requests],
        [text for text, body in zip(texts, asked, strict=True) if body is None],
    )


_DAY = 24 * 60 * 60 * 1_000_000
_FIRST_DAY = date(1970, 1, 1).toordinal()


PARSED = 250
"""How many to parse at once: more need more memory and are no faster."""


def _documents(raws: Sequence[str]) -> Sequence[object]:
    """Many documents parsed as one, which takes a tenth less; one by one where one of them cannot be read."""
    documents = _document_or_not(f"[{','.join(raws)}]")
    if isinstance(documents, list) and len(documents) == len(raws):
        return documents
    return [_document_or_not(raw) for raw in raws]


def _document_or_not(raw: str) -> object:
    try:
        return exact_json.stored(raw)
    except (ValueError, ArithmeticError, RecursionError):
        return None


def _asked(document: object, text: AuditText) -> tuple[Mapping[str, object], int] | None:
    """The facts of a body and the day that `today` was; None where that is not known."""
    asked = _facts(document, _SAYS_BARE in text.detail)
    if asked is None:
        return None
    request, as_of = asked
    try:
        return request, instant_of(as_of).toordinal() if as_of else text.at // _DAY + _FIRST_DAY
    except (ValueError, OverflowError):
        return None


def _facts(document: object, bare: bool) -> tuple[Mapping[str, object], str | None] | None:
    """The facts of a body and the `as_of` that it gives."""
    if not isinstance(document, dict):
        return None
    if bare or "request" not in document:
        request = document
    else:
        request = document["request"]
        if not isinstance(request, dict):
            return None
    context = None if bare else document.get("context")
    as_of = context.get("as_of") if isinstance(context, dict) else None
    return request, as_of if isinstance(as_of, str) else None


def instant_of(text: str) -> datetime:
    """An `as_of`: RFC 3339 with its zone, or a date, which means its first instant in UTC; else ValueError."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return parse_timestamp(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
