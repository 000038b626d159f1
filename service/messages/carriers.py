"""The carriers of this installation, one for each channel, and when their messages may leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property
from typing import Any, Generic, TypeVar

from service.channels import Carrier, Message, Refused, SendResult, Sms, VoiceCall
from service.core import Channel
from service.messages.failover import Route, RouteChooser
from service.messages.senders import Senders
from service.storage import Store

M = TypeVar("M", Sms, VoiceCall)


class SenderCarrier(Generic[M]):
    """A carrier that is our store, its messages leaving from the identity that their country demands, or not at all."""

    def __init__(self, carrier: Carrier[M], senders: Senders) -> None:
        self._carrier: Carrier[M] = carrier
        self._senders = senders

    @property
    def name(self) -> str:
        return self._carrier.name

    @property
    def is_our_store(self) -> bool:
        return self._carrier.is_our_store

    def route_chooser(self) -> Callable[[M], Route]:
        """A function that chooses where a message leaves."""
        if not self._senders.by_country:
            return any_route()
        return lambda message: Route(sender=self._senders.of_message(message))

    def joins(self, message: M, earlier: Sequence[M], /) -> bool:
        """Whether its carrier says so."""
        return self._carrier.joins(message, earlier)

    def hand_over(self, messages: Sequence[M], begin_by: datetime, /) -> Sequence[SendResult]:
        """Send what may leave; the others are refused, saying why."""
        addressed = [self._senders.addressed(message) for message in messages]
        leaving = [each for each in addressed if not isinstance(each, Refused)]
        results = iter(self._carrier.hand_over(leaving, begin_by))
        return [SendResult(each) if isinstance(each, Refused) else next(results) for each in addressed]


@dataclass(frozen=True)
class Carriers:
    """A carrier for each channel: one that takes the messages of this channel alone."""

    by_channel: Mapping[Channel, Carrier[Any]]

    @cached_property
    def in_our_store(self) -> frozenset[Channel]:
        """The channels on which sending is only a write to our own store."""
        return frozenset(channel for channel, carrier in self.by_channel.items() if carrier.is_our_store)

    def joins(self, message: Message, earlier: Sequence[Message]) -> bool:
        """Whether a message costs no call of its own when it follows `earlier` ones of any channels."""
        alike = [before for before in earlier if before.channel is message.channel]
        return self.by_channel[message.channel].joins(message, alike)

    def hand_over(self, messages: Sequence[Message], begin_by: datetime) -> Sequence[SendResult]:
        """Send messages of any channels; what became of each, in order. No call is begun after `begin_by`."""
        places: dict[Channel, list[int]] = {}
        for place, message in enumerate(messages):
            places.setdefault(message.channel, []).append(place)
        by_place: dict[int, SendResult] = {}
        for channel, carrier in self.by_channel.items():
            if own := places.get(channel):
                handed = carrier.hand_over([messages[place] for place in own], begin_by)
                by_place.update(zip(own, handed, strict=True))
        return [by_place[place] for place in range(len(messages))]


RouteChoosers = Mapping[Channel, RouteChooser[Any]]
"""From where the messages of each channel are going to leave, where there is more to say than their channel."""


def any_route() -> Callable[[Message], Route]:
    """The routes of a channel whose messages go at any time and from nowhere in particular."""
    return lambda _: _ANYHOW


_ANYHOW = Route()


AT_ONCE = timedelta(milliseconds=500)
"""What may leave in one moment is what its rate grants in so long: a second's share does not leave in a burst."""

UNKNOWN_RATE = 20.0
"""What a share of the rate is taken of where nobody says the rate, once the provider throttles."""


class Urgency(StrEnum):
    """What goes first within a rate, the most urgent first: in a storm, questions before information."""

    PAGE = "page"
    REMINDER = "reminder"
    INCIDENT = "incident"  # notices and answers
    TRANSACTIONAL = "transactional"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class _Rate:
    """What some messages share: the identity they leave from, or else their channel."""

    key: str
    per_second: float

    @property
    def at_once(self) -> int:
        """How many may leave together."""
        return max(1, int(self.per_second * AT_ONCE.total_seconds()))

    def keys(self, urgency: Urgency) -> Sequence[str]:
        """Under what a message is booked: first what is as urgent, then all that is less so.

        What is urgent waits for its equals alone, and everything else waits for it.
        """
        ranks = list(Urgency)
        return [_key(self.key, each) for each in ranks[ranks.index(urgency) :]]


