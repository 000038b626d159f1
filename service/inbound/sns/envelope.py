"""Which requests really come from Amazon SNS, for a topic of ours, and now.

Source: "Verifying the signatures of Amazon SNS messages",
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from service.core import Clock, TocsinError, exact_json, parse_timestamp
from service.inbound.sns.certificates import HOST, CertificateRefused, SigningCertificates

TOPIC_HEADER = "x-amz-sns-topic-arn"
"""Every request of SNS has it (SNS guide, "HTTP/HTTPS headers")."""
OLDEST = timedelta(hours=1)
"""SNS retries an HTTPS endpoint for 3,600 s at most (SNS guide, "message delivery retries")."""
SKEW = timedelta(minutes=5)
"""How far apart the clocks of SNS and this machine may be."""


class SnsRefused(TocsinError):
    """A message is of no allowed topic, not properly signed or not recent (HTTP 403); the text says which."""


class EnvelopeType(StrEnum):
    """What SNS sends."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION = "SubscriptionConfirmation"
    UNSUBSCRIPTION = "UnsubscribeConfirmation"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One SNS message. `id` stays the same over retries. `subscribe_url` and `token` come with confirmations only."""

    type: EnvelopeType
    id: str
    topic: str
    message: str
    timestamp: str
    signature_version: str
    signature: str
    certificate_url: str
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = None

    @property
    def at(self) -> datetime:
        """When SNS published it; an inbound SMS has no time of its own."""
        return parse_timestamp(self.timestamp)


def parse(body: bytes | str) -> Envelope:
    """Read an envelope; `SnsRefused` for anything else. Nothing is verified yet."""
    try:
        members = exact_json.loads(body)
    except exact_json.NotJson as error:
        raise SnsRefused("the body is not JSON") from error
    if not isinstance(members, dict):
        raise SnsRefused("the body is not an SNS message")
    envelope = Envelope(
        type=_type(members),
        id=_text(members, "MessageId"),
        topic=_text(members, "TopicArn"),
        message=_text(members, "Message"),
        timestamp=_text(members, "Timestamp"),
        signature_version=_text(members, "SignatureVersion"),
        signature=_text(members, "Signature"),
        certificate_url=_text(members, "SigningCertURL"),
        subject=_optional(members, "Subject"),
        token=_optional(members, "Token"),
        subscribe_url=_optional(members, "SubscribeURL"),
    )
    _check_time_is_readable(envelope)
    return envelope


def string_to_sign(envelope: Envelope) -> bytes:
    """What SNS signed: names and values, a line each, in byte order of the names; `Subject` only where there is one."""
    signed = {
        "Message": envelope.message,
        "MessageId": envelope.id,
        "Subject": envelope.subject,
        "SubscribeURL": envelope.subscribe_url,
        "Timestamp": envelope.timestamp,
        "Token": envelope.token,
        "TopicArn": envelope.topic,
        "Type": envelope.type.value,
    }
    left_out = {"SubscribeURL", "Token"} if envelope.type is EnvelopeType.NOTIFICATION else {"Subject"}
    return "".join(f"{k}\n{v}\n" for k, v in signed.items() if k not in left_out and v is not None).encode()


class SnsGate:
    """Lets through what SNS sent for one of `topics`; without topics, nothing.

    `versions` are the signature versions accepted: take "1" (SHA-1) out once every topic signs with version 2.
    """

    def __init__(
        self,
        topics: Collection[str],
        certificates: SigningCertificates,
        clock: Clock,
        versions: Collection[str] = ("1", "2"),
    ) -> None:
        self._topics = frozenset(topics)
        self._certificates = certificates
        self._clock = clock
        self._versions = frozenset(versions)

    def expect(self, topic: str | None) -> None:
        """Refuse by the topic that the header `TOPIC_HEADER` names, before anything of the message is read.

        It costs a stranger the ARN of a topic, which `admit` then asks the signed message for again.
        """
        self._check_topic(topic)

    def admit(self, body: bytes | str) -> Envelope:
        """The verified message; `SnsRefused` if any check fails, `CertificateUnavailable` if SNS should try again.

        What costs nothing is checked first, so that a stranger cannot make us fetch certificates.
        """
        envelope = parse(body)
        self._check_topic(envelope.topic)
        self._check_age(envelope)
        self._check_signature(envelope)
        return envelope

    def _check_topic(self, topic: str | None) -> None:
        if not self._topics:
            raise SnsRefused("no SNS topic is allowed: set TOCSIN_SNS_TOPICS to the ARNs of your topics")
        if topic not in self._topics:
            raise SnsRefused("the topic is not one of TOCSIN_SNS_TOPICS")

    def _check_age(self, envelope: Envelope) -> None:
        age = self._clock.now() - envelope.at
        if not -SKEW <= age <= OLDEST + SKEW:
            raise SnsRefused("the message is too old, or this machine's clock is wrong")

    def _check_signature(self, envelope: Envelope) -> None:
        if envelope.signature_version not in self._versions:
            raise SnsRefused("the signature version is not accepted")
        algorithm = SHA1() if envelope.signature_version == "1" else SHA256()  # noqa: S303 (version 1 is SHA-1)
        try:
            key = self._certificates.key(envelope.certificate_url)
            signature = base64.b64decode(envelope.signature, validate=True)
            key.verify(signature, string_to_sign(envelope), PKCS1v15(), algorithm)
        except CertificateRefused as error:
            raise SnsRefused(str(error)) from error
        except (InvalidSignature, binascii.Error) as error:
            raise SnsRefused("the signature does not fit the message") from error


def confirmation_url(envelope: Envelope) -> str:
    """The URL that confirms a subscription to its topic; `SnsRefused` unless it is SNS's own.

    Visit it for an admitted envelope only: any other could send us anywhere.
    """
    try:
        url = urlsplit(envelope.subscribe_url or "")
    except ValueError as error:
        raise SnsRefused("the SubscribeURL is no URL") from error
    asked = parse_qs(url.query)
    confirms = asked.get("Action") == ["ConfirmSubscription"] and asked.get("TopicArn") == [envelope.topic]
    if envelope.type is not EnvelopeType.SUBSCRIPTION or not envelope.subscribe_url or not confirms:
        raise SnsRefused("this is not the confirmation of a subscription to its topic")
    if url.scheme != "https" or not HOST.fullmatch(url.netloc):
        raise SnsRefused("the SubscribeURL is not an address of SNS")
    return envelope.subscribe_url


def _type(members: Mapping[object, object]) -> EnvelopeType:
    text = _text(members, "Type")
    if text not in list(EnvelopeType):
        raise SnsRefused("the Type is none that SNS sends")
    return EnvelopeType(text)


def _text(members: Mapping[object, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise SnsRefused(f"the body is not an SNS message: {name} is missing")
    return value


def _optional(members: Mapping[object, object], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise SnsRefused(f"the body is not an SNS message: {name} is no text")
    return value


_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


def _check_time_is_readable(envelope: Envelope) -> None:
    try:
        if not _TIMESTAMP.fullmatch(envelope.timestamp):
            raise SnsRefused("the Timestamp is not one of SNS")
        parse_timestamp(envelope.timestamp)
    except ValueError as error:
        raise SnsRefused("the Timestamp is not one of SNS") from error
