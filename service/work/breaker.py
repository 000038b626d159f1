"""A circuit breaker as a pure state machine: a provider that keeps failing is left alone for a while, then probed.

Closed lets everything through and counts failures in a row. Open lets nothing through until its time is over. Half-open
lets one probe through: its success closes the breaker, its failure opens it for twice as long. A probe that never
reports (its worker died) is replaced after `PROBE_PATIENCE`. What is urgent probes after `URGENT_REST` at the latest:
a page cannot wait five minutes for a provider that is back.
https://docs.aws.amazon.com/prescriptive-guidance/latest/cloud-design-patterns/circuit-breaker.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

TRIP_AFTER = 5
"""Failures in a row that open the breaker."""

FIRST_REST = timedelta(seconds=20)
LONGEST_REST = timedelta(minutes=5)
URGENT_REST = timedelta(seconds=10)
PROBE_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Closed:
    """Calls go through; `failures` came in a row since the last success."""

    failures: int


@dataclass(frozen=True, slots=True)
class OpenBreaker:
    """No call goes through before `until`; `times` the breaker has opened without a success in between."""

    until: datetime
    times: int

    def rests_until(self, *, urgent: bool) -> datetime:
        """Before when no call goes through; an urgent one may probe sooner."""
        rest = _rest(self.times)
        return self.until - rest + min(rest, URGENT_REST) if urgent else self.until


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """One probe is under way; another may start at `patience_ends`."""

    patience_ends: datetime
    times: int


Breaker = Closed | OpenBreaker | HalfOpen


@dataclass(frozen=True, slots=True)
class CallAllowed:
    """The call may be made. A `probe` alone decides how a half-open breaker goes on.

    `finds_out` for the one that is let through to see whether a limit of the provider is over (`limits`).
    """

    probe: bool = False
    finds_out: bool = False


@dataclass(frozen=True, slots=True)
class CallDenied:
    """The call must not be made before `until`."""

    until: datetime


def _rest(times: int) -> timedelta:
    """How long a breaker stays open that opened so many times without a success in between."""
    return min(LONGEST_REST, FIRST_REST * (1 << min(times - 1, 10)))


def admit(breaker: Breaker, now: datetime, *, urgent: bool = False) -> tuple[Breaker, CallAllowed | CallDenied]:
    """Whether a call may be made now, and the breaker after having said so."""
    match breaker:
        case Closed():
            return breaker, CallAllowed()
        case OpenBreaker() if now < (until := breaker.rests_until(urgent=urgent)):
            return breaker, CallDenied(until)
        case HalfOpen(patience_ends=ends) if now < ends:
            return breaker, CallDenied(ends)
        case OpenBreaker(times=times) | HalfOpen(times=times):
            return HalfOpen(now + PROBE_PATIENCE, times), CallAllowed(probe=True)


def succeeded(breaker: Breaker, permit: CallAllowed) -> Breaker:
    """The breaker after a call that the provider answered."""
    match breaker:
        case Closed():
            return Closed(0)
        case HalfOpen() if permit.probe:
            return Closed(0)
        case _:
            return breaker  # a call from before the breaker opened proves nothing about now


def failed(breaker: Breaker, permit: CallAllowed, now: datetime) -> Breaker:
    """The breaker after a call that the provider did not answer, or answered with a fault of its own."""
    match breaker:
        case Closed(failures=failures) if failures + 1 < TRIP_AFTER:
            return Closed(failures + 1)
        case Closed():
            return OpenBreaker(now + FIRST_REST, times=1)
        case HalfOpen(times=times) if permit.probe:
            return OpenBreaker(now + _rest(times + 1), times + 1)
        case _:
            return breaker
