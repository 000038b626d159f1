"""A provider outside the store: a mail server that remembers every letter it took, and when."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from service.channels import Reference
from tests.aws import free_port

ANSWERS_AFTER = 0.01
"""Seconds from having taken a letter to saying so: a sender that dies meanwhile does not know that it was sent."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One copy of a message: which attempt at sending it this was, and the instant at which the server had it."""

    message: str
    attempt: int
    at: float


def reference_of(content: bytes) -> Reference:
    """Which delivery a mail is, by its Message-ID: `token.attempt.delivery@domain`."""
    name = str(message_from_bytes(content)["Message-ID"]).strip("<>").partition("@")[0]
    _, attempt, delivery = name.split(".")
    return Reference(delivery, int(attempt))


@dataclass(slots=True)
class MailServer:
    """Takes every letter. Times are those of `time.monotonic`."""

    letters: list[Letter] = field(default_factory=list)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's)
        assert isinstance(envelope.content, bytes)
        sent = reference_of(envelope.content)
        with self._mutex:
            self.letters.append(Letter(sent.delivery_id, sent.attempt, time.monotonic()))
        await asyncio.sleep(ANSWERS_AFTER)
        return "250 OK"

    def copies(self) -> Counter[str]:
        """How often each message arrived."""
        return Counter(letter.message for letter in self.letters)

    def again(self) -> Sequence[Letter]:
        """The letters that were sent once more although the server had them."""
        return [copy for copies in self._by_message().values() for copy in copies[:-1]]

    def attempts_twice(self) -> Sequence[str]:
        """Messages of which one attempt arrived more than once: that no crash explains."""
        by_attempt = Counter((letter.message, letter.attempt) for letter in self.letters)
        return [message for (message, _), times in by_attempt.items() if times > 1]

    def _by_message(self) -> Mapping[str, Sequence[Letter]]:
        found: defaultdict[str, list[Letter]] = defaultdict(list)
        for letter in self.letters:
            found[letter.message].append(letter)
        return found


@contextmanager
def mail_server() -> Iterator[tuple[MailServer, str]]:
    """A server until the block ends, and the address by which settings name it."""
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield server, f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()
