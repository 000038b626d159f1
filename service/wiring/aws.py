"""The AWS services that the `aws` backend uses beside its store, wired; each left alone while its breaker is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from service.aws import Clients, EventBridge
from service.channels import Email, Outcome, SingleSender, Sms, VoiceCall, header_text
from service.channels.aws import (
    EndUserMessagingSms,
    EndUserMessagingVoice,
    MailIdentity,
    PhoneIdentity,
    SendRate,
    SesEmail,
)
from service.config import Settings
from service.language import (
    Detector,
    Guard,
    GuardedDetector,
    GuardedEngine,
    GuardedSentiment,
    Sentiment,
    TranslationEngine,
)
from service.language.aws import AmazonTranslate, ComprehendDetector, ComprehendSentiment
from service.messages import OneAddress, Provider, Senders
from service.work import Breakers

COMPREHEND, TRANSLATE, SES, SMS, VOICE = "comprehend", "translate", "ses", "aws-sms", "aws-voice"
"""What breakers, rates and metrics call the providers."""


M = TypeVar("M", Sms, VoiceCall)


class Amazon:
    """One account's services for one process: clients are made once, when first used. Constructed after fork."""

    def __init__(self, settings: Settings, breakers: Breakers) -> None:
        self._settings = settings
        self._breakers = breakers
        self._clients = Clients(connections=settings.most_threads)

    def sentiment(self) -> Sentiment:
        """How a text feels, by Comprehend."""
        return GuardedSentiment(ComprehendSentiment(self._clients), Guard(COMPREHEND, self._breakers))

    def detector(self) -> Detector:
        """Which language a text is in, by Comprehend."""
        return GuardedDetector(ComprehendDetector(self._clients), Guard(COMPREHEND, self._breakers))

    def engine(self) -> TranslationEngine:
        """Translation by Amazon Translate, with the settings' terminology and formality."""
        settings = self._settings
        engine = AmazonTranslate(self._clients, terminology=settings.terminology, formality=settings.formality)
        return GuardedEngine(engine, Guard(TRANSLATE, self._breakers))

    def email(self) -> Provider[Email]:
        """Mail by SES."""
        identity = MailIdentity(header_text(self._settings.mail_from), self._settings.mail_configuration_set)
        ses = SesEmail(self._clients, identity)
        return Provider(SES, ses, OneAddress[Email](), together=ses, most_per_second=SendRate(self._clients).per_second)

    def sms(self, senders: Senders) -> Provider[Sms]:
        """SMS by End User Messaging."""
        through = AccountCarrier(senders, lambda role: EndUserMessagingSms(self._clients, self._phone(role)))
        return Provider(SMS, through, senders)

    def voice(self, senders: Senders) -> Provider[VoiceCall]:
        """Calls by End User Messaging."""
        through = AccountCarrier(senders, lambda role: EndUserMessagingVoice(self._clients, self._phone(role)))
        return Provider(VOICE, through, senders)

    def events(self, bus: str) -> EventBridge:
        """Events for other systems, on one bus."""
        return EventBridge(self._clients, bus)

    def _phone(self, role: str | None) -> PhoneIdentity:
        return PhoneIdentity(self._settings.phone_identity, self._settings.phone_configuration_set, role)


class AccountCarrier(Generic[M]):
    """A channel that speaks to the account whose identity a message leaves from."""

    def __init__(self, senders: Senders, channel_of: Callable[[str | None], SingleSender[M]]) -> None:
        self._senders = senders
        self._channel_of: Callable[[str | None], SingleSender[M]] = channel_of

    def send(self, message: M, /) -> Outcome:
        """Send one message, in the role that its identity is used in."""
        return self._channel_of(self._senders.role_of(message.origin)).send(message)
