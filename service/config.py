"""Settings: `TOCSIN_*` in the environment or in `.env`; docs/settings.md lists them all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.aws.references import CannotFetch, Fetch, Reference, parse_reference
from service.errors import TocsinError
from service.spelling import nearest
from service.words import Channel, Lane

PREFIX = "TOCSIN_"
SPARE_THREADS = 8
"""Threads of a process that do chores."""
ENV_FILE = ".env"
FOR_TESTS = frozenset({"TOCSIN_TEST_LONG"})
"""Names that are no settings but must not be reported either."""


class Backend(StrEnum):
    """Where items, work and messages live."""

    EMBEDDED = "embedded"
    AWS = "aws"


class SettingsError(TocsinError):
    """A setting has a value that cannot be used; names the setting."""


class Settings(BaseSettings):
    """Every setting with its meaning, unit and default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(default=Path("var"), description="Folder of the data: database, development key, outbox.")
    host: str = Field(default="127.0.0.1", description="Address that the API listens on; `0.0.0.0` is every one.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port of the API; 0 takes a free one.")
    backend: Backend = Field(
        default=Backend.EMBEDDED, description="`embedded` needs nothing but this machine, `aws` uses AWS services."
    )
    rules_dir: Path = Field(default=Path("rules"), description="Folder of the rule files that administrators edit.")
    templates_dir: Path = Field(default=Path("templates"), description="Folder of message templates and catalogues.")
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
        description="`buffering` or `plain`, the way back: each request has a thread from its first byte on.",
    )
    trusted_proxies: str = Field(
        default="127.0.0.1,::1",
        description="Addresses or networks, parted by commas, of proxies before the API: "
        "no limit for one address is theirs.",
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
    access_log: bool = Field(
        default=False, description="Whether every request is logged as a line, beside the metrics."
    )

    smtp_url: str | None = Field(
        default=None,
        description="Mail server, such as `smtp+starttls://user:password@mail.example.com`. Default: the outbox.",
        repr=False,
    )
    mail_from: str = Field(default="Tocsin <tocsin@localhost>", description="Sender of emails: `Name <address>`.")
    reviewers: str = Field(default="", description="Addresses, parted by commas, that are told of held messages.")
    allowed_countries: str = Field(
        default="", description="Countries that phones may be in: ISO 3166, parted by commas. Default: all."
    )
    quiet_hours: str | None = Field(
        default=None,
        description="Hours such as `22:00-07:00`, where the recipient lives, in which only incidents are sent.",
    )
    timezone: str = Field(default="UTC", description="Time zone (IANA) of recipients whose profile names none.")
    recipient_limit: str | None = Field(
        default=None, description="How many messages one person gets, such as `20/h` or `5/15m`; incidents never wait."
    )
    email_rate: float | None = Field(default=None, gt=0, description="Emails a second, all processes together.")
    sms_rate: float | None = Field(default=None, gt=0, description="SMS a second, all processes together.")
    voice_rate: float | None = Field(default=None, gt=0, description="Voice calls a second, all processes together.")
    libretranslate_url: str | None = Field(
        default=None, description="Root of a LibreTranslate server that translates what no catalogue holds."
    )
    libretranslate_api_key: str | None = Field(default=None, description="Its API key, if it asks for one.", repr=False)
    model_dir: Path | None = Field(default=None, description="Folder of further Mozilla translation models.")
    keep_terms: str = Field(default="", description="Words, parted by commas, that are never translated.")
    public_url: str | None = Field(
        default=None, description="Address under which people reach this API; links in messages begin with it."
    )
    events_url: str | None = Field(
        default=None, description="Address that events of rules (`emit`) are POSTed to, signed like callbacks."
    )
    loopback_callbacks: bool = Field(
        default=False, description="Whether callbacks may go to this machine itself: for development alone."
    )
    sns_topics: str = Field(
        default="", description="ARNs, parted by commas, of the SNS topics that `/v1/inbound/sns` lets in."
    )
    secret: str | None = Field(
        default=None,
        description="Secret of the installation, 64 hex digits, the same on all hosts. Default: a file in the home.",
        repr=False,
    )
    aws_prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_-]{0,40}$",
        description="What the names of tables and queues begin with, for several installations in one account.",
    )
    signing_secrets: str | None = Field(
        default=None,
        description="Secrets like it, parted by commas, for callbacks and links: first signs, all verify. Default: it.",
        repr=False,
    )
    parameters_ttl: int = Field(
        default=300, ge=1, description="Seconds after which settings that are kept elsewhere are read again."
    )
    outbox_channels: str = Field(
        default="",
        description="Channels, parted by commas, that go to the outbox although the backend is `aws`: for trials.",
    )
    language_services: Backend | None = Field(
        default=None,
        description="`embedded` or `aws`: who judges sentiment, detects language, translates. Default: the backend.",
    )
    mail_configuration_set: str | None = Field(
        default=None, description="SES configuration set, whose event destination brings receipts."
    )
    phone_identity: str | None = Field(
        default=None, description="Number, pool or sender id that SMS and calls leave from where no sender is listed."
    )
    phone_configuration_set: str | None = Field(
        default=None, description="End User Messaging configuration set, whose event destination brings receipts."
    )
    senders: str | None = Field(
        default=None, description="Origination identities by country: JSON, or the path of a YAML file (docs/aws.md)."
    )
    providers: str = Field(
        default="",
        description="Providers with their weights, such as `aws-sms=3,twilio-sms=1`; 0: only where no other can.",
    )
    twilio_account: str | None = Field(
        default=None, pattern="^AC[0-9a-f]{32}$", description="SID of the account at Twilio that sends SMS and calls."
    )
    twilio_tokens: str | None = Field(
        default=None,
        description="Its auth tokens, parted by commas: the first sends, requests signed with any are taken.",
        repr=False,
    )
    twilio_identity: str | None = Field(
        default=None,
        description="Number, messaging service or sender id at Twilio, used where no sender is listed.",
    )
    twilio_url: str = Field(
        default="https://api.twilio.com", description="Root of Twilio's API, such as that of another region."
    )
    spend_cap: float | None = Field(
        default=None,
        gt=0,
        description="Estimated USD a month for SMS: warned of at 80 %, and at the cap bulk stops, incidents never.",
    )
    terminology: str | None = Field(default=None, description="Custom terminology that Amazon Translate follows.")
    formality: Literal["FORMAL", "INFORMAL"] | None = Field(
        default=None, description="`FORMAL` or `INFORMAL`: how Amazon Translate addresses the reader."
    )
    detector: Literal["local", "comprehend"] | None = Field(
        default=None,
        description="Who tells languages apart: `local` or `comprehend`. Default: like the language services.",
    )
    event_bus: str | None = Field(
        default=None, description="EventBridge bus that events of rules (`emit`) are put on; before the address."
    )

    intake_queue: str | None = Field(
        default=None,
        description="Name of the SQS queue by which other systems ask for decisions, notifications and incidents.",
    )
    intake_app: str = Field(
        default="intake", pattern=r"^[\x21-\x7e]{1,128}$", description="The app that the audit names for that queue."
    )
    intake_scopes: str = Field(
        default="evaluate,notify,incidents",
        pattern=r"^(?:evaluate|notify|incidents)(?: *, *(?:evaluate|notify|incidents))*$",
        description="What that queue may ask for, parted by commas: `evaluate`, `notify`, `incidents`.",
    )

    @property
    def watches_rules(self) -> bool:
        """`rules_watch`, or what the backend stands for."""
        return self.backend is Backend.EMBEDDED if self.rules_watch is None else self.rules_watch

    @property
    def asks_amazon(self) -> bool:
        """Whether Comprehend and Translate are asked: `language_services`, or what the backend stands for."""
        return (self.language_services or self.backend) is Backend.AWS

    @property
    def detects_by_comprehend(self) -> bool:
        """`detector`, or what the language services stand for."""
        return self.asks_amazon if self.detector is None else self.detector == "comprehend"

    def is_trial(self, channel: Channel) -> bool:
        """Whether the channel is for trying things out: no provider is called, and reserved addresses are taken."""
        here = self.backend is Backend.EMBEDDED and (channel is Channel.EMAIL or self.twilio_account is None)
        return here or channel.value in listed(self.outbox_channels)

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
        return self.home / "secret"

    @property
    def last_good(self) -> Path:
        """Where copies are kept of the policies and templates that could last be used."""
        return self.home / "last-good"

    @property
    def dev_key(self) -> Path:
        """Where `tocsin up` keeps the development key."""
        return self.home / "dev-key"


