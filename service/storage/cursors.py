"""Cursors: the place after the last entry of a page, opaque to clients and alike in every adapter.

A store's own cursor names a place alone. What callers get and send back (`for_list`, `of_list`) also names the list, so
that the cursor of another list, or of the same one with other filters, is refused instead of answering a wrong page.
A sum over all of it does the same for a cursor that lost or changed a character on its way.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

from service.core import TocsinError, exact_json
from service.storage.store import MAX_PAGE_BYTES, AuditEntry, AuditText, Item, Page

T = TypeVar("T")

MAX_PLACE_BYTES = 1_000
"""Size of a place: an id (`MAX_KEY_BYTES`), in the audit with a time before it."""

_MARK_BYTES = 6
_SUM_BYTES = 6


class BadCursor(TocsinError):
    """The cursor was not given out by us, or by another list: start again without one."""

    def __init__(self, why: str = "is not one of ours: repeat the call without it") -> None:
        super().__init__(f"the cursor {why}")
        self.why = why


def to_cursor(place: str) -> str:
    """The cursor that stands for the entry at `place`, in URL-safe characters."""
    return _encoded(place.encode())


def from_cursor(cursor: str | None) -> str | None:
    """The place that `to_cursor` was given; `BadCursor` for any other text."""
    if cursor is None:
        return None
    place = _decoded(cursor)
    if not 0 < len(place) <= MAX_PLACE_BYTES:
        raise BadCursor
    return _text(place)


def for_list(name: str, cursor: str | None) -> str | None:
    """A store's cursor as the list of this name gives it out."""
    if cursor is None:
        return None
    content = _mark(name) + cursor.encode()
    return _encoded(_sum(content) + content)


def of_list(name: str, cursor: str) -> str:
    """The store's cursor that `for_list` was given for this list; `BadCursor` for any other text."""
    raw = _decoded(cursor)
    content = raw[_SUM_BYTES:]
    if raw[:_SUM_BYTES] != _sum(content):
        raise BadCursor
    if content[:_MARK_BYTES] != _mark(name):
        raise BadCursor("is not one of this list: repeat the call without it")
    return _text(content[_MARK_BYTES:])


def page_of(entries: Iterable[T], limit: int, place: Callable[[T], str], size: Callable[[T], int]) -> Page[T]:
    """A page of `limit` entries, or of as many as fit `MAX_PAGE_BYTES`, but always of one.

    One entry more is looked at to know whether another page follows; `found` is read no further than that.
    """
    items: list[T] = []
    left = MAX_PAGE_BYTES
    for entry in entries:
        left -= size(entry)
        if items and (len(items) == limit or left < 0):
            return Page(items, to_cursor(place(items[-1])))
        items.append(entry)
    return Page(items, None)


def item_size(item: Item) -> int:
    """The bytes of an item's state."""
    return len(exact_json.dumps(item.state))  # what was read is not written a second time


def entry_size(entry: AuditEntry) -> int:
    """The bytes of what an audit entry holds."""
    return len(entry.raw_data.encode()) + len(exact_json.dumps(entry.detail))


def text_size(text: AuditText) -> int:
    """Likewise of an unparsed one."""
    return len(text.raw_data.encode()) + len(text.detail)


def _mark(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:_MARK_BYTES]


def _sum(content: bytes) -> bytes:
    return hashlib.sha256(b"cursor:" + content).digest()[:_SUM_BYTES]


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(cursor: str) -> bytes:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: not ASCII
        raise BadCursor from error
    if _encoded(raw) != cursor:  # bits that stand for nothing, or padding of its own
        raise BadCursor
    return raw


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadCursor from error
