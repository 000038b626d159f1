"""Ways to reach a person: what is sent, what became of it, and one small protocol for each channel.

Adapters answer with one of three outcomes and never raise for the ordinary. `reference` rides along where the provider
has room for it (Context, EmailTags, Message-ID), so that a receipt finds its delivery.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Protocol

from service.channels.phones import Phone
from service.core import Channel, Record, Tag


class Reference(Record, frozen=True):
    """Which delivery a message belongs to, and which attempt of it this is.

    What is `urgent` asks a provider that keeps failing sooner again than other messages do.
    """

    delivery_id: str
    attempt: int
    urgent: bool = False


class Message(Protocol):
    """What every message has, whatever its channel. `text` is what a person reads or hears first of all."""

    channel: ClassVar[Channel]

    @property
    def text(self) -> str: ...

    @property
    def language(self) -> Tag: ...

    @property
    def reference(self) -> Reference: ...


class Sms(Record, frozen=True):
    """One text message. `origin` is the number or identity it is sent from, None where the channel has only one.

    An `answerable` one only ever leaves from an identity that can receive.
    """

    channel: ClassVar[Channel] = Channel.SMS

    to: Phone
    text: str
    language: Tag
    reference: Reference
    origin: str | None = None
    promotional: bool = False
    answerable: bool = False


class Attachment(Record, frozen=True):
    """A file that an email carries."""

    name: str
    media_type: str
    content: bytes


class Email(Record, frozen=True):
    """One email. `unsubscribe_url` is set for bulk mail and takes a one-click POST (RFC 8058).

    Answers go to `reply_to`, or to the sender where it is None.
    """

    channel: ClassVar[Channel] = Channel.EMAIL

    to: str
    subject: str
    html: str
    text: str
    language: Tag
    reference: Reference
    unsubscribe_url: str | None = None
    reply_to: str | None = None
    attachments: tuple[Attachment, ...] = ()


class VoiceCall(Record, frozen=True):
    """One call that reads `text` (plain text, never markup) with a voice of the locale `voice`.

    `keys` says which keys answer it; it is read out where the provider takes key presses.
    """

    channel: ClassVar[Channel] = Channel.VOICE

    to: Phone
    text: str
    voice: Tag
    reference: Reference
    origin: str | None = None
    keys: str = ""

    @property
    def language(self) -> Tag:
        """The language that the voice speaks."""
        return self.voice


class Reason(StrEnum):
    """Why a provider did not take a message."""

    ADDRESS = "address"
    """The phone or address does not exist or cannot be written to."""
    OPTED_OUT = "opted_out"
    """The person, or the provider on their behalf, wants no messages."""
    BLOCKED = "blocked"
    """A country, carrier or spam rule refuses it."""
    ONE_WAY = "one_way"
    """An answer is expected, and nothing that we send from can receive one from there."""
    CONTENT = "content"
    """The message itself: too long, empty, or in a language that no voice speaks."""
    ACCOUNT = "account"
    """Our settings of this sender or for this reader: an unverified sender, a number of another account. An operator
    must act."""
    ACCESS = "access"
    """The provider does not let us in: credentials, a closed account. Nothing leaves until somebody corrects that."""
    LIMIT = "limit"
    """The account has reached a limit: a daily quota, a spend limit, a pause. Nothing leaves until it is lifted."""
    THROTTLED = "throttled"
    """Too many for now."""
    LATER = "later"
    """Whoever keeps the reader's mailbox asks to be tried later: it is full, or strangers have to come twice."""
    PROVIDER = "provider"
    """The provider has a fault of its own and surely did not take the message."""


class Accepted(Record, frozen=True):
    """The provider has taken the message on, under its own id."""

    provider_id: str


class Refused(Record, frozen=True):
    """The provider did not take the message. `detail` is for an operator and holds no contact data and no text.

    `untried` when that is no attempt of the message: no provider was asked, all being left alone for now or time being
    up, or one that was asked has a limit that any message would have met. `gone` when there is no such mailbox: mail to
    it comes back for good.
    """

    reason: Reason
    detail: str
    retry_after: timedelta = timedelta(0)
    untried: bool = False
    gone: bool = False

    @property
    def permanent(self) -> bool:
        """Whether the same message would be refused again, whatever happens meanwhile.

        A fault of our account is not: an operator can correct it while the message waits for its next attempt.
        """
        return self.reason in {Reason.ADDRESS, Reason.OPTED_OUT, Reason.BLOCKED, Reason.ONE_WAY, Reason.CONTENT}


class Unknown(Record, frozen=True):
    """The provider may or may not have the message: the connection broke after it was handed over."""

    detail: str


Outcome = Accepted | Refused | Unknown


class SmsChannel(Protocol):
    """Sends text messages."""

    def send(self, sms: Sms, /) -> Outcome:
        """Hand one SMS to the carrier. `Unknown` when the carrier may have it: never raise for that."""


class EmailChannel(Protocol):
    """Sends emails."""

    def send(self, email: Email, /) -> Outcome:
        """Hand one email to the mail system. `Unknown` when it may have it: never raise for that."""


class VoiceChannel(Protocol):
    """Makes calls that read a text out."""

    def send(self, call: VoiceCall, /) -> Outcome:
        """Place one call. `Unknown` when it may have been placed: never raise for that."""
