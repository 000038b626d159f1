"""What the console says of states and times: one word, one colour and one symbol each, and dates that people read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from markupsafe import Markup

from service.core import parse_timestamp


@dataclass(frozen=True, slots=True)
class StatusWords:
    """A state as people read it. `tone` is a colour of the stylesheet, `symbol` the same without colour."""

    word: str
    tone: str
    symbol: str


STATUSES: Mapping[str, StatusWords] = {
    # incidents
    "open": StatusWords("open", "bad", "●"),
    "acknowledged": StatusWords("taken", "ok", "✓"),
    "resolved": StatusWords("resolved", "ok", "✓"),
    "unacknowledged": StatusWords("nobody took it", "bad", "✕"),
    "cancelled": StatusWords("called off", "dim", "–"),
    # notifications
    "validating": StatusWords("being checked", "info", "…"),
    "held_for_review": StatusWords("waits for review", "warn", "‖"),
    "rejected": StatusWords("rejected", "bad", "✕"),
    "approved": StatusWords("approved", "info", "◷"),
    "translating": StatusWords("being translated", "info", "…"),
    "completed": StatusWords("done", "ok", "✓"),
    "completed_with_failures": StatusWords("done, some failed", "warn", "!"),
    "cancelling": StatusWords("being stopped", "warn", "…"),
    # proposed versions of rules
    "waits_for_approval": StatusWords("waits for approval", "warn", "‖"),
    "approved_by": StatusWords("approved", "ok", "✓"),
    # single messages
    "pending": StatusWords("waits", "info", "…"),
    "sending": StatusWords("being sent", "info", "▸"),
    "accepted": StatusWords("on its way", "info", "▸"),
    "delivered": StatusWords("delivered", "ok", "✓"),
    "failed": StatusWords("failed", "bad", "✕"),
    "unknown": StatusWords("may have left", "warn", "?"),
    "suppressed": StatusWords("opted out", "dim", "–"),
    "dropped": StatusWords("not needed any more", "dim", "–"),
    "needs_translation": StatusWords("waits for a translation", "warn", "‖"),
    # what rules asked for
    "waits": StatusWords("waits", "info", "…"),
    "waits_for_review": StatusWords("waits for review", "warn", "‖"),
    "done": StatusWords("done", "ok", "✓"),
    "dead": StatusWords("dead", "bad", "✕"),
    # tested events
    "matched": StatusWords("matched", "ok", "✓"),
    "not_matched": StatusWords("not matched", "dim", "–"),
    "error": StatusWords("does not fit", "bad", "✕"),
    # parts of the service
    "ok": StatusWords("ok", "ok", "✓"),
    "ready": StatusWords("all well", "ok", "✓"),
    "degraded": StatusWords("late or wrong", "warn", "!"),
    "not ready": StatusWords("not working", "bad", "✕"),
    "paused": StatusWords("paused", "warn", "‖"),
    "running": StatusWords("running", "ok", "▸"),
}


def status(value: str) -> StatusWords:
    """A state in words; one without an entry is shown as the API writes it."""
    return STATUSES.get(value, StatusWords(value.replace("_", " "), "dim", "·"))


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


def money(value: object) -> str:
    """An amount with its thousands apart, to the hundredth: `1,612.40`."""
    return f"{Decimal(str(value)):,.2f}"


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
