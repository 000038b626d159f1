"""A roster as an iCalendar feed (RFC 5545, RFC 7986): one event for each shift. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from service.rosters.roster import Person, Roster, Shift

if TYPE_CHECKING:
    from icalendar.cal import Component

MEDIA_TYPE = "text/calendar; charset=utf-8"
SHOWN_BACK = timedelta(weeks=4)
SHOWN_AHEAD = timedelta(weeks=26)
REFRESHED = timedelta(hours=1)
"""How often a calendar should look again."""


def feed(roster: Roster, now: datetime, name_of: Callable[[Person], str]) -> bytes:
    """The shifts from some weeks ago to half a year ahead, in UTC; times are free for other appointments."""
    import icalendar  # takes a while to import, and no other call needs it

    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Tocsin//Rosters//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"On call: {roster.name}")
    calendar.add("refresh-interval", REFRESHED, parameters={"VALUE": "DURATION"})
    for shift in roster.shifts(roster.shift(now - SHOWN_BACK).since or now - SHOWN_BACK, now + SHOWN_AHEAD):
        if shift.on_call is not None:
            calendar.add_component(_event(roster, shift, now, name_of(shift.on_call.person)))
    content: bytes = calendar.to_ical()
    return content


def _event(roster: Roster, shift: Shift, now: datetime, name: str) -> Component:
    import icalendar

    assert shift.since is not None
    event = icalendar.Event()
    event.add("uid", f"{roster.name}-{shift.since:%Y%m%dT%H%M%SZ}@rosters.tocsin")
    event.add("dtstamp", now)
    event.add("dtstart", shift.since)
    event.add("dtend", shift.until)
    event.add("summary", f"{name} is on call: {roster.name}")
    event.add("transp", "TRANSPARENT")
    if roster.description:
        event.add("description", roster.description)
    return event
