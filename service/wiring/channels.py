"""The ways out of an installation: for each channel its providers, as the settings name them, or else the outbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from service.channels import (
    Carrier,
    Chat,
    ChatWebhooks,
    Email,
    MailTokens,
    Message,
    Outbox,
    OutboxChat,
    OutboxEmail,
    OutboxSms,
    OutboxVoice,
    Sms,
    SmtpChannel,
    SmtpServer,
    Speech,
    VoiceCall,
    polly_voice,
    voice_espeak,
)
from service.config import Settings
from service.core import Channel, Clock, OutsidePosts, Tag, secrets
from service.inbound.twilio import callback_address
from service.messages import (
    Budgeted,
    Carriers,
    Failover,
    OneAddress,
    Provider,
    RateLimiter,
    RouteChooser,
    SenderCarrier,
    Senders,
    Spend,
    any_route,
    one_identity,
)
from service.storage import Store
from service.work import ANSWERED_WITHIN_S, LONGEST_CALL, Breakers

if TYPE_CHECKING:
    from service.channels.twilio import Twilio
    from service.wiring.aws import Amazon

M = TypeVar("M", bound=Message)

CarrierAndRoutes = tuple[Carrier[M], RouteChooser[M]]
"""What takes the messages of a channel out, and from where they are going to leave."""

AWS, TWILIO = "aws", "twilio"
"""Whose an identity of TOCSIN_SENDERS can be."""

SMTP, TWILIO_SMS, TWILIO_VOICE = "smtp", "twilio-sms", "twilio-voice"
"""What breakers, weights and metrics call providers; `service.wiring.aws` names its own."""


class OutboundChannels:
    """What messages leave by. Constructed after fork."""

    def __init__(
        self, settings: Settings, store: Store, clock: Clock, breakers: Breakers, outbox: Outbox, amazon: Amazon | None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._breakers = breakers
        self._amazon = amazon
        self._twilio = open_twilio(settings)
        self._weights = settings.providers
        self._speech = open_speech()
        self._senders = settings.senders
        if amazon is not None and self._twilio is not None:
            self._senders.require_providers()
        self.spend = Spend(store, None if settings.spend_cap is None else Decimal(str(settings.spend_cap)))
        ways = {channel: self._way(channel, outbox, self.spend) for channel in Channel}
        self.carriers = Carriers({channel: carrier for channel, (carrier, _) in ways.items()})
        route_choosers = {channel: chooser for channel, (_, chooser) in ways.items()}
        self.slots = RateLimiter(store, route_choosers, _rates(settings))

    def _way(self, channel: Channel, outbox: Outbox, spend: Spend) -> CarrierAndRoutes[Any]:
        match channel:
            case Channel.SMS:
                return self._sms(outbox, spend)
            case Channel.EMAIL:
                return self._email(outbox)
            case Channel.VOICE:
                return self._voice(outbox)
            case Channel.CHAT:
                return self._chat(outbox)

    def _sms(self, outbox: Outbox, spend: Spend) -> CarrierAndRoutes[Sms]:
        failover = self._failover(self._sms_providers())
        if failover is not None:
            return Budgeted(failover, spend, self._clock), failover.route_chooser
        simulated = SenderCarrier(OutboxSms(outbox), self._senders)
        return Budgeted(simulated, spend, self._clock), simulated.route_chooser

    def _email(self, outbox: Outbox) -> CarrierAndRoutes[Email]:
        failover = self._failover(self._email_providers())
        return (OutboxEmail(outbox), any_route) if failover is None else (failover, failover.route_chooser)

    def _voice(self, outbox: Outbox) -> CarrierAndRoutes[VoiceCall]:
        failover = self._failover(self._voice_providers())
        if failover is not None:
            return failover, failover.route_chooser
        return OutboxVoice(outbox, self._speech), any_route

    def speaks(self, locale: Tag) -> bool:
        """Whether a call can be read out in a locale."""
        if Channel.VOICE in self.carriers.in_our_store:
            return self._speech.speaks(locale)
        return polly_voice(locale) is not None

    def _chat(self, outbox: Outbox) -> CarrierAndRoutes[Chat]:
        if self._settings.is_trial(Channel.CHAT):
            return OutboxChat(outbox), any_route
        return ChatWebhooks(chat_posts(self._settings), self._clock), any_route

    def _failover(self, providers: Iterator[Provider[M]]) -> Failover[M] | None:
        """Over the providers that TOCSIN_PROVIDERS names, or over all where it names none of the channel's."""
        names = list(providers)
        chosen = [provider for provider in names if provider.name in self._weights] or names
        return Failover(chosen, self._breakers, self._clock, self._weights) if chosen else None

    def _sms_providers(self) -> Iterator[Provider[Sms]]:
        if self._settings.is_trial(Channel.SMS):
            return
        if self._amazon is not None:
            yield self._amazon.sms(self._senders_of(AWS, self._settings.phone_identity))
        if self._twilio is not None:
            from service.channels.twilio import TwilioSms

            identity = self._settings.twilio_identity
            yield Provider(TWILIO_SMS, TwilioSms(self._twilio, identity), self._senders_of(TWILIO, identity))

    def _voice_providers(self) -> Iterator[Provider[VoiceCall]]:
        if self._settings.is_trial(Channel.VOICE):
            return
        if self._amazon is not None:
            yield self._amazon.voice(self._senders_of(AWS, self._settings.phone_identity))
        if self._twilio is not None:
            from service.channels.twilio import TwilioVoice

            identity = self._settings.twilio_identity
            yield Provider(TWILIO_VOICE, TwilioVoice(self._twilio, identity), self._senders_of(TWILIO, identity))

    def _senders_of(self, provider: str, identity: str | None) -> Senders:
        return self._senders.of_provider(provider) if self._senders.by_country else one_identity(identity)

    def _email_providers(self) -> Iterator[Provider[Email]]:
        """A mail server goes before SES, which joins it only where TOCSIN_PROVIDERS says so."""
        smtp = self._settings.smtp_url
        if smtp is not None:
            tokens = mail_tokens(self._settings)
            mail = smtp_channel(smtp, self._settings, self._clock, tokens)
            yield Provider(SMTP, mail, OneAddress[Email]())
        if self._amazon is None or self._settings.is_trial(Channel.EMAIL):
            return
        if smtp is None or "ses" in self._weights:
            yield self._amazon.email()


