"""What a channel is to the rest of the service: where it reaches a person, and how a text becomes its message.

Each channel has a folder beside this module with its `ChannelType` in `kind.py`; `registry` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from service.channels.message import Attachment, Message, Reference
from service.channels.phones import Phone
from service.core import Channel, Tag, is_blank


class ContactKind(StrEnum):
    """What a person is reached by; opt-outs are of a contact, and so end every channel that uses it."""

    PHONE = "phone"
    EMAIL = "email"


class HasContacts(Protocol):
    """The contacts of somebody as text: a phone in E.164, an address."""

    def contact(self, field: str) -> str | None:
        """The contact that a profile's field of this name holds, or None."""


class MessageReader(HasContacts, Protocol):
    """The person a message is for. What is not known is None."""

    @property
    def phone(self) -> Phone | None: ...

    @property
    def email(self) -> str | None: ...

    @property
    def voice_locale(self) -> str | None: ...


class EmailWords(Protocol):
    """A text as an email says it."""

    @property
    def subject(self) -> str: ...

    @property
    def html(self) -> str: ...

    @property
    def text(self) -> str: ...


class Words(Protocol):
    """A text in one language, filled for one reader, as channels may want it.

    Each raises `TooLong` or `NotFilled` (`service.messages`) where it cannot be made.
    """

    @property
    def language(self) -> Tag: ...

    def brief(self) -> str:
        """As short text, such as an SMS."""

    def note(self) -> str:
        """As plain text that may be longer than an SMS."""

    def letter(self) -> EmailWords:
        """As subject, HTML and plain text."""

    def spoken(self) -> str:
        """As it is read out."""


def _no_address() -> str | None:
    return None


def _no_files() -> tuple[Attachment, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a message is besides its words. `unsubscribe_url` is asked for by channels that have room for it.

    Answers by mail go to `reply_to`, or to the sender where it is None; `attachments` are asked for by mails alone.
    `keys` says which keys of a phone answer a call.
    """

    reference: Reference
    promotional: bool = False
    answerable: bool = False
    unsubscribe_url: Callable[[], str | None] = _no_address
    reply_to: str | None = None
    attachments: Callable[[], tuple[Attachment, ...]] = _no_files
    keys: str = ""


class ChannelType(Protocol):
    """One channel. Pure: what sends its messages is a carrier (`service.channels.carrier`)."""

    @property
    def channel(self) -> Channel: ...

    @property
    def field(self) -> str:
        """The field of a profile that the channel leads to."""

    @property
    def opted_out_by(self) -> ContactKind | None:
        """Whose opt-outs end the channel; None where nobody can opt out."""

    @property
    def word(self) -> str:
        """How people are told that somebody is written to by the channel: by "mail", "a call"."""

    @property
    def always_linked(self) -> bool:
        """Whether every page by this channel has a link to answer it, and not only where a policy wants links."""

    @property
    def weight(self) -> int:
        """The most writes that one message takes in our own store: its delivery and its outbox entry, at least."""

    @property
    def refusal(self) -> str:
        """How a timeline says that the contact wants no messages of the channel."""

    def compose(self, words: Words, reader: MessageReader, circumstances: Circumstances, /) -> Message | None:
        """The message to a reader; None if the channel does not lead to them."""

    def is_blank(self, message: Message, /) -> bool:
        """Whether a message says nothing."""


class PlainText:
    """A channel whose message is its text."""

    always_linked = False

    def is_blank(self, message: Message, /) -> bool:
        """Whether no letter, digit or emoji is in the text."""
        return is_blank(message.text)


def address_of(kind: ChannelType, contacts: HasContacts) -> str | None:
    """Where a channel leads to somebody, or None."""
    return contacts.contact(kind.field)
