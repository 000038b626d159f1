"""Time zones by their IANA names."""

from __future__ import annotations

import zoneinfo
from functools import cache

_NO_PLACE = {"Factory", "localtime", "posixrules"}
"""Names that mean another zone on each machine, or none."""


@cache
def time_zones() -> frozenset[str]:
    """The names of all zones that this machine knows: reading its folder of zones takes milliseconds."""
    return frozenset(zoneinfo.available_timezones()) - _NO_PLACE


def is_time_zone(name: str) -> bool:
    """Whether a text is the name of a zone, as IANA writes it: `Europe/Berlin`."""
    return name in time_zones()
