"""How the text of a setting becomes its value. A refusal says what to write and quotes no secret."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from email.headerregistry import Address
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, PlainValidator

from service.channels import (
    ANSWER_SLOT,
    MAIL_TOKEN_LENGTH,
    TAGGED_ADDRESS,
    ImapServer,
    SmtpServer,
    parse_imap_url,
    parse_sender,
    parse_smtp_url,
)
from service.core import (
    Channel,
    S3Url,
    Scope,
    TocsinError,
    is_time_zone,
    nearest_word,
    parse_s3_url,
    secrets,
    web_addresses,
)
from service.messages import Pace, QuietHours, Senders, parse_pace, parse_quiet_hours, parse_weights, read_senders

T = TypeVar("T")

PROVIDERS = ("ses", "smtp", "aws-sms", "twilio-sms", "aws-voice", "twilio-voice")
"""What breakers, weights and metrics call the providers of messages."""

FOUR_EYES = ("rules",)
"""What may need a second person."""

INTAKE_SCOPES = (Scope.EVALUATE, Scope.NOTIFY, Scope.INCIDENTS)
"""What letters of the intake queue can ask for."""

MAX_SENDER_NAME = 20
"""Characters of the name that an SMS begins with: every one is missing from the text."""

MAX_HELP_CONTACT = 60

SLOWEST, FASTEST = 0.0001, 1_000_000.0
"""Bounds of a rate a second: once in three hours, and more than any provider takes."""


class UnusableValue(TocsinError):
    """A setting's text that stands for no value; says what is wrong and what to write."""


def listed(text: str) -> tuple[str, ...]:
    """The members of a setting that is a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _read_by(parse: Callable[[str], object]) -> PlainValidator:
    """A setting whose value is what `parse` makes of its text; a program may also give the value itself."""

    def read(given: object) -> object:
        return _parsed(parse, given) if isinstance(given, str) else given

    return PlainValidator(read)


def _checked_by(parse: Callable[[str], object]) -> BeforeValidator:
    """A setting whose text `parse` looks at first."""

    def check(given: object) -> object:
        return _parsed(parse, given) if isinstance(given, str) else given

    return BeforeValidator(check)


def _parsed(parse: Callable[[str], object], text: str) -> object:
    try:
        return parse(text)
    except TocsinError as error:
        raise ValueError(str(error)) from error


def _matching(expression: re.Pattern[str], form: str) -> PlainValidator:
    def parse(text: str) -> str:
        if expression.fullmatch(text) is None:
            raise UnusableValue(f"must be {form}")
        return text

    return _read_by(parse)


def _each(parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    def parse_all(text: str) -> tuple[T, ...]:
        parts = listed(text)
        if text and not parts:
            raise UnusableValue("lists nothing: leave it out, or write its members comma-separated")
        return tuple(parse(part) for part in parts)

    return parse_all


def parse_sender_name(text: str) -> str:
    """A name that an SMS may begin with: one short line."""
    name = text.strip()
    if not name or len(name) > MAX_SENDER_NAME or not name.isprintable():
        raise UnusableValue(
            f"must be a name of 1 to {MAX_SENDER_NAME} characters on one line: write it like Example Ltd"
        )
    return name


def parse_help_contact(text: str) -> str:
    """An address, number or page that an SMS may name."""
    contact = text.strip()
    if not contact or len(contact) > MAX_HELP_CONTACT or not contact.isprintable():
        raise UnusableValue(f"must have 1 to {MAX_HELP_CONTACT} characters on one line: write it like ops@example.com")
    return contact


def parse_host(text: str) -> str:
    """An address of this machine or a name for it."""
    if not web_addresses.is_host(text):
        raise UnusableValue("must be an IP address or a host name, without http:// and port: write it like 0.0.0.0")
    return text


def parse_zone(text: str) -> str:
    """The name of a time zone that this machine knows (IANA)."""
    if not is_time_zone(text):
        raise UnusableValue("is not a time zone: write it like Europe/Berlin (IANA)")
    return text


def parse_channel(text: str) -> Channel:
    """A channel by its name, in any case."""
    return Channel(_member(text.lower(), tuple(Channel), "channel"))


def parse_scope(text: str) -> Scope:
    """A scope that letters can ask for."""
    return Scope(_member(text, tuple(INTAKE_SCOPES), "scope of letters"))


def parse_four_eyes(text: str) -> str:
    """What two people decide about."""
    return _member(text, FOUR_EYES, "thing that four eyes are asked for")


def parse_country(text: str) -> str:
    """A country by its ISO 3166 code, in any case."""
    import phonenumbers  # as below, it takes a while to import, and every command reads settings

    if text.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise UnusableValue(f"{text!r} is not a country: write two-letter codes (ISO 3166) like DE,FR,GB")
    return text.upper()


def parse_mail_address(text: str) -> str:
    """An address that mail can be written to."""
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise UnusableValue(
            f"{text!r} is not an email address: write them like ann@example.com,ben@example.com"
        ) from None


def parse_reply_to(text: str) -> str:
    """An address for answers, with or without a place for each message's token before the @."""
    if "{" in text and TAGGED_ADDRESS.fullmatch(text) is None:
        raise UnusableValue(
            "has {token} in no place that an address can have: write it like replies+{token}@example.com"
        )
    address = parse_mail_address(text.replace(ANSWER_SLOT, "x" * MAIL_TOKEN_LENGTH))
    if not address.isascii():
        raise UnusableValue("must be an address in ASCII: write it like replies+{token}@example.com")
    return text


