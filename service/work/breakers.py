"""Circuit breakers, limits and health shared by all processes: one stored item for each account at a provider."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from msgspec import structs
from prometheus_client import Gauge

from service.core import Clock, from_state, to_state
from service.storage import Conflict, Item, Store, StoreUnavailable
from service.work import limits
from service.work.breaker import (
    Breaker,
    CallAllowed,
    CallDenied,
    Closed,
    HalfOpen,
    OpenBreaker,
    admit,
    failed,
    succeeded,
)
from service.work.health import Health
from service.work.limits import Limit, LimitKind, RateShare

logger = logging.getLogger(__name__)

KIND = "breaker"

TELL_EVERY = timedelta(seconds=5)
"""How long a process gathers outcomes before it writes them down: health must not cost a write a call."""

FRESH = timedelta(seconds=1)
"""How long a process uses what it last saw of a provider: many hand-overs a second need not ask as often. What it
writes is held against what is stored all the same, so that only one of all processes probes."""

PROBED_WITHIN = timedelta(seconds=2)
"""When to look again at a provider that is being probed: most answer sooner."""

STATE = Gauge(
    "tocsin_breaker_state",
    "A provider's circuit breaker as it was last seen: 0 closed, 1 half-open, 2 open.",
    ("provider",),
    multiprocess_mode="mostrecent",
)
LIMITED = Gauge(
    "tocsin_provider_limited",
    "Whether a provider is at a limit of its own: 0 no, 1 it throttles, 2 an operator must act (quota, pause, access).",
    ("provider",),
    multiprocess_mode="mostrecent",
)
HEALTH = Gauge(
    "tocsin_provider_health",
    "The share of a provider's recent calls that went well, as it was last seen.",
    ("provider",),
    multiprocess_mode="mostrecent",
)


@dataclass(frozen=True, slots=True)
class _Record:
    breaker: Breaker
    health: Health = field(default_factory=Health)
    limit: Limit = limits.NO_LIMIT
    pace: RateShare = limits.FULL_RATE


@dataclass(frozen=True, slots=True)
class _Seen:
    """One provider's item as it was read or written."""

    item: Item
    record: _Record
    at: datetime

    def is_fresh(self, now: datetime) -> bool:
        """Whether it is good enough for another hand-over."""
        return timedelta(0) <= now - self.at < FRESH