def chat_posts(settings: Settings) -> OutsidePosts:
    """How messages get to chat rooms."""
    return OutsidePosts(LONGEST_CALL, settings.loopback_callbacks, settings.chat_hosts)


def open_speech() -> Speech:
    """The voices of this machine: Pico's six, and eSpeak NG's where the extra `voices` is installed."""
    from service.channels import NanoSpeech

    if not voice_espeak.is_installed():
        return NanoSpeech()
    return voice_espeak.FirstThatSpeaks((NanoSpeech(), voice_espeak.EspeakSpeech()))


def smtp_channel(server: SmtpServer, settings: Settings, clock: Clock, tokens: MailTokens | None = None) -> SmtpChannel:
    """The way to a mail server, with the patience that lanes grant."""
    timeout = timedelta(seconds=ANSWERED_WITHIN_S)
    return SmtpChannel(server, settings.mail_from, clock, timeout=timeout, within=LONGEST_CALL, tokens=tokens)


def mail_tokens(settings: Settings) -> MailTokens:
    """What proves that an answer is about a mail of this installation."""
    installation = secrets.of_installation(settings.secret, settings.secret_file)
    return MailTokens(secrets.signing(settings.signing_secrets, installation, "mail"))


def open_twilio(settings: Settings) -> Twilio | None:
    """The account at Twilio, if there is one: `config.load` refuses an account without tokens."""
    tokens = settings.twilio_tokens
    if settings.twilio_account is None or not tokens:
        return None
    from service.channels.twilio import Account, Twilio

    receipts = None if settings.public_url is None else callback_address(settings.public_url)
    account = Account(settings.twilio_account, tokens[0], receipts, settings.twilio_url)
    return Twilio(account, settings.most_threads)


def _rates(settings: Settings) -> Mapping[Channel, float]:
    rates = {
        Channel.EMAIL: settings.email_rate,
        Channel.SMS: settings.sms_rate,
        Channel.VOICE: settings.voice_rate,
    }
    return {channel: rate for channel, rate in rates.items() if rate is not None}
