"""Every setting with its meaning, unit and default; `service.config` reads them. docs/settings.md lists them all."""

from __future__ import annotations

from datetime import timedelta
from email.headerregistry import Address
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.config import sources, values
from service.config.errors import PREFIX
from service.core import Channel, Lane
from service.messages import Pace, Senders
from service.work import BY_URGENCY, Thresholds

SPARE_THREADS = 8
"""Threads of a process that do periodic tasks."""


class Backend(StrEnum):
    """Where items, work and messages live."""

    EMBEDDED = "embedded"
    AWS = "aws"


class Settings(BaseSettings):
    """Every setting with its meaning, unit and default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=sources.ENV_FILE,
        env_ignore_empty=True,
        enable_decoding=False,
        arbitrary_types_allowed=True,
        extra="ignore",
        frozen=True,
    )

    home: values.Folder = Field(
        default=Path("var"), description="Folder of the data: database, development key, outbox."
    )
    host: values.Host = Field(
        default="127.0.0.1", description="Address that the API listens on; `0.0.0.0` is every one."
    )
    port: int = Field(default=8080, ge=0, le=65535, description="Port of the API; 0 takes a free one.")
    backend: Backend = Field(
        default=Backend.EMBEDDED, description="`embedded` needs nothing but this machine, `aws` uses AWS services."
    )
    rules_dir: values.Folder = Field(
        default=Path("rules"), description="Folder of the rule files that administrators edit."
    )
    templates_dir: values.Folder = Field(
        default=Path("templates"), description="Folder of message templates and catalogues."
    )
    rules_watch: bool | None = Field(
        default=None,
        description="Whether a rule file is published when it changes. Default: yes on `embedded`, no on `aws`.",
    )
    workers: int = Field(default=2, ge=1, le=64, description="API processes.")
    threads: int = Field(
        default=16, ge=1, le=256, description="Requests that one API process answers at the same time."
    )
    edge: Literal["buffering", "plain"] = Field(
        default="buffering",
        description="`buffering`, or `plain`: each request has a thread from its first byte on.",
    )
    trusted_proxies: values.Proxies = Field(
        default=("127.0.0.1", "::1"),
        description="Addresses or networks, comma-separated, of proxies before the API, "
        "which the limit for one address does not apply to.",
    )
    worker_processes: int = Field(
        default=1, ge=1, le=64, description="Workers that `tocsin up` starts. More than one pays where cores are free."
    )
    worker_threads: int = Field(
        default=8, ge=1, le=256, description="Items of each lane that one worker handles at the same time."
    )
    body_limit: int = Field(
        default=256 * 1024,
        ge=1024,
        le=8 * 1024 * 1024,
        description="Bytes that a request body may have; rule files 4 MiB.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least urgent log lines that are written."
    )
    worker_silence: int = Field(
        default=10,
        ge=2,
        le=3600,
        description="Seconds without a report of any worker after which `/readyz` is degraded.",
    )
    incident_overdue: int = Field(
        default=30, ge=1, le=86_400, description="Seconds that work of incidents may be late before it is degraded."
    )
    transactional_overdue: int = Field(
        default=300, ge=1, le=86_400, description="Seconds that transactional work may be late before it is degraded."
    )
    bulk_overdue: int = Field(
        default=3600, ge=1, le=604_800, description="Seconds that bulk work may be late before it is degraded."
    )
    access_log: bool = Field(
        default=False, description="Whether every request is logged as a line, beside the metrics."
    )

    smtp_url: values.SmtpUrl = Field(
        default=None,
        description="Mail server, such as `smtp+starttls://user:password@mail.example.com`. Default: the outbox.",
        repr=False,
    )
    mail_from: values.MailSender = Field(
        default=Address("Tocsin", "tocsin", "localhost"), description="Sender of emails: `Name <address>`."
    )
    mailbox_url: values.ImapUrl = Field(
        default=None,
        description="Mailbox that is read for answers and reports, such as `imaps://user:password@mail.example.com`.",
        repr=False,
    )
    reply_to: values.ReplyTo = Field(
        default=None,
        description="Address for answers to mailed pages, such as `replies+{token}@example.com`. Default: none.",
    )
    reviewers: values.MailAddresses = Field(
        default=(), description="Addresses, comma-separated, that get an email about held messages."
    )
    allowed_countries: values.Countries = Field(
        default=frozenset(), description="Countries that phones may be in: ISO 3166, comma-separated. Default: all."
    )
    quiet_hours: values.Quiet = Field(
        default=None,
        description="Hours such as `22:00-07:00`, where the recipient lives, in which only incidents are sent.",
    )
    timezone: values.TimeZone = Field(
        default="UTC",
        description="Time zone (IANA) of recipients whose profile names none; of contacts if their phone tells none.",
    )
    recipient_limit: values.Limit = Field(
        default=None, description="How many messages one person gets, such as `20/h` or `5/15m`; incidents never wait."
    )
    incident_text_limit: values.RequiredLimit = Field(
        default=Pace(5, timedelta(minutes=15)),
        description="How many SMS or mails beyond pages one person gets about incidents before they are told together.",
    )
    incident_call_limit: values.RequiredLimit = Field(
        default=Pace(3, timedelta(minutes=15)),
        description="How many calls of last resort one phone gets before further ones are made as one.",
    )
    email_rate: values.Rate = Field(
        default=None,
        description="Emails a second, all processes together. Default: what SES grants, else as many as come.",
    )
    sms_rate: values.Rate = Field(default=None, description="SMS a second, all processes together.")
    voice_rate: values.Rate = Field(default=None, description="Voice calls a second, all processes together.")
    libretranslate_url: values.Root = Field(
        default=None, description="Root of a LibreTranslate server that translates what no catalogue holds."
    )
    libretranslate_api_key: values.ApiKey = Field(
        default=None, description="Its API key, if it asks for one.", repr=False
    )
    model_dir: values.Folder | None = Field(default=None, description="Folder of further Mozilla translation models.")
    keep_terms: values.Terms = Field(default=(), description="Words, comma-separated, that are never translated.")
    public_url: values.Root = Field(
        default=None, description="Address under which people reach this API; links in messages begin with it."
    )
    events_url: values.EventsUrl = Field(
        default=None, description="Address that events of rules (`emit`) are POSTed to, signed like callbacks."
    )
    loopback_callbacks: bool = Field(
        default=False, description="Whether callbacks may go to this machine itself: for development alone."
    )
    sender_name: values.SenderName = Field(
        default=None, description="Name, of 20 characters at most, that every SMS about incidents begins with."
    )
    help_contact: values.HelpContact = Field(
        default=None, description="Address, number or page where people find help; the answer to HELP names it."
    )
    sns_topics: values.Topics = Field(
        default=(), description="ARNs, comma-separated, of the SNS topics that `/v1/inbound/sns` lets in."
    )
    four_eyes: values.FourEyes = Field(
        default=frozenset(),
        description="What takes effect only when somebody else approves it, comma-separated: `rules`.",
    )
    secret: values.Secret = Field(
        default=None,
        description="Secret of the installation, 64 hex digits, the same on all hosts. Default: a file in the home.",
        repr=False,
    )
    aws_prefix: values.AwsPrefix = Field(
        default="",
        description="What the names of tables and queues begin with, for several installations in one account.",
    )
    signing_secrets: values.SigningSecrets = Field(
        default=(),
        description="Secrets for callbacks and links, comma-separated: first signs, all verify. Default: the secret.",
        repr=False,
    )
    parameters_ttl: int = Field(
        default=300, ge=1, le=86_400, description="Seconds after which settings that are kept elsewhere are read again."
    )
    outbox_channels: values.Channels = Field(
        default=frozenset(),
        description="Channels, comma-separated, that go to the outbox although the backend is `aws`: for trials.",
    )
    chat_webhooks: bool | None = Field(
        default=None,
        description="Whether messages to chat rooms are posted instead of kept. Default: with the backend `aws`.",
    )
    chat_hosts: values.Hosts = Field(
        default=frozenset(),
        description="Hosts, comma-separated, of chat servers in your own network that messages may be posted to.",
    )
    language_services: Backend | None = Field(
        default=None,
        description="`embedded` or `aws`: who judges sentiment, detects language, translates. Default: the backend.",
    )
    mail_configuration_set: values.ConfigurationSet = Field(
        default=None, description="SES configuration set, whose event destination brings receipts."
    )
    phone_identity: values.Identity = Field(
        default=None, description="Number, pool or sender id that SMS and calls leave from where no sender is listed."
    )
    phone_configuration_set: values.PhoneConfigurationSet = Field(
        default=None, description="End User Messaging configuration set, whose event destination brings receipts."
    )
    senders: values.Identities = Field(
        default=Senders(),
        description="Origination identities by country: JSON, or the path of a YAML file (docs/aws.md).",
    )
    providers: values.Weights = Field(
        default_factory=dict,
        description="Providers with their weights, such as `aws-sms=3,twilio-sms=1`; 0: only where no other can.",
    )
    twilio_account: values.TwilioAccount = Field(
        default=None, description="SID of the account at Twilio that sends SMS and calls."
    )
    twilio_tokens: values.Tokens = Field(
        default=(),
        description="Its auth tokens, comma-separated: the first sends, requests signed with any are taken.",
        repr=False,
    )
    twilio_identity: values.Identity = Field(
        default=None,
        description="Number, messaging service or sender id at Twilio, used where no sender is listed.",
    )
    twilio_url: values.RequiredRoot = Field(
        default="https://api.twilio.com", description="Root of Twilio's API, such as that of another region."
    )
    sms_plain: bool = Field(
        default=True,
        description="Whether curly quotes, long dashes, odd blanks and invisible characters of an SMS become plain "
        "ones where that makes it fewer messages.",
    )
    review_machine: Literal["off", "bulk", "all"] | None = Field(
        default=None,
        description="Whose machine translations a person looks at before they leave: `off`, `bulk` or `all` but "
        "incidents. Default: `bulk` for the models on this machine, `off` for Amazon Translate and LibreTranslate.",
    )
    attachments: values.S3Folder = Field(
        default=None,
        description="Folder in S3, such as `s3://bucket/mails`: notifications may name files below it and no others.",
    )
    spend_cap: values.Amount = Field(
        default=None,
        description="Estimated USD a month for SMS: warned of at 80 %, and at the cap bulk stops, incidents never.",
    )
    terminology: values.Terminology = Field(
        default=None, description="Custom terminology that Amazon Translate follows."
    )
    formality: Literal["FORMAL", "INFORMAL"] | None = Field(
        default=None, description="`FORMAL` or `INFORMAL`: how Amazon Translate addresses the reader."
    )
    detector: Literal["local", "comprehend"] | None = Field(
        default=None,
        description="Who tells languages apart: `local` or `comprehend`. Default: like the language services.",
    )
    event_bus: values.EventBus = Field(
        default=None, description="EventBridge bus that events of rules (`emit`) are put on; before the address."
    )

    intake_queue: values.QueueName = Field(
        default=None,
        description="Name of the SQS queue by which other systems ask for decisions, notifications and incidents.",
    )
    intake_app: values.AppName = Field(default="intake", description="The app that the audit names for that queue.")
    intake_scopes: values.Scopes = Field(
        default=values.INTAKE_SCOPES,
        description="What that queue may ask for, comma-separated: `evaluate`, `notify`, `incidents`.",
    )

    @property
    def watches_rules(self) -> bool:
        """`rules_watch`, or what the backend stands for."""
        return self.backend is Backend.EMBEDDED if self.rules_watch is None else self.rules_watch

    @property
    def rules_need_approval(self) -> bool:
        """Whether a version of a ruleset decides only when somebody else than its author approves it."""
        return "rules" in self.four_eyes

    @property
    def asks_amazon(self) -> bool:
        """Whether Comprehend and Translate are asked: `language_services`, or what the backend stands for."""
        return (self.language_services or self.backend) is Backend.AWS

    @property
    def uses_amazon(self) -> bool:
        """Whether AWS services beside the store are used."""
        return self.backend is Backend.AWS or self.asks_amazon

    @property
    def detects_by_comprehend(self) -> bool:
        """`detector`, or what the language services stand for."""
        return self.asks_amazon if self.detector is None else self.detector == "comprehend"

    def is_trial(self, channel: Channel) -> bool:
        """Whether the channel is for trying things out: no provider is called, and reserved addresses are taken."""
        if channel is Channel.CHAT and self.chat_webhooks is not None:
            return not self.chat_webhooks or channel in self.outbox_channels
        by_twilio = channel in {Channel.SMS, Channel.VOICE} and self.twilio_account is not None
        here = self.backend is Backend.EMBEDDED and not by_twilio
        return here or channel in self.outbox_channels

    @property
    def thresholds(self) -> Thresholds:
        """From when on work counts as standing still or late."""
        late = (self.incident_overdue, self.transactional_overdue, self.bulk_overdue)
        overdue_after = {lane: timedelta(seconds=each) for lane, each in zip(BY_URGENCY, late, strict=True)}
        return Thresholds(timedelta(seconds=self.worker_silence), overdue_after)

    @property
    def most_threads(self) -> int:
        """How many threads of one process may call a provider or the store at once: of an API, or of a worker."""
        return max(self.threads, self.worker_threads * len(Lane)) + SPARE_THREADS

    @property
    def database(self) -> Path:
        """The SQLite file of the embedded backend."""
        return self.home / "tocsin.db"

    @property
    def secret_file(self) -> Path:
        """Where the secret is kept from which lookup keys and signatures are made."""
        return secret_in(self.home)

    @property
    def models(self) -> Path:
        """Where `tocsin translations models add` puts translation models."""
        return self.home / "models"

    @property
    def last_good(self) -> Path:
        """Where copies are kept of the policies and templates that could last be used."""
        return self.home / "last-good"

    @property
    def dev_key(self) -> Path:
        """Where `tocsin up` keeps the development key."""
        return self.home / "dev-key"


def secret_in(home: Path) -> Path:
    """The file in the home that keeps the secret of the installation."""
    return home / "secret"
