"""Times as a reader's texts say them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton

from service.core import Tag


def local_time(at: datetime, zone: str | None, language: Tag, now: datetime) -> str:
    """An instant on the reader's clock: `03:12`, with the date where it is not the reader's today; UTC without a zone.

    Dates are CLDR's (`Babel`): `12 mai, 03:12` in French. Spaces are plain ones: others cost an SMS its alphabet.
    """
    here = at.astimezone(ZoneInfo(zone or "UTC"))
    today = now.astimezone(here.tzinfo).date()
    time = f"{here:%H:%M}"
    if here.date() == today:
        return time
    skeleton = "MMMd" if here.year == today.year else "yMMMd"
    return " ".join(f"{format_skeleton(skeleton, here, locale=language.locale)}, {time}".split())