def _key(key: str, urgency: Urgency) -> str:
    return key if urgency is Urgency.BULK else f"{key}-{urgency}"


class RateLimiter:
    """When messages may go out: never while their providers rest, never faster than their rate.

    A rate is the least of what settings, senders and the account grant; of that, the share that the provider takes now.
    A message that another provider takes over has its slot with the one that failed it.
    """

    def __init__(self, store: Store, route_choosers: RouteChoosers, rates: Mapping[Channel, float]) -> None:
        self._store = store
        self._route_choosers = route_choosers
        self._rates = rates

    def at(self, now: datetime, urgency: Urgency) -> StepRates:
        """The rates at this moment for messages of an urgency."""
        return StepRates(self._store, self._route_choosers, self._rates, now, urgency)


@dataclass(frozen=True, slots=True)
class _Slot:
    """When a message may leave at the earliest, and the rate that it shares; None where nothing is in its way."""

    opens: datetime | None
    rate: _Rate | None


class StepRates:
    """The slots of one step: each channel's breakers are read once, when one of its messages is asked about."""

    def __init__(
        self,
        store: Store,
        route_choosers: RouteChoosers,
        rates: Mapping[Channel, float],
        now: datetime,
        urgency: Urgency,
    ) -> None:
        self._store = store
        self._rates = rates
        self._now = now
        self._urgency = urgency
        self._route_choosers = {channel: cache(chooser) for channel, chooser in route_choosers.items()}
        self._slots: dict[str, _Slot] = {}

    def rests_until(self, message: Message) -> datetime | None:
        """Until when every provider that could take the message is left alone; None if one may be asked."""
        return self._slot(message).opens

    def moment(self) -> Callable[[Message], bool]:
        """Takes the messages of one moment, one by one: False for the first that exceeds its rate."""
        taken = Counter[str]()

        def takes(message: Message) -> bool:
            rate = self._slot(message).rate
            if rate is None:
                return True
            taken[rate.key] += 1
            return taken[rate.key] <= rate.at_once

        return takes

    def book(self, messages: Iterable[Message]) -> datetime:
        """From when on these messages may go out, all together: now, if nothing is in the way."""
        slots = [self._slot(message) for message in messages]
        if rests := [slot.opens for slot in slots if slot.opens is not None]:
            return max(rests)
        wanted = Counter(slot.rate for slot in slots if slot.rate is not None)
        return max((self._booked(rate, number) for rate, number in wanted.items()), default=self._now)

    def _booked(self, rate: _Rate, number: int) -> datetime:
        own, *others = rate.keys(self._urgency)
        for key in others:
            self._store.reserve(key, number, rate.per_second, self._now)
        return self._store.reserve(own, number, rate.per_second, self._now)

    def _slot(self, message: Message) -> _Slot:
        name = message.reference.delivery_id
        slot = self._slots.get(name)  # each message is asked about several times
        if slot is None:
            route = self._route_choosers[message.channel]()(message)
            opens = route.opens if route.opens is not None and route.opens > self._now else None
            slot = self._slots[name] = _Slot(opens, self._rate(message.channel, route))
        return slot

    def _rate(self, channel: Channel, route: Route) -> _Rate | None:
        sender = route.sender
        if sender is not None and sender.per_second is not None:
            key = f"rate-{sender.origin}"
            granted: float | None = sender.per_second
        else:
            key, granted = f"rate-{channel}", self._rates.get(channel)
        known = [rate for rate in (granted, route.most_per_second) if rate is not None]
        if route.pace < 1:
            return _Rate(key, route.pace * min(known, default=UNKNOWN_RATE))
        return _Rate(key, min(known)) if known else None
