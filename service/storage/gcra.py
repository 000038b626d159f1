"""The generic cell rate algorithm: slots of a rate, booked ahead with one number of state (ITU-T I.371, annex A).

The number is the theoretical arrival time: when the next slot would be due if every slot were used the moment it
is free.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Booking:
    """Slots booked: usable from `at` on; `arrival` is the new state. Both in microseconds since 1970."""

    at: int
    arrival: int


def book(arrival: int | None, slots: int, per_second: float, now: int, burst: int) -> Booking:
    """Book `slots` of `per_second`, of which `burst` may be used at one instant."""
    if slots < 1 or burst < 1 or per_second <= 0:
        raise ValueError(f"a rate of {per_second} a second cannot give {slots} slots with a burst of {burst}")
    after = max(arrival or now, now) + round(slots * 1_000_000 / per_second)
    return Booking(at=max(now, after - round(burst * 1_000_000 / per_second)), arrival=after)
