"""What proves that an answer or a report is about a mail of ours: an HMAC in its Message-ID and its reply address."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from service.channels.message import Reference
from service.core import Keyring

MAIL_TOKEN_LENGTH = 26
"""Letters of a token: 130 bits, in small letters and digits, for mail servers that forget capitals."""

ANSWER_SLOT = "{token}"
"""Where the token stands in the address for answers."""

TAGGED_ADDRESS = re.compile(r"[^\s@]{1,30}\{token\}[^\s@]{0,5}@\S{1,190}")
"""An address with a place for the token. A local part has 64 characters at the most (RFC 5321, 4.5.3.1.1)."""

_OWN_ID = re.compile(
    rf"([a-z2-7]{{{MAIL_TOKEN_LENGTH}}})\.(\d{{1,9}})\.([A-Za-z0-9_-]{{1,200}})(?:@|\Z)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class MailTokens:
    """Makes and checks tokens. A token belongs to one message, whichever attempt of it is answered."""

    keys: Keyring

    def of(self, delivery_id: str) -> str:
        """The token of one message."""
        return _token(self.keys.keys[0], delivery_id)

    def is_of(self, token: str, delivery_id: str) -> bool:
        """Whether a token is that of a message: compared in constant time, by any key that still verifies."""
        given = token.lower().encode()
        return any(hmac.compare_digest(given, _token(key, delivery_id).encode()) for key in self.keys.keys)

    def stamped(self, reference: Reference) -> str:
        """What a mail's Message-ID and its envelope (RFC 3461) say before the `@`."""
        return f"{self.of(reference.delivery_id)}.{reference.attempt}.{reference.delivery_id}"

    def read(self, message_ids: Iterable[str]) -> Reference | None:
        """The message that one of these ids names, if we made the id."""
        for text in message_ids:
            own = _OWN_ID.match(text)
            if own is not None and self.is_of(own[1], own[3]):
                return Reference(own[3], int(own[2]))
        return None


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """Where answers by mail go: one address for each page, such as `replies+{token}@example.com`, or one for all.

    Where there is one for all, an answer is known by the Message-ID that it names.
    """

    text: str
    tokens: MailTokens

    @property
    def is_tagged(self) -> bool:
        """Whether the address itself names the page."""
        return ANSWER_SLOT in self.text

    def of(self, delivery_id: str) -> str:
        """The address for answers to one message."""
        return self.text.replace(ANSWER_SLOT, self.tokens.of(delivery_id))


def _token(key: bytes, delivery_id: str) -> str:
    digest = hmac.digest(key, delivery_id.encode(), "sha256")
    return base64.b32encode(digest).decode().lower()[:MAIL_TOKEN_LENGTH]
