"""Counts what providers said of the messages that were handed to them."""

from __future__ import annotations

from prometheus_client import Counter

from service.channels.message import Accepted, Outcome, Refused, Unknown

SENDS = Counter(
    "tocsin_sends",
    "Messages handed to a provider, by what it said: accepted, unknown, or why it refused.",
    ("provider", "outcome"),
)


def counted_send(provider: str, outcome: Outcome) -> Outcome:
    """The same outcome, counted."""
    SENDS.labels(provider, _label(outcome)).inc()
    return outcome


def _label(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return "accepted"
        case Unknown():
            return "unknown"
        case Refused(reason=reason):
            return reason.value
