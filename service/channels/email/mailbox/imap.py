"""A mailbox read by IMAP (RFC 9051). Nothing in it is changed: people may read it too, and clean it up."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from service.channels.email.mailbox.received import MAX_MAIL
from service.channels.email.mailbox.server import ImapServer
from service.core import Clock, Record, TocsinError
from service.work import ANSWERED_WITHIN_S, CONNECTED_WITHIN_S

logger = logging.getLogger(__name__)

AT_ONCE = 20
"""Mails of one reading."""

BEFORE = timedelta(days=1)
"""How far back the first reading looks, and the first one after the server numbered its mails anew."""

READ_WITHIN_S = 30.0
"""Seconds that one reading may take, whatever the server does: a socket's own timeout begins anew with each byte."""

_BODY = f"BODY.PEEK[]<0.{MAX_MAIL}>"


class MailboxUnreadable(TocsinError):
    """The mailbox could not be read; the text says why, for an operator."""


class Position(Record, frozen=True):
    """How far a mailbox has been read: up to the mail `uid`, while its numbering is `validity` (RFC 9051, 2.3.1)."""

    validity: int = 0
    uid: int = 0


@dataclass(frozen=True, slots=True)
class NewMail:
    """One mail and the position behind it."""

    raw: bytes
    position: Position


@dataclass(frozen=True, slots=True)
class Batch:
    """Mails of one reading, oldest first; `more` when others wait behind them."""

    mails: tuple[NewMail, ...]
    more: bool


class ImapMailbox:
    """Reads one folder. Its connection is kept between readings and opened anew after a failure. For one thread."""

    def __init__(self, server: ImapServer, clock: Clock, trust: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._clock = clock
        self._trust = trust or ssl.create_default_context()
        self._client: IMAPClient | None = None

    def read(self, after: Position) -> Batch:
        """The next mails behind a position; `MailboxUnreadable`."""
        with self._connected() as client:
            folder = client.select_folder(self._server.folder, readonly=True)
            validity = _number(folder, b"UIDVALIDITY")
            uids = self._uids(client, after if after.validity == validity else Position(validity))
            fetched = client.fetch(uids[:AT_ONCE], [_BODY]) if uids else {}
        bodies = [(uid, _body(fetched.get(uid, {}))) for uid in uids[:AT_ONCE]]
        mails = tuple(NewMail(raw, Position(validity, uid)) for uid, raw in bodies)
        return Batch(mails, more=len(uids) > AT_ONCE)

    def look(self) -> int:
        """How many mails the folder holds; `MailboxUnreadable` says what stands in the way."""
        with self._connected() as client:
            return _number(client.select_folder(self._server.folder, readonly=True), b"EXISTS")

    def close(self) -> None:
        """Part from the server, if it is still there."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(IMAPClientError, OSError):
                client.shutdown()

    def _uids(self, client: IMAPClient, after: Position) -> list[int]:
        """The mails behind a position; `n:*` names the last one, too, where there is none behind (RFC 9051, 6.4.4)."""
        if after.uid:
            return sorted(uid for uid in client.search(["UID", f"{after.uid + 1}:*"]) if uid > after.uid)
        since: date = (self._clock.now() - BEFORE).date()
        return sorted(client.search(["SINCE", since]))

    @contextmanager
    def _connected(self) -> Iterator[IMAPClient]:
        """A connection that is logged in, for as long as `READ_WITHIN_S`; every failure closes it."""
        watch = threading.Timer(READ_WITHIN_S, self._hang_up)
        watch.daemon = True
        watch.start()
        try:
            if self._client is None:
                self._client = self._opened()
            yield self._client
        except LoginError as error:
            self.close()
            raise MailboxUnreadable("the mail server refuses TOCSIN_MAILBOX_URL's user or password") from error
        except (IMAPClientError, OSError, ValueError) as error:
            self.close()
            raise MailboxUnreadable(f"the mailbox cannot be read ({type(error).__name__})") from error
        finally:
            watch.cancel()

    def _opened(self) -> IMAPClient:
        server = self._server
        timeout = SocketTimeout(connect=CONNECTED_WITHIN_S, read=ANSWERED_WITHIN_S)
        tls = server.security == "imaps"
        trust = self._trust if tls else None
        client = IMAPClient(server.host, server.port, ssl=tls, ssl_context=trust, timeout=timeout)
        self._client = client  # from now on a deadline can hang up
        if server.security == "imap+starttls":
            client.starttls(self._trust)
        client.login(server.user, server.password)
        return client

    def _hang_up(self) -> None:
        client = self._client
        if client is not None:
            with suppress(OSError, IMAPClientError, AttributeError):  # it was closed by itself
                socket.socket.shutdown(client.socket(), socket.SHUT_RDWR)


def _number(answer: Mapping[bytes, Any], name: bytes) -> int:
    value = answer.get(name)
    return value if isinstance(value, int) else 0


def _body(fetched: Mapping[bytes, Any]) -> bytes:
    """The mail's bytes; none where the server left it out, for it was removed meanwhile."""
    return next((value for name, value in fetched.items() if name.startswith(b"BODY[]") and value), b"")