class Breakers:
    """The breakers of providers, such as `smtp` or `aws-sms`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._untold = _Untold()
        self._last: dict[str, _Seen] = {}
        self._reading = threading.Lock()

    def look(self, providers: Iterable[str]) -> BreakerView:
        """Look at the breakers of some providers, for one hand-over: those not seen just now are read together."""
        # Hand-overs begin together: one of their threads reads for all, unless the store keeps it waiting.
        alone = self._reading.acquire(timeout=FRESH.total_seconds())
        try:
            return BreakerView(self._store, self._clock, self._untold, self._last, tuple(providers))
        finally:
            if alone:
                self._reading.release()

    def admit(self, provider: str) -> CallAllowed | CallDenied:
        """Whether `provider` may be called now. After a `CallAllowed`, report how it went."""
        return self._read(provider).admit(provider)

    def succeeded(self, provider: str, permit: CallAllowed) -> None:
        """Report a call that the provider answered, even if it refused that one message."""
        self._read(provider).succeeded(provider, permit)

    def failed(self, provider: str, permit: CallAllowed) -> None:
        """Report a call that the provider did not answer, or answered with a fault of its own."""
        self._read(provider).failed(provider, permit)

    def state(self, provider: str) -> Breaker:
        """The breaker as it stands, for the console and `tocsin doctor`."""
        return self._read(provider).state(provider)

    def _read(self, provider: str) -> BreakerView:
        self._last.pop(provider, None)
        return self.look([provider])


class BreakerView:
    """What one hand-over knows of its providers: read at most `FRESH` ago, and kept up with what it reports itself.

    What others report meanwhile is seen when this look writes: the write then fails and is made on what they left.
    """

    def __init__(
        self, store: Store, clock: Clock, untold: _Untold, last: dict[str, _Seen], providers: tuple[str, ...]
    ) -> None:
        self._store = store
        self._clock = clock
        self._untold = untold
        self._last = last  # what the process saw last, shared by its threads: each entry is replaced as a whole
        now = clock.now()
        self._seen = {name: last[name] for name in providers if name in last and last[name].is_fresh(now)}
        self._read(tuple(name for name in providers if name not in self._seen))

    def state(self, provider: str) -> Breaker:
        """The breaker as it was seen."""
        return self._seen[provider].record.breaker

    def health(self, provider: str) -> float:
        """The share of recent calls that went well, over 0 and at most 1."""
        return self._seen[provider].record.health.share(self._clock.now())

    def limit(self, provider: str) -> Limit:
        """The provider's own limit as it was seen."""
        return self._seen[provider].record.limit

    def pace(self, provider: str) -> float:
        """The share of its rate at which the provider is asked, over 0 and at most 1."""
        return limits.share(self._seen[provider].record.pace, self._clock.now())

    def rests_until(self, provider: str, *, urgent: bool = False) -> datetime | None:
        """Until when the provider is left alone; None when it may be called. While it is probed, for a moment."""
        now = self._clock.now()
        if (limit := self.limit(provider)).until > now and limit.kind is not LimitKind.NONE:
            return limit.until
        match admit(self.state(provider), now, urgent=urgent):
            case HalfOpen(), CallDenied(until=until):
                return min(until, now + PROBED_WITHIN)
            case _, CallDenied(until=until):
                return until
            case _:
                return None

    def rest(self, provider: str, *, urgent: bool = False) -> timedelta:
        """How much longer the provider is left alone; nothing when it may be called."""
        now = self._clock.now()
        return (self.rests_until(provider, urgent=urgent) or now) - now

    def admit(self, provider: str, *, urgent: bool = False) -> CallAllowed | CallDenied:
        """Whether `provider` may be called now. After a `CallAllowed`, report how it went."""
        while True:
            before, now = self._seen[provider].record, self._clock.now()
            limit = limits.admitted(before.limit, now)
            if limit is None:
                return CallDenied(before.limit.until)
            breaker, answer = admit(before.breaker, now, urgent=urgent)
            if isinstance(answer, CallDenied):
                return answer
            after = replace(before, breaker=breaker, limit=limit)
            if after == before or self._swap(provider, after):
                return replace(answer, finds_out=limit != before.limit)
            # somebody else was quicker: they may have taken the one probe

    def succeeded(self, provider: str, permit: CallAllowed, *, well: bool = True) -> None:
        """Report a call that the provider answered; not `well` if it took nothing for reasons of its own or ours."""
        now = self._clock.now()

        def after(record: _Record) -> _Record:
            limit = limits.lifted(record.limit, permit.finds_out, now) if well else record.limit
            return replace(record, breaker=succeeded(record.breaker, permit), limit=limit)

        self._report(provider, after, well=well)

    def failed(self, provider: str, permit: CallAllowed) -> None:
        """Report a call that the provider did not answer, or answered with a fault of its own."""
        now = self._clock.now()
        self._report(provider, lambda record: replace(record, breaker=failed(record.breaker, permit, now)), well=False)

    def limited(self, provider: str, permit: CallAllowed, kind: LimitKind, why: str, asked: timedelta) -> None:
        """Report a call that met a limit of the provider's own, which asks to be left alone for `asked`."""
        now = self._clock.now()

        def after(record: _Record) -> _Record:
            limit = limits.met(record.limit, kind, why, asked, permit.finds_out, now)
            pace = limits.slowed(record.pace, now) if kind is LimitKind.RATE else record.pace
            return replace(record, breaker=succeeded(record.breaker, permit), limit=limit, pace=pace)

        self._report(provider, after, well=False)

    def slowed(self, provider: str, permit: CallAllowed) -> None:
        """Report a call of which the provider took a part and throttled the rest."""
        now = self._clock.now()

        def after(record: _Record) -> _Record:
            limit = limits.lifted(record.limit, permit.finds_out, now)
            pace = limits.slowed(record.pace, now)
            return replace(record, breaker=succeeded(record.breaker, permit), limit=limit, pace=pace)

        self._report(provider, after, well=True)

    def _report(self, provider: str, change: Callable[[_Record], _Record], *, well: bool) -> None:
        is_time = self._untold.count(provider, well, self._clock.now())
        try:
            self._write(provider, change, even_unchanged=is_time)
        except StoreUnavailable:
            # What became of the call counts for more than the breaker: whoever made it must hear of it.
            logger.warning("The store did not take what provider %s did", provider, extra={"provider": provider})

    def _write(self, provider: str, change: Callable[[_Record], _Record], *, even_unchanged: bool) -> None:
        while True:
            before = self._seen[provider].record
            after = change(before)
            if after == before and not even_unchanged:
                return
            if self._swap(provider, after):
                _log(provider, before, after)
                return

    def _swap(self, provider: str, changed: _Record) -> bool:
        """Write what changed, and with it the outcomes that were gathered; False, having read again, if another did."""
        now, seen = self._clock.now(), self._seen[provider]
        good, bad = self._untold.take(provider, now)
        record = replace(changed, health=seen.record.health.after(good, bad, now))
        try:
            item = self._store.save(structs.replace(seen.item, state=to_state(record)))
        except (Conflict, StoreUnavailable) as error:
            self._untold.give_back(provider, good, bad)
            if isinstance(error, StoreUnavailable):
                raise
            self._read((provider,))
            return False
        self._keep(provider, _Seen(item, record, now))
        return True

    def _read(self, providers: tuple[str, ...]) -> None:
        if not providers:
            return
        now = self._clock.now()
        if len(providers) == 1:  # DynamoDB answers one get sooner than a batch of one
            item = self._store.get(_name(providers[0]))
            stored = {} if item is None else {item.id: item}
        else:
            stored = dict(self._store.get_many([_name(provider) for provider in providers]))
        for provider in providers:
            self._keep(provider, _seen(provider, stored.get(_name(provider)), now))

    def _keep(self, provider: str, seen: _Seen) -> None:
        self._seen[provider] = self._last[provider] = seen
        STATE.labels(provider).set(_level(self.state(provider)))
        LIMITED.labels(provider).set(_urgency(self.limit(provider)))
        HEALTH.labels(provider).set(self.health(provider))


