"""The ways out that this installation has: one carrier for each channel, and when its messages may leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property
from typing import Generic, TypeVar

from service.channels import Email, Refused, Sms, VoiceCall
from service.channels.carrier import Carrier, Handed, Message
from service.core.enums import Channel
from service.messages.failover import Departing, Departure, Failover
from service.messages.senders import Senders
from service.storage import Store

M = TypeVar("M", Sms, VoiceCall)


class FromSenders(Generic[M]):
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

    def departing(self) -> Callable[[M], Departure]:
        """Tells where a message is going to leave."""
        if not self._senders.by_country:
            return anyhow()
        return lambda message: Departure(sender=self._senders.of_message(message))

    def hand_over(self, messages: Sequence[M], begin_by: datetime, /) -> Sequence[Handed]:
        """Send what may leave; the others are refused, saying why."""
        addressed = [self._senders.addressed(message) for message in messages]
        leaving = [each for each in addressed if not isinstance(each, Refused)]
        results = iter(self._carrier.hand_over(leaving, begin_by))
        return [Handed(each) if isinstance(each, Refused) else next(results) for each in addressed]


@dataclass(frozen=True)
class Carriers:
    """A carrier for each channel."""

    sms: Carrier[Sms]
    email: Carrier[Email]
    voice: Carrier[VoiceCall]

    @cached_property
    def in_our_store(self) -> frozenset[Channel]:
        """The channels on which sending is nothing but a write of ours."""
        return frozenset(channel for channel in Channel if self.of(channel).is_our_store)

    def of(self, channel: Channel) -> Carrier[Sms] | Carrier[Email] | Carrier[VoiceCall]:
        """The carrier of a channel."""
        match channel:
            case Channel.SMS:
                return self.sms
            case Channel.EMAIL:
                return self.email
            case Channel.VOICE:
                return self.voice

    def joins(self, message: Message, earlier: Sequence[Message]) -> bool:
        """Whether a message costs no call of its own: the last email has its content, or a voice of ours its words."""
        if isinstance(message, VoiceCall):
            return self.voice.is_our_store and any(_sounds_like(message, one) for one in earlier)
        mails = [one for one in earlier if isinstance(one, Email)][-1:]
        if not mails or not isinstance(message, Email) or not isinstance(self.email, Failover):
            return False
        return self.email.joins(message, mails[0])

    def hand_over(self, messages: Sequence[Message], begin_by: datetime) -> Sequence[Handed]:
        """Send messages of any channels; what became of each, in order. No call is begun after `begin_by`."""
        texts = [(place, message) for place, message in enumerate(messages) if isinstance(message, Sms)]
        mails = [(place, message) for place, message in enumerate(messages) if isinstance(message, Email)]
        calls = [(place, message) for place, message in enumerate(messages) if isinstance(message, VoiceCall)]
        handed = [
            *self.sms.hand_over([one for _, one in texts], begin_by),
            *self.email.hand_over([one for _, one in mails], begin_by),
            *self.voice.hand_over([one for _, one in calls], begin_by),
        ]
        by_place = dict(zip((place for place, _ in [*texts, *mails, *calls]), handed, strict=True))
        return [by_place[place] for place in range(len(messages))]


def _sounds_like(call: VoiceCall, other: Message) -> bool:
    return isinstance(other, VoiceCall) and (call.text, call.voice) == (other.text, other.voice)


@dataclass(frozen=True, slots=True)
class Leaving:
    """From where the messages of each channel are going to leave, where there is more to say than their channel."""

    sms: Departing[Sms]
    email: Departing[Email]
    voice: Departing[VoiceCall]


def anyhow() -> Callable[[Message], Departure]:
    """The departures of a channel whose messages go at any time and from nowhere in particular."""
    return lambda _: _ANYHOW


_ANYHOW = Departure()


AT_ONCE = timedelta(milliseconds=500)
"""What may leave in one moment is what its rate grants in so long: a second's share does not leave in a burst."""

UNKNOWN_RATE = 20.0
"""What a share of the rate is taken of where nobody says the rate, once the provider throttles."""


