"""The ways out that this installation has: one carrier for each channel, its rate, its breaker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from service.channels import Email, Outcome, Reason, Refused, Sms, Unknown, VoiceCall
from service.channels.carrier import Carrier, Handed, Message, OneByOne, Together
from service.messages.senders import Senders
from service.storage import Store
from service.words import Channel
from service.work.breaker import Go, Open, Wait
from service.work.breakers import Breakers

M = TypeVar("M", Sms, Email, VoiceCall)


class ProviderCarrier(Generic[M]):
    """A provider over the network, left alone while its breaker is open."""

    is_our_store = False

    def __init__(
        self, name: str, channel: OneByOne[M], breakers: Breakers, together: Together[M] | None = None
    ) -> None:
        self.name = name
        self._channel: OneByOne[M] = channel
        self._breakers = breakers
        self._together: Together[M] | None = together

    def hand_over(self, messages: Sequence[M], /) -> Sequence[Handed]:
        """Send one after the other, those that are alike together where the provider can."""
        batches = [messages] if self._together is not None and len(messages) > 1 else [[each] for each in messages]
        return [handed for batch in batches for handed in self._send(batch)]

    def joins(self, message: M, earlier: M) -> bool:
        """Whether a message costs no call of its own when it follows `earlier`."""
        return self._together is not None and self._together.alike(earlier, message)

    def _send(self, batch: Sequence[M]) -> Sequence[Handed]:
        permit = self._breakers.admit(self.name)
        if isinstance(permit, Wait):
            return [Handed(Refused(Reason.THROTTLED, f"{self.name} is left alone for now")) for _ in batch]
        outcomes = self._outcomes(batch)
        self._report(permit, outcomes)
        return [Handed(outcome) for outcome in outcomes]

    def _outcomes(self, batch: Sequence[M]) -> Sequence[Outcome]:
        if self._together is not None and len(batch) > 1:
            return self._together.send_many(batch)
        return [self._channel.send(message) for message in batch]

    def _report(self, permit: Go, outcomes: Sequence[Outcome]) -> None:
        """One message of a batch may meet a passing fault: only a batch of nothing else counts against a provider."""
        if all(map(_is_fault, outcomes)):
            self._breakers.failed(self.name, permit)
        else:
            self._breakers.succeeded(self.name, permit)


def _is_fault(outcome: Outcome) -> bool:
    return isinstance(outcome, Unknown) or (isinstance(outcome, Refused) and outcome.reason is Reason.PROVIDER)


@dataclass(frozen=True, slots=True)
class Carriers:
    """A carrier for each channel, and how many messages a second each may take (None: as many as come)."""

    sms: Carrier[Sms]
    email: Carrier[Email]
    voice: Carrier[VoiceCall]
    rates: Mapping[Channel, float]

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
        """Whether a message would cost no call of its own: the last email before it has the same content."""
        mails = [one for one in earlier if isinstance(one, Email)][-1:]
        if not mails or not isinstance(message, Email) or not isinstance(self.email, ProviderCarrier):
            return False
        return self.email.joins(message, mails[0])

    def hand_over(self, messages: Sequence[Message]) -> Sequence[Handed]:
        """Send messages of any channels; what became of each, in order."""
        texts = [(place, message) for place, message in enumerate(messages) if isinstance(message, Sms)]
        mails = [(place, message) for place, message in enumerate(messages) if isinstance(message, Email)]
        calls = [(place, message) for place, message in enumerate(messages) if isinstance(message, VoiceCall)]
        handed = {
            **dict(zip((place for place, _ in texts), self.sms.hand_over([one for _, one in texts]), strict=True)),
            **dict(zip((place for place, _ in mails), self.email.hand_over([one for _, one in mails]), strict=True)),
            **dict(zip((place for place, _ in calls), self.voice.hand_over([one for _, one in calls]), strict=True)),
        }
        return [handed[place] for place in range(len(messages))]


@dataclass(frozen=True, slots=True)
class _Rate:
    """What some messages share: the identity they leave from, or else their channel."""

    channel: Channel
    key: str
    per_second: float | None


class Slots:
    """When a batch may go out: not while a provider is left alone, nor faster than its rate, which processes share."""

    def __init__(self, store: Store, carriers: Carriers, breakers: Breakers, senders: Senders) -> None:
        self._store = store
        self._carriers = carriers
        self._breakers = breakers
        self._senders = senders

    def book(self, messages: Iterable[Message], now: datetime) -> datetime:
        """From when on these messages may go out: `now`, if nothing is in the way."""
        wanted = Counter(map(self._rate, messages))
        return max((self._bookable(rate, count, now) for rate, count in wanted.items()), default=now)

    def _rate(self, message: Message) -> _Rate:
        channel = _channel(message)
        sender = None if isinstance(message, Email) else self._senders.of_message(message)
        if sender is not None and sender.per_second is not None:
            return _Rate(channel, f"rate-{sender.origin}", sender.per_second)
        return _Rate(channel, f"rate-{self._carriers.of(channel).name}", self._carriers.rates.get(channel))

    def _bookable(self, rate: _Rate, count: int, now: datetime) -> datetime:
        carrier = self._carriers.of(rate.channel)
        breaker = None if carrier.is_our_store else self._breakers.state(carrier.name)
        if isinstance(breaker, Open) and breaker.until > now:
            return breaker.until
        return now if rate.per_second is None else self._store.reserve(rate.key, count, rate.per_second, now)


def _channel(message: Message) -> Channel:
    match message:
        case Sms():
            return Channel.SMS
        case Email():
            return Channel.EMAIL
        case VoiceCall():
            return Channel.VOICE