class _Untold:
    """Outcomes that this process has seen and not written down yet. Shared by its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, int]] = {}
        self._told_at: dict[str, datetime] = {}

    def count(self, provider: str, well: bool, now: datetime) -> bool:
        """Count one outcome; answers whether it is time to write."""
        self.give_back(provider, int(well), int(not well))
        with self._lock:
            return now - self._told_at.setdefault(provider, now) >= TELL_EVERY

    def take(self, provider: str, now: datetime) -> tuple[int, int]:
        """What went well and what did not, to be written by the caller."""
        with self._lock:
            self._told_at[provider] = now
            return self._counts.pop(provider, (0, 0))

    def give_back(self, provider: str, good: int, bad: int) -> None:
        """Keep for later what could not be written."""
        with self._lock:
            before = self._counts.get(provider, (0, 0))
            self._counts[provider] = (before[0] + good, before[1] + bad)


def _name(provider: str) -> str:
    return f"breaker-{provider}"


def _seen(provider: str, item: Item | None, now: datetime) -> _Seen:
    if item is None:
        record = _Record(Closed(0))
        return _Seen(Item(_name(provider), KIND, to_state(record)), record, now)
    return _Seen(item, from_state(_Record, item.state), now)


def _level(breaker: Breaker) -> int:
    match breaker:
        case Closed():
            return 0
        case HalfOpen():
            return 1
        case OpenBreaker():
            return 2


def _urgency(limit: Limit) -> int:
    if limit.kind is LimitKind.NONE:
        return 0
    return 2 if limit.kind in limits.FOR_AN_OPERATOR else 1


def _log(provider: str, before: _Record, after: _Record) -> None:
    _log_breaker(provider, before.breaker, after.breaker)
    _log_limit(provider, before.limit, after.limit)


def _log_breaker(provider: str, before: Breaker, after: Breaker) -> None:
    if type(before) is type(after):
        return
    extra = {"provider": provider}
    if isinstance(after, OpenBreaker):
        level = logging.ERROR if isinstance(before, Closed) else logging.INFO  # pages probe several times a minute
        logger.log(level, "Provider %s keeps failing: it is left alone until %s", provider, after.until, extra=extra)
    elif isinstance(after, Closed):
        logger.info("Provider %s answers again", provider, extra=extra)


def _log_limit(provider: str, before: Limit, after: Limit) -> None:
    """An operator is told once for each limit, when it is first met."""
    if before.kind is after.kind:
        return
    extra = {"provider": provider, "limit": after.kind.value}
    if after.kind in limits.FOR_AN_OPERATOR:
        logger.error(
            "Provider %s has reached a limit of its account (%s): messages wait, and it is asked again at %s",
            *(provider, after.why, after.until),
            extra=extra,
        )
    elif after.kind is LimitKind.RATE:
        logger.warning("Provider %s throttles (%s): it is asked more slowly", provider, after.why, extra=extra)
    else:
        logger.info("Provider %s takes messages again", provider, extra=extra)
