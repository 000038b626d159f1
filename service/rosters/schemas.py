"""The shapes of requests and answers about rosters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from service.http import Body, Instant, Query, Shown


class RosterQuery(Query):
    """Of which instant; now, if it is left out."""

    at: Instant | None = None


class ShownOnCall(Shown):
    """Somebody on call; phone and email in full for keys that have the scope `pii`."""

    person: str
    name: str
    phone: str | None = None
    email: str | None = None
    language: str | None = None
    timezone: str | None = None
    recipient: str | None = None
    why: Literal["turn", "override", "stands_in", "all_absent"]


class ShownRoster(Shown):
    """Who is on call at an instant, since when and until when, and who follows.

    `since` and `until` are null where nothing changes within a year. `problem` is why the file cannot be used as it
    stands now; then this is what was last used of it.
    """

    roster: str
    description: str
    timezone: str
    at: str
    on_call: ShownOnCall | None
    since: str | None
    until: str | None
    next: ShownOnCall | None


class RosterList(Shown):
    """Every roster, by name, and the files that cannot be used as they stand."""

    items: Sequence[ShownRoster]
    problems: Sequence[str]


class NewCalendar(Body):
    """A calendar that follows a roster."""

    label: Annotated[str, Field(max_length=100, description="Whose it is, such as Ann's phone")] = ""


class ShownCalendar(Shown):
    """A calendar. `path` is where its feed is, with its token: it is shown once, when the calendar is made."""

    calendar_id: str
    roster: str
    label: str
    created_at: str
    path: str | None = None


class CalendarList(Shown):
    """The calendars of a roster, oldest first."""

    items: Sequence[ShownCalendar]