class Urgency(StrEnum):
    """What passes what within a rate, the most urgent first: in a storm, what asks people before what tells them."""

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


class Slots:
    """When messages may go out: not while their providers are left alone, nor faster than their rate.

    A rate is the least of what settings, senders and the account grant; of that, the share that the provider takes now.
    A message that another provider takes over has its slot with the one that failed it.
    """

    def __init__(self, store: Store, leaving: Leaving, rates: Mapping[Channel, float]) -> None:
        self._store = store
        self._leaving = leaving
        self._rates = rates

    def at(self, now: datetime, urgency: Urgency) -> SlotsNow:
        """How things stand at this moment for messages that are as urgent."""
        return SlotsNow(self._store, self._leaving, self._rates, now, urgency)


class SlotsNow:
    """The slots of one step: each channel's breakers are read once, when one of its messages is asked about."""

    def __init__(
        self, store: Store, leaving: Leaving, rates: Mapping[Channel, float], now: datetime, urgency: Urgency
    ) -> None:
        self._store = store
        self._rates = rates
        self._now = now
        self._urgency = urgency
        self._sms = cache(leaving.sms)
        self._email = cache(leaving.email)
        self._voice = cache(leaving.voice)
        self._departures: dict[str, Departure] = {}
        self._known: dict[str, _Rate | None] = {}

    def rests_until(self, message: Message) -> datetime | None:
        """Until when every provider that could take the message is left alone; None if one may be asked."""
        opens = self._departure(message).opens
        return opens if opens is not None and opens > self._now else None

    def moment(self) -> Callable[[Message], bool]:
        """Takes the messages of one moment, one by one: False for the first that is more than its rate lets out."""
        taken = Counter[str]()

        def takes(message: Message) -> bool:
            rate = self._rate(message)
            if rate is None:
                return True
            taken[rate.key] += 1
            return taken[rate.key] <= rate.at_once

        return takes

    def book(self, messages: Iterable[Message]) -> datetime:
        """From when on these messages may go out, all together: now, if nothing is in the way."""
        leaving = list(messages)
        opens = (self._departure(message).opens for message in leaving)
        if rests := [until for until in opens if until is not None and until > self._now]:
            return max(rests)
        wanted = Counter(rate for rate in map(self._rate, leaving) if rate is not None)
        return max((self._booked(rate, number) for rate, number in wanted.items()), default=self._now)

    def _booked(self, rate: _Rate, number: int) -> datetime:
        own, *others = rate.keys(self._urgency)
        for key in others:
            self._store.reserve(key, number, rate.per_second, self._now)
        return self._store.reserve(own, number, rate.per_second, self._now)

    def _departure(self, message: Message) -> Departure:
        name = message.reference.delivery_id
        if name not in self._departures:  # each message is asked about several times
            self._departures[name] = self._departing(message)
        return self._departures[name]

    def _departing(self, message: Message) -> Departure:
        match message:
            case Sms():
                return self._sms()(message)
            case Email():
                return self._email()(message)
            case VoiceCall():
                return self._voice()(message)

    def _rate(self, message: Message) -> _Rate | None:
        name = message.reference.delivery_id
        if name not in self._known:
            self._known[name] = self._rate_of(message)
        return self._known[name]

    def _rate_of(self, message: Message) -> _Rate | None:
        departure, channel = self._departure(message), _channel(message)
        sender = departure.sender
        if sender is not None and sender.per_second is not None:
            key = f"rate-{sender.origin}"
            granted: float | None = sender.per_second
        else:
            key, granted = f"rate-{channel}", self._rates.get(channel)
        known = [rate for rate in (granted, departure.most_per_second) if rate is not None]
        if departure.pace < 1:
            return _Rate(key, departure.pace * min(known, default=UNKNOWN_RATE))
        return _Rate(key, min(known)) if known else None


def _channel(message: Message) -> Channel:
    match message:
        case Sms():
            return Channel.SMS
        case Email():
            return Channel.EMAIL
        case VoiceCall():
            return Channel.VOICE
