"""The root of every error that Tocsin raises on purpose."""

from __future__ import annotations


class TocsinError(Exception):
    """Something a person must act on; its text says what and how."""


class Unavailable(TocsinError):
    """A part that is needed right now does not answer; the same call may succeed later (HTTP 503)."""