def parse_proxy(text: str) -> str:
    """The address or network of a proxy."""
    try:
        ip_network(text)
    except ValueError:
        raise UnusableValue(f"{text!r} is not an IP address, nor a network like 10.0.0.0/8") from None
    return text


def parse_topic(text: str) -> str:
    """The ARN of an SNS topic."""
    if re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}", text) is None:
        raise UnusableValue(
            f"{text!r} is not a topic: write its ARN like arn:aws:sns:eu-central-1:123456789012:replies"
        )
    return text


def parse_token(text: str) -> str:
    """An auth token; never quoted."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise UnusableValue("must hold tokens as Twilio's console shows them, comma-separated and without spaces")
    return text


def parse_secret(text: str) -> bytes:
    """64 hex digits or more as bytes; never quoted."""
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) < secrets.BYTES:
        raise UnusableValue("must be at least 64 hex digits: `openssl rand -hex 32` makes them")
    return secret


def parse_events_url(text: str) -> str:
    """An address that callbacks may go to."""
    from service.messages import CallbackRefused, check_url

    try:
        check_url(text)
    except CallbackRefused as error:
        raise UnusableValue(str(error).removeprefix("the callback address ")) from error
    return text


def parse_rate(text: str) -> float:
    """A number a second."""
    rate = _number(text)
    if not SLOWEST <= rate <= FASTEST:
        raise UnusableValue(f"must be a number from {SLOWEST} to {FASTEST:.0f}")
    return rate


def parse_amount(text: str) -> float:
    """An amount of money."""
    amount = _number(text)
    if not 0 < amount <= 1e9:
        raise UnusableValue("must be a number above 0, such as 250 or 99.50")
    return amount


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise UnusableValue("must be a number, such as 14 or 0.5")
    return number


def _member(text: str, known: Collection[str], noun: str) -> str:
    if text in known:
        return text
    near = nearest_word(text, known)
    raise UnusableValue(
        f"{text!r} is not a {noun}: " + (f"did you mean {near}?" if near else f"write {_either(known)}")
    )


def _either(known: Collection[str]) -> str:
    first, last = list(known)[:-1], list(known)[-1]
    return f"{', '.join(first)} or {last}"


def _weights(text: str) -> Mapping[str, float]:
    return parse_weights(text, PROVIDERS)


def _folder(text: str) -> Path:
    if not text.isprintable():
        raise UnusableValue("must be the path of a folder")
    return Path(text)


_NAME = "a name of {} letters, digits, - and _"

Folder = Annotated[Path, _checked_by(_folder)]
Host = Annotated[str, _read_by(parse_host)]
Hosts = Annotated[frozenset[str], _read_by(lambda text: frozenset(map(str.lower, _each(parse_host)(text))))]
TimeZone = Annotated[str, _read_by(parse_zone)]
ImapUrl = Annotated[ImapServer | None, _read_by(parse_imap_url)]
ReplyTo = Annotated[str | None, _read_by(parse_reply_to)]
SmtpUrl = Annotated[SmtpServer | None, _read_by(parse_smtp_url)]
MailSender = Annotated[Address, _read_by(parse_sender)]
MailAddresses = Annotated[tuple[str, ...], _read_by(_each(parse_mail_address))]
Countries = Annotated[frozenset[str], _read_by(lambda text: frozenset(_each(parse_country)(text)))]
FourEyes = Annotated[frozenset[str], _read_by(lambda text: frozenset(_each(parse_four_eyes)(text)))]
Quiet = Annotated[QuietHours | None, _read_by(parse_quiet_hours)]
Limit = Annotated[Pace | None, _read_by(parse_pace)]
RequiredLimit = Annotated[Pace, _read_by(parse_pace)]
Rate = Annotated[float | None, _read_by(parse_rate)]
Amount = Annotated[float | None, _read_by(parse_amount)]
Terms = Annotated[tuple[str, ...], _read_by(_each(str))]
Url = Annotated[str | None, _read_by(web_addresses.parse_url)]
Root = Annotated[str | None, _read_by(web_addresses.parse_root)]
RequiredRoot = Annotated[str, _read_by(web_addresses.parse_root)]
EventsUrl = Annotated[str | None, _read_by(parse_events_url)]
Proxies = Annotated[tuple[str, ...], _read_by(_each(parse_proxy))]
SenderName = Annotated[str | None, _read_by(parse_sender_name)]
HelpContact = Annotated[str | None, _read_by(parse_help_contact)]
Topics = Annotated[tuple[str, ...], _read_by(_each(parse_topic))]
Secret = Annotated[bytes | None, _read_by(parse_secret)]
SigningSecrets = Annotated[tuple[bytes, ...], _read_by(_each(parse_secret))]
Channels = Annotated[frozenset[Channel], _read_by(lambda text: frozenset(_each(parse_channel)(text)))]
Identities = Annotated[Senders, _read_by(read_senders)]
Weights = Annotated[Mapping[str, float], _read_by(_weights)]
Tokens = Annotated[tuple[str, ...], _read_by(_each(parse_token))]
Scopes = Annotated[tuple[Scope, ...], _read_by(_each(parse_scope))]

S3Folder = Annotated[S3Url | None, _read_by(parse_s3_url)]
AwsPrefix = Annotated[str, _matching(re.compile(r"[A-Za-z0-9_-]{0,40}"), _NAME.format("up to 40"))]
ConfigurationSet = Annotated[str | None, _matching(re.compile(r"[A-Za-z0-9_-]{1,64}"), _NAME.format("1 to 64"))]
PhoneConfigurationSet = Annotated[
    str | None,
    _matching(re.compile(r"[A-Za-z0-9_-]{1,64}|arn:aws[a-z-]*:\S{1,200}"), f"{_NAME.format('1 to 64')}, or an ARN"),
]
Identity = Annotated[
    str | None,
    _matching(
        re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?"), "a number like +4930901820, an id or a name"
    ),
]
TwilioAccount = Annotated[
    str | None, _matching(re.compile(r"AC[0-9a-f]{32}"), "the account's SID: AC and 32 of the digits 0-9 and a-f")
]
ApiKey = Annotated[str | None, _matching(re.compile(r"[\x21-\x7e]{1,512}"), "the key as it was given, without spaces")]
Terminology = Annotated[
    str | None, _matching(re.compile(r"(?=.{1,256}\Z)(?:[A-Za-z0-9-]_?)+"), "the name of a custom terminology")
]
EventBus = Annotated[
    str | None, _matching(re.compile(r"[/.\-_A-Za-z0-9:]{1,1600}"), "the name or ARN of an EventBridge bus")
]
QueueName = Annotated[str | None, _matching(re.compile(r"[A-Za-z0-9_-]{1,75}"), _NAME.format("1 to 75"))]
AppName = Annotated[
    str, _matching(re.compile(r"[\x21-\x7e]{1,128}"), "1 to 128 printable ASCII characters without spaces")
]
