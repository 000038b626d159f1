"""Origination identities of SMS and calls, by the country that they reach.

Not every identity can receive: a sender id never does, and in many countries no number that we could get does
(https://docs.aws.amazon.com/sms-voice/latest/userguide/phone-numbers-sms-by-country.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from service.channels import Reason, Refused, Sms, VoiceCall
from service.core import CannotRead, Channel, TocsinError, plain_files

ELSEWHERE = "*"
"""Stands for every country, after the country's own identities."""

_SENDER_ID = re.compile(r"(?!pool-|phone-)(?=.*[A-Za-z])[A-Za-z0-9 _&+-]{1,11}")
"""A name instead of a number: at most 11 characters, one of them a letter
(https://docs.aws.amazon.com/sms-voice/latest/userguide/sender-id.html)."""

M = TypeVar("M", Sms, VoiceCall)


class SendersRefused(TocsinError):
    """TOCSIN_SENDERS cannot be used; says where and why."""


class Sender(BaseModel):
    """One identity: a number, a pool or a sender id. `role` is the ARN of one to assume, for another account's.

    `provider` is whose it is; it may be left out where there is but one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    origin: Annotated[str, Field(min_length=1, max_length=256)]
    provider: Literal["aws", "twilio"] | None = None
    channels: tuple[Channel, ...] = (Channel.SMS,)
    per_second: Annotated[float | None, Field(gt=0)] = None
    two_way: bool = False
    role: Annotated[str | None, Field(pattern=r"arn:aws[a-z-]*:iam::\d{12}:role/.+")] = None

    @property
    def account(self) -> str | None:
        """The id of the account that the role is one of; None for our own."""
        return None if self.role is None else self.role.split(":")[4]

    @model_validator(mode="after")
    def _has_roles_on_aws_alone(self) -> Sender:
        if self.role is not None and self.provider == "twilio":
            raise ValueError("a role is one of AWS; leave it out for an identity of Twilio")
        return self


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
        answerable = isinstance(message, Sms) and message.answerable
        return self.of(message.to.country, message.channel, answerable=answerable)

    def addressed(self, message: M) -> M | Refused:
        """The message as it leaves from the identity that its country demands; refused where there is none."""
        if not self.by_country:
            return message
        sender = self.of_message(message)
        return _unserved(message) if sender is None else structs.replace(message, origin=sender.origin)

    def role_of(self, origin: str | None) -> str | None:
        """The role in which an identity is used; None for our own account's."""
        return next((sender.role for sender in self._everyone() if sender.origin == origin), None)

    def accounts(self) -> Sequence[str]:
        """Ids of the other accounts whose identities are used."""
        return sorted({sender.account for sender in self._everyone() if sender.account is not None})

    def of_provider(self, provider: str) -> Senders:
        """The identities of one provider alone, those that name none included."""
        return Senders(
            {
                country: [sender for sender in senders if sender.provider in {None, provider}]
                for country, senders in self.by_country.items()
            }
        )

    def require_providers(self) -> None:
        """`SendersRefused` unless every identity says whose it is: there are several providers to choose from."""
        if (nobodys := next((each.origin for each in self._everyone() if each.provider is None), None)) is not None:
            raise SendersRefused(f"must say `provider: aws` or `provider: twilio` of {nobodys!r}")

    def _everyone(self) -> Iterator[Sender]:
        return (sender for senders in self.by_country.values() for sender in senders)


def one_identity(origin: str | None) -> Senders:
    """The one identity that everything leaves from where no other is listed; with None the provider chooses.

    It is taken to receive answers and to place calls unless it is a sender id, which can neither.
    """
    if origin is None:
        return Senders()
    if _SENDER_ID.fullmatch(origin):
        return Senders({ELSEWHERE: [Sender(origin=origin)]})
    return Senders({ELSEWHERE: [Sender(origin=origin, channels=(Channel.SMS, Channel.VOICE), two_way=True)]})


def read_senders(setting: str | None) -> Senders:
    """The identities that TOCSIN_SENDERS holds (JSON) or names (a YAML file); `SendersRefused`."""
    if setting is None:
        return Senders()
    written_here = setting.lstrip().startswith("{")
    document = _document(setting if written_here else _read(Path(setting)), "" if written_here else setting)
    try:
        by_country = TypeAdapter(dict[str, tuple[Sender, ...]]).validate_python(document)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise SendersRefused(f"{'; '.join(faults)} (docs/aws.md shows the form)") from error
    import phonenumbers  # it takes a while to import, and few installations list senders

    if strange := [country for country in by_country if country not in {*phonenumbers.SUPPORTED_REGIONS, ELSEWHERE}]:
        raise SendersRefused(f"names {strange[0]!r}: write countries like DE, all others as *")
    return Senders(by_country)


def _read(path: Path) -> str:
    try:
        return plain_files.read_text(path)
    except (CannotRead, ValueError) as error:
        raise SendersRefused(
            f"names the file '{path}', which cannot be read ({type(error).__name__}): correct the path, or write JSON"
        ) from error


def _document(text: str, file: str) -> object:
    """Mappings, lists and texts (`NO` stays Norway); a key that stands twice is refused like any other fault."""
    from service.messages.plain_yaml import read_yaml  # what reads rule files is not needed where no sender is listed

    document, faults = read_yaml(text)
    if faults:
        listed = "; ".join(f"{file}:{fault.at.line}:{fault.at.column}: {fault.message}" for fault in faults)
        raise SendersRefused(f"is neither JSON nor a YAML file that can be used: {listed} (docs/aws.md)")
    return document


def _unserved(message: Sms | VoiceCall) -> Refused:
    if isinstance(message, Sms) and message.answerable:
        why = f"no identity of ours can receive an answer from {message.to.country}"
        return Refused(Reason.ONE_WAY, why)
    return Refused(Reason.BLOCKED, f"no identity of ours reaches {message.to.country}")
