"""A provider's own limits as pure functions: for how long nothing is asked of it, and how fast it is asked.

A limit has nothing to do with the message that met it: a throttle, a daily quota, a paused account, an empty purse,
credentials that are refused. So the provider is left alone, for seconds or a quarter of an hour, then one message finds
out; meanwhile messages wait, which is no attempt of theirs.

How fast: a throttle makes everybody ask more slowly at once, and time without one makes them ask a little faster again
(additive increase, multiplicative decrease: RFC 5681, section 3.1, for the same reason).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from service.work.health import LONG_AGO


class LimitKind(StrEnum):
    """What kind of limit was met."""

    NONE = "none"
    RATE = "rate"
    """Too many for now; over in seconds."""
    ACCESS = "access"
    """Access is refused: credentials. Over as soon as somebody corrects them, or in a moment by itself."""
    ACCOUNT = "account"
    """A quota, a spend limit, a paused account: over when the day or an operator says so."""


FIRST_REST = {
    LimitKind.RATE: timedelta(seconds=1),
    LimitKind.ACCESS: timedelta(seconds=2),
    LimitKind.ACCOUNT: timedelta(minutes=15),
}
LONGEST_REST = {
    LimitKind.RATE: timedelta(seconds=15),
    LimitKind.ACCESS: timedelta(seconds=30),
    LimitKind.ACCOUNT: timedelta(minutes=15),
}
FOR_AN_OPERATOR = frozenset({LimitKind.ACCESS, LimitKind.ACCOUNT})

PROBE_PATIENCE = timedelta(seconds=2)
"""After a rest one message is sent; when the others are to look again what became of it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The limit that a provider is at: left alone until `until`, for the `times`th time in a row. `why`: its code."""

    kind: LimitKind = LimitKind.NONE
    until: datetime = LONG_AGO
    times: int = 0
    why: str = ""


NO_LIMIT = Limit()


def admitted(limit: Limit, now: datetime) -> Limit | None:
    """The limit once a message was let through, None if none may be. It changes for the one that finds out for all."""
    if limit.kind is LimitKind.NONE:
        return limit
    return None if now < limit.until else replace(limit, until=now + PROBE_PATIENCE)


def met(limit: Limit, kind: LimitKind, why: str, asked: timedelta, is_first: bool, now: datetime) -> Limit:
    """The limit after a refusal that asks for `asked`. Refusals of calls that were under way together count as one.

    `is_first` is for the message that was let through to find out.
    """
    if limit.kind is kind and now < limit.until and not is_first:
        return replace(limit, until=max(limit.until, now + asked))
    times = limit.times if limit.kind is kind else 0
    rest = min(LONGEST_REST[kind], FIRST_REST[kind] * (1 << min(times, 10)))
    return Limit(kind, now + max(rest, asked), times + 1, why)


def lifted(limit: Limit, is_first: bool, now: datetime) -> Limit:
    """The limit after a message was taken. One from before a rest proves nothing about now."""
    return NO_LIMIT if is_first or now >= limit.until else limit


SLOWER = 0.7
"""What a throttle leaves of the pace."""

FASTER_A_SECOND = 0.02
SLOWEST = 0.02
ONE_MOMENT = timedelta(seconds=1)
"""Throttles within it are one: they answer calls that were made together."""


@dataclass(frozen=True, slots=True)
class RateShare:
    """The share of a provider's rate at which it is asked, as it was at `at`."""

    share: float = 1.0
    at: datetime = LONG_AGO


FULL_RATE = RateShare()


def share(pace: RateShare, now: datetime) -> float:
    """The share by now, over 0 and at most 1."""
    if pace.share >= 1:
        return 1.0
    return min(1.0, pace.share + FASTER_A_SECOND * max(now - pace.at, timedelta(0)).total_seconds())


def slowed(pace: RateShare, now: datetime) -> RateShare:
    """The pace after a throttle."""
    if timedelta(0) <= now - pace.at < ONE_MOMENT:
        return pace
    return RateShare(max(SLOWEST, SLOWER * share(pace, now)), now)
