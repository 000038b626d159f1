"""How long whoever asked will wait: a request has a deadline that every call made for it keeps, wherever it is made.

Work in the background has none: it is patient, and bounded by what each call allows itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Everything that this thread does inside is for somebody who waits so long."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def extend(seconds: float) -> None:
    """So much of the time was the caller's own doing: it sent its request slowly."""
    ends_at = _ends_at.get()
    if ends_at is not None:
        _ends_at.set(ends_at + seconds)


def left() -> float | None:
    """The seconds until the deadline, negative when it is over; None where nobody waits."""
    ends_at = _ends_at.get()
    return None if ends_at is None else ends_at - time.monotonic()
