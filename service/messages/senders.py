"""From where SMS and calls leave: origination identities by the country that they reach.

Not every identity can receive: a sender id never does, and in many countries no number that we could get does
(https://docs.aws.amazon.com/sms-voice/latest/userguide/phone-numbers-sms-by-country.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import phonenumbers
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from service.channels import Accepted, Outcome, Reason, Refused, Sms, Unknown, VoiceCall
from service.channels.carrier import Carrier, Handed
from service.clock import Clock
from service.errors import TocsinError
from service.messages.prices import estimated_price
from service.messages.spend import Spend
from service.words import Channel

ELSEWHERE = "*"
"""Stands for every country, after the country's own identities."""

AFTER_THE_CAP = timedelta(days=1)
"""When bulk that met the spend cap is tried again: somebody may have raised it, or the month is over."""

M = TypeVar("M", Sms, VoiceCall)


class SendersRefused(TocsinError):
    """TOCSIN_SENDERS cannot be used; says where and why."""


class Sender(BaseModel):
    """One identity: a number, a pool or a sender id. `role` is the ARN of one to assume, for another account's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    origin: Annotated[str, Field(min_length=1, max_length=256)]
    channels: tuple[Channel, ...] = (Channel.SMS,)
    per_second: Annotated[float | None, Field(gt=0)] = None
    two_way: bool = False
    role: Annotated[str | None, Field(pattern=r"arn:aws[a-z-]*:iam::\d{12}:role/.+")] = None


@dataclass(frozen=True, slots=True)
class Senders:
    """The identities of each country (ISO 3166, or `*`), the preferred first. Empty: the provider chooses."""

    by_country: Mapping[str, Sequence[Sender]] = field(default_factory=dict)

    def of(self, country: str, channel: Channel, *, answerable: bool = False) -> Sender | None:
        """The identity that reaches a country; with `answerable` one that can also receive the answer."""
        for sender in (*self.by_country.get(country, ()), *self.by_country.get(ELSEWHERE, ())):
            if channel in sender.channels and (sender.two_way or not answerable):
                return sender
        return None

    def of_message(self, message: Sms | VoiceCall) -> Sender | None:
        """The identity that this message leaves from."""
        if isinstance(message, Sms):
            return self.of(message.to.country, Channel.SMS, answerable=message.answerable)
        return self.of(message.to.country, Channel.VOICE)

    def role_of(self, origin: str | None) -> str | None:
        """The role in which an identity is used; None for our own account's."""
        everyone = (sender for senders in self.by_country.values() for sender in senders)
        return next((sender.role for sender in everyone if sender.origin == origin), None)


def read_senders(setting: str | None) -> Senders:
    """The identities that TOCSIN_SENDERS holds (JSON) or names (a YAML file); `SendersRefused`."""
    if setting is None:
        return Senders()
    text = setting if setting.lstrip().startswith("{") else _read(Path(setting))
    try:
        document = yaml.load(text, yaml.BaseLoader)  # noqa: S506 (makes texts only: `NO` stays Norway)
        by_country = TypeAdapter(dict[str, tuple[Sender, ...]]).validate_python(document)
    except yaml.YAMLError as error:
        raise SendersRefused("TOCSIN_SENDERS is neither JSON nor a YAML file (docs/aws.md)") from error
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise SendersRefused(f"TOCSIN_SENDERS cannot be used: {'; '.join(faults)} (docs/aws.md)") from error
    if strange := [country for country in by_country if country not in {*phonenumbers.SUPPORTED_REGIONS, ELSEWHERE}]:
        raise SendersRefused(f"TOCSIN_SENDERS names {strange[0]!r}: write countries like DE, all others as *")
    return Senders(by_country)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SendersRefused(f"TOCSIN_SENDERS names {path}, which cannot be read: {type(error).__name__}") from error


class FromSenders(Generic[M]):
    """A carrier whose messages leave from the identity that their country demands, or not at all.

    SMS are counted towards the month's spend; at its cap bulk waits, and nothing else does.
    """

    def __init__(self, carrier: Carrier[M], senders: Senders, spend: Spend, clock: Clock) -> None:
        self._carrier: Carrier[M] = carrier
        self._senders = senders
        self._spend = spend
        self._clock = clock

    @property
    def name(self) -> str:
        return self._carrier.name

    @property
    def is_our_store(self) -> bool:
        return self._carrier.is_our_store

    def hand_over(self, messages: Sequence[M], /) -> Sequence[Handed]:
        """Send what may leave; the others are refused, saying why."""
        now = self._clock.now()
        addressed = [self._addressed(message, now) for message in messages]
        leaving = [message for message in addressed if not isinstance(message, Refused)]
        sent = self._carrier.hand_over(leaving) if leaving else []
        self._count(leaving, sent, now)
        results = iter(sent)
        return [Handed(message) if isinstance(message, Refused) else next(results) for message in addressed]

    def _addressed(self, message: M, now: datetime) -> M | Refused:
        if _is_bulk(message) and self._spend.is_used_up(now):
            return Refused(Reason.ACCOUNT, "the month's spend has reached TOCSIN_SPEND_CAP", AFTER_THE_CAP)
        if not self._senders.by_country:
            return message
        sender = self._senders.of_message(message)
        if sender is None:
            return _unserved(message)
        return replace(message, origin=sender.origin)

    def _count(self, messages: Sequence[M], sent: Sequence[Handed], now: datetime) -> None:
        if not self._spend.is_capped:
            return
        pairs = zip(messages, sent, strict=True)
        spent = sum((_price(message) for message, handed in pairs if _may_cost(handed.outcome)), Decimal(0))
        if spent:
            self._spend.add(spent, now)


def _is_bulk(message: Sms | VoiceCall) -> bool:
    return isinstance(message, Sms) and message.promotional


def _price(message: Sms | VoiceCall) -> Decimal:
    return estimated_price(message.text, message.to.country) if isinstance(message, Sms) else Decimal(0)


def _may_cost(outcome: Outcome) -> bool:
    return isinstance(outcome, Accepted | Unknown)


def _unserved(message: Sms | VoiceCall) -> Refused:
    if isinstance(message, Sms) and message.answerable:
        why = f"no identity of TOCSIN_SENDERS can receive an answer from {message.to.country}"
        return Refused(Reason.ONE_WAY, why)
    return Refused(Reason.BLOCKED, f"no identity of TOCSIN_SENDERS reaches {message.to.country}")
