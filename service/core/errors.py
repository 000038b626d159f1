"""The root of every error that Tocsin raises on purpose."""

from __future__ import annotations

from datetime import timedelta


class TocsinError(Exception):
    """Something a person must act on; its text says what and how."""


class Unavailable(TocsinError):
    """A part that is needed right now does not answer; the same call may succeed later (HTTP 503).

    `after` is the least wait, where that part named one.
    """

    def __init__(self, *words: object, after: timedelta = timedelta(0)) -> None:
        super().__init__(*words)
        self.after = after
