"""Cursors: the place after the last entry of a page, opaque to clients and alike in every adapter."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from service.errors import TocsinError
from service.storage import Page

T = TypeVar("T")


class BadCursor(TocsinError):
    """The cursor was not given out by us: start again without one."""


def to_cursor(place: str) -> str:
    """The cursor that stands for the entry at `place`, in URL-safe characters."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> str | None:
    """The place that `to_cursor` was given; `BadCursor` for any other text."""
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise BadCursor("the cursor is not one of ours: repeat the call without it") from error


def page_of(found: Sequence[T], limit: int, place: Callable[[T], str]) -> Page[T]:
    """A page of `limit` entries, of which one more than that was looked for to know whether another page follows."""
    items = found[:limit]
    return Page(items, to_cursor(place(items[-1])) if items and len(found) > limit else None)
