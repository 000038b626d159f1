"""Email over SMTP (RFC 5321), to any server that `TOCSIN_SMTP_URL` names."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from service.channels import Accepted, Email, Outcome, Reason, Refused, Unknown
from service.channels.email import INTERNATIONAL, PLAIN, Unaddressable, compose
from service.clock import Clock
from service.errors import TocsinError

_GOODBYE_S = 1.0
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class BadSmtpUrl(TocsinError):
    """`TOCSIN_SMTP_URL` cannot be read."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `security` is `smtp` (none), `smtp+starttls` or `smtps` (TLS from the first byte)."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = field(default="", repr=False)


def parse_smtp_url(url: str) -> SmtpServer:
    """The server that `smtp+starttls://user:password@host:587` names; `BadSmtpUrl` says what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BadSmtpUrl(
            "TOCSIN_SMTP_URL must be smtp://host, smtp+starttls://host or smtps://host, with :port if need be"
        )
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise BadSmtpUrl("TOCSIN_SMTP_URL names a port that is not a number from 1 to 65535") from None
    return SmtpServer(parts.hostname, port, parts.scheme, unquote(parts.username or ""), unquote(parts.password or ""))


class SmtpChannel:
    """Hands emails to a server, one connection each.

    Until the server has been given the text, nothing can have been sent: every failure before that is a refusal.
    Afterwards a broken connection is `Unknown`. Each answer is waited for `timeout`; the text is begun while that is
    left of `within`, and then has the rest of it: servers look into a letter before they take it (RFC 5321, 4.5.3.2.6).
    """

    def __init__(
        self,
        server: SmtpServer,
        sender: Address,
        clock: Clock,
        *,
        timeout: timedelta,
        within: timedelta,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._timeout = timeout.total_seconds()
        self._within = within.total_seconds()
        self._trust = trust or ssl.create_default_context()

    def send(self, email: Email, /) -> Outcome:
        """Hand one email to the server."""
        try:
            message = compose(email, self._sender, self._clock.now())
        except Unaddressable as error:
            return Refused(Reason.ADDRESS, str(error))
        over_at = time.monotonic() + self._within
        try:
            with self._connection(over_at) as connection:
                return self._envelope(connection, message) or self._hand_over(connection, message, over_at)
        except smtplib.SMTPAuthenticationError as error:
            return Refused(
                Reason.ACCOUNT, f"the mail server refuses TOCSIN_SMTP_URL's user or password ({error.smtp_code})"
            )
        except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
            return Refused(Reason.ACCOUNT, f"the mail server does not offer what TOCSIN_SMTP_URL asks for: {error}")
        except (smtplib.SMTPException, OSError) as error:
            return Refused(Reason.PROVIDER, f"the mail server does not answer as it should ({type(error).__name__})")

    @contextmanager
    def _connection(self, over_at: float) -> Iterator[smtplib.SMTP]:
        connection = self._open()
        with closing(connection), _cut_off(connection, over_at):
            if self._server.security == "smtp+starttls":
                connection.starttls(context=self._trust)
            connection.ehlo_or_helo_if_needed()
            if self._server.user:
                connection.login(self._server.user, self._server.password)
            yield connection
            _part(connection)

    def _open(self) -> smtplib.SMTP:
        server = self._server
        if server.security == "smtps":
            return smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout, context=self._trust)
        return smtplib.SMTP(server.host, server.port, timeout=self._timeout)

    def _envelope(self, connection: smtplib.SMTP, message: EmailMessage) -> Refused | None:
        """Say from whom and to whom; None when the server agrees."""
        (recipient,) = message["To"].addresses
        options: list[str] = []
        if not recipient.addr_spec.isascii():
            if not connection.has_extn("smtputf8"):
                return Refused(Reason.ADDRESS, "the mail server cannot take an address with letters outside ASCII")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        code, reply = connection.mail(self._sender.addr_spec, options)
        if code != 250:
            return _refusal(code, reply, "MAIL FROM", Reason.ACCOUNT)
        code, reply = connection.rcpt(recipient.addr_spec)
        return None if code in {250, 251} else _refusal(code, reply, "RCPT TO", Reason.ADDRESS)

    def _hand_over(self, connection: smtplib.SMTP, message: EmailMessage, over_at: float) -> Outcome:
        left = over_at - time.monotonic()
        if left < self._timeout:
            return Refused(Reason.PROVIDER, "the mail server took too long to be ready for the message")
        _wait_at_most(connection, left)
        international = not message["To"].addresses[0].addr_spec.isascii()
        try:
            code, reply = connection.data(message.as_bytes(policy=INTERNATIONAL if international else PLAIN))
        except smtplib.SMTPDataError as error:  # refused before the text was asked for
            return _refusal(error.smtp_code, error.smtp_error, "DATA", Reason.CONTENT)
        except (smtplib.SMTPException, OSError) as error:
            return Unknown(f"the connection broke while the server had the message ({type(error).__name__})")
        if code == 250:
            return Accepted(message["Message-ID"].strip("<>"))
        if not 400 <= code < 600:  # also what is left of an answer that was cut off
            return Unknown(f"the mail server answered {code} when it had the message")
        return _refusal(code, reply, "the text", Reason.CONTENT)


def _wait_at_most(connection: smtplib.SMTP, seconds: float) -> None:
    if connection.sock is not None:
        connection.sock.settimeout(seconds)


@contextmanager
def _cut_off(connection: smtplib.SMTP, at: float) -> Iterator[None]:
    """Break the connection at that time whatever is going on: a timeout of the socket begins anew with each byte."""
    timer = threading.Timer(max(0.0, at - time.monotonic()), _hang_up, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: smtplib.SMTP) -> None:
    if connection.sock is not None:
        with suppress(OSError):  # it was closed by itself
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # not TLS's own, which another thread is using


def _part(connection: smtplib.SMTP) -> None:
    try:
        _wait_at_most(connection, _GOODBYE_S)
        connection.quit()
    except (smtplib.SMTPException, OSError):
        return  # the message's fate was settled before; how the server says goodbye changes nothing


def _refusal(code: int, reply: bytes | str, stage: str, permanent: Reason) -> Refused:
    """A refusal by its codes alone: the server's words often repeat the address."""
    words = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    status = re.match(r"[245]\.\d{1,3}\.\d{1,3}", words)
    detail = f"the mail server answered {code} {status.group() if status else ''}".rstrip() + f" to {stage}"
    return Refused(Reason.PROVIDER if code < 500 else permanent, detail)