def load(fetch: Fetch | None = None) -> Settings:
    """The settings of this process; `SettingsError` names every one that cannot be used.

    Those that are references are fetched from where they are kept: by `fetch`, or else from AWS.
    """
    kept = _fetched(references(), fetch)
    try:
        return Settings.model_validate(kept)
    except ValidationError as error:
        faults = (f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors())
        raise SettingsError("\n".join([*faults, "docs/settings.md lists every setting."])) from error


def references() -> Mapping[str, Reference]:
    """The settings, by the names of their fields, whose values are kept elsewhere (docs/settings.md)."""
    given = {name.upper(): text for name, text in _given().items()}
    texts = {field: given.get(PREFIX + field.upper()) for field in Settings.model_fields}
    parsed = ((field, parse_reference(text)) for field, text in texts.items() if text)
    return {field: reference for field, reference in parsed if reference is not None}


def _fetched(kept: Mapping[str, Reference], fetch: Fetch | None) -> Mapping[str, str]:
    if not kept:
        return {}
    fetch = fetch or fetch_kept()
    values: dict[str, str] = {}
    faults = []
    for field, reference in kept.items():
        try:
            values[field] = fetch(reference)
        except CannotFetch as error:
            faults.append(f"{PREFIX}{field.upper()}: {error}")
    if faults:
        raise SettingsError("\n".join(faults))
    return values


def fetch_kept() -> Fetch:
    """Reads values where AWS keeps them."""
    from service.aws.parameters import KeptValues  # boto3 takes a while to import, and few need it

    return KeptValues().fetch


def _given() -> Mapping[str, str | None]:
    return {**dotenv_values(ENV_FILE), **os.environ}


def names() -> tuple[str, ...]:
    """The environment's name of every setting."""
    return tuple(PREFIX + field.upper() for field in Settings.model_fields)


def unknown(environment: Mapping[str, str | None] | None = None) -> tuple[str, ...]:
    """A sentence for every `TOCSIN_*` name that is no setting, with the nearest one that is."""
    given = _given() if environment is None else environment
    strange = {name.upper() for name in given if name.upper().startswith(PREFIX)} - {*names(), *FOR_TESTS}
    return tuple(_report(name, names()) for name in sorted(strange))


def _report(name: str, known: Iterable[str]) -> str:
    bare = {one.removeprefix(PREFIX): one for one in known}  # the prefix would make any two names alike
    near = nearest(name.removeprefix(PREFIX), bare)
    hint = f"did you mean {bare[near]}?" if near else "docs/settings.md lists those that there are."
    return f"{name} is not a setting and does nothing: {hint}"


def listed(text: str) -> tuple[str, ...]:
    """The members of a setting that is a list parted by commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
