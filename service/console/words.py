"""What the console says of states and times: one word, one colour and one symbol each, and dates that people read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from markupsafe import Markup

from service.core.clock import parse_timestamp


@dataclass(frozen=True, slots=True)
class Status:
    """A state as people read it. `tone` is a colour of the stylesheet, `symbol` the same without colour."""

    word: str
    tone: str
    symbol: str


STATUSES: Mapping[str, Status] = {
    # incidents
    "open": Status("open", "bad", "●"),
    "acknowledged": Status("taken", "ok", "✓"),
    "resolved": Status("resolved", "ok", "✓"),
    "unacknowledged": Status("nobody took it", "bad", "✕"),
    "cancelled": Status("called off", "dim", "–"),
    # notifications
    "validating": Status("being checked", "info", "…"),
    "held_for_review": Status("waits for review", "warn", "‖"),
    "rejected": Status("rejected", "bad", "✕"),
    "approved": Status("approved", "info", "◷"),
    "translating": Status("being translated", "info", "…"),
    "completed": Status("done", "ok", "✓"),
    "completed_with_failures": Status("done, some failed", "warn", "!"),
    "cancelling": Status("being stopped", "warn", "…"),
    # single messages
    "pending": Status("waits", "info", "…"),
    "sending": Status("being sent", "info", "▸"),
    "accepted": Status("on its way", "info", "▸"),
    "delivered": Status("delivered", "ok", "✓"),
    "failed": Status("failed", "bad", "✕"),
    "unknown": Status("may have left", "warn", "?"),
    "suppressed": Status("opted out", "dim", "–"),
    "dropped": Status("not needed any more", "dim", "–"),
    "needs_translation": Status("waits for a translation", "warn", "‖"),
    # what rules asked for
    "waits": Status("waits", "info", "…"),
    "waits_for_review": Status("waits for review", "warn", "‖"),
    "done": Status("done", "ok", "✓"),
    "dead": Status("dead", "bad", "✕"),
    # parts of the service
    "ok": Status("ok", "ok", "✓"),
    "ready": Status("all well", "ok", "✓"),
    "degraded": Status("late or wrong", "warn", "!"),
    "not ready": Status("not working", "bad", "✕"),
    "paused": Status("paused", "warn", "‖"),
    "running": Status("running", "ok", "▸"),
}


def status(value: str) -> Status:
    """A state in words; one without an entry is shown as the API writes it."""
    return STATUSES.get(value, Status(value.replace("_", " "), "dim", "·"))


def moment(value: str | datetime | None) -> Markup:
    """An instant as `<time>`: in UTC, which the page's script turns into the reader's own zone."""
    if value is None or value == "":
        return Markup("–")
    at = parse_timestamp(value) if isinstance(value, str) else value
    shown = at.astimezone(UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(shown.isoformat(), shown.strftime("%d %b %H:%M:%S"))


def ago(value: str | datetime | None, now: datetime) -> str:
    """How long ago something was, in one unit: `3 min`."""
    if not value:
        return "–"
    at = parse_timestamp(value) if isinstance(value, str) else value
    return span(now - at)


def span(length: timedelta) -> str:
    """A length of time in one unit: `40 s`, `3 min`, `2 h`, `5 days`."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 2 * 86_400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86_400} days"


def number(value: object) -> str:
    """A number with its thousands apart: `37,690`."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def pretty(value: object) -> str:
    """A document as indented JSON; a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)


def as_query(document: object) -> str:
    """The facts of a recorded request as a query: `driver.age=18&car.color=RED`."""
    facts = document.get("request", document) if isinstance(document, Mapping) else {}
    return urlencode(dict(_leaves("", facts)))


def _leaves(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, str | int | Decimal):
        yield path, str(value).lower() if isinstance(value, bool) else str(value)
