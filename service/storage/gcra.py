"""The generic cell rate algorithm: slots of a rate, booked ahead with one number of state (ITU-T I.371, annex A).

The number is the theoretical arrival time: when the next slot would be due if every slot were used the moment it
is free. All times are microseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class SlotRequest:
    """`slots` of a rate of `per_second`, of which `burst` may be used at one instant."""

    slots: int
    per_second: float
    burst: int
    now: int

    def __post_init__(self) -> None:
        if self.slots < 1 or self.burst < 1 or self.per_second <= 0:
            raise ValueError(
                f"a rate of {self.per_second} a second with a burst of {self.burst} has no {self.slots} slots to give"
            )

    @property
    def takes(self) -> int:
        """How far booking moves the arrival time."""
        return round(self.slots * _SECOND / self.per_second)

    def booked(self, arrival: int | None) -> int:
        """The arrival time after booking, given the one before."""
        return max(self.now if arrival is None else arrival, self.now) + self.takes

    def usable(self, booked: int) -> int:
        """From when on the slots may be used, given the arrival time after booking them."""
        return max(self.now, booked - round(self.burst * _SECOND / self.per_second))
