"""Rosters: who is on call, as the files `rules/rosters/*.yaml` say it.

The core (`roster`, `rotation`, `wall_clock`) is pure: it says who is on call at an instant.
"""

from service.rosters.roster import OnCall, Person, Roster, Shift, Why

__all__ = ["OnCall", "Person", "Roster", "Shift", "Why"]
