"""Rosters: who is on call, as the files `rules/rosters/*.yaml` say it.

The core (`roster`, `rotation`, `wall_clock`) is pure: it says who is on call at an instant.
"""

from service.rosters import roster_file
from service.rosters.calendars import Calendar, Calendars, path_of
from service.rosters.roster import OnCall, OnCallReason, Person, Roster, Shift
from service.rosters.rosters import Rosters, UnknownRoster
from service.rosters.views import RosterView, local_time

__all__ = [
    "Calendar",
    "Calendars",
    "OnCall",
    "OnCallReason",
    "Person",
    "Roster",
    "RosterView",
    "Rosters",
    "Shift",
    "UnknownRoster",
    "local_time",
    "path_of",
    "roster_file",
]
