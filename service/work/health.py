"""How well a provider has done lately, as sums that fade: what was long ago counts less and less."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HALF_LIFE = timedelta(minutes=1)
"""After this time a call counts half: a provider that recovers has its share back within a few minutes."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Health:
    """Calls that went well and calls that did not, as they counted at `at`."""

    good: float = 0.0
    bad: float = 0.0
    at: datetime = LONG_AGO

    def after(self, good: int, bad: int, now: datetime) -> Health:
        """The health once some calls more are known. A clock that went back fades nothing."""
        kept = 0.5 ** (max(now - self.at, timedelta(0)) / HALF_LIFE) if self.good or self.bad else 0.0
        return Health(self.good * kept + good, self.bad * kept + bad, max(now, self.at))

    def share(self, now: datetime) -> float:
        """The share of recent calls that went well, over 0 and at most 1.

        One good call is assumed, so that a provider of which nothing is known, or nothing recent, counts as healthy.
        """
        seen = self.after(0, 0, now)
        return (seen.good + 1) / (seen.good + seen.bad + 1)
