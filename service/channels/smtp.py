"""Email over SMTP (RFC 5321), to any server that `TOCSIN_SMTP_URL` names."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from functools import cache
from urllib.parse import unquote, urlsplit

from service.channels.email import INTERNATIONAL, PLAIN, Unaddressable, compose
from service.channels.email.statuses import is_gone
from service.channels.mail_tokens import MailTokens
from service.channels.message import Accepted, Email, Outcome, Reason, Refused, Unknown
from service.core import Clock, TocsinError, is_host

_GOODBYE_S = 1.0
LATER = timedelta(minutes=1)
"""When a letter is tried again that a mailbox puts off. Those that put off strangers want minutes to pass."""

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
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadSmtpUrl("names a port that is not a number from 1 to 65535, or a host that cannot be") from None
    if parts.scheme not in _PORTS or not parts.hostname or not is_host(parts.hostname):
        raise BadSmtpUrl(
            "must be smtp://host, smtp+starttls://host or smtps://host, with user:password@ before and :port behind"
        )
    if port == 0 or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise BadSmtpUrl(
            "must end behind the host and port; write @, :, / and % of a password as %40, %3A, %2F and %25"
        )
    port = port or _PORTS[parts.scheme]
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
        tokens: MailTokens | None = None,
    ) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._timeout = timeout.total_seconds()
        self._within = within.total_seconds()
        self._trust = trust or ssl.create_default_context()
        self._tokens = tokens

    def send(self, email: Email, /) -> Outcome:
        """Hand one email to the server.

        A thread of its own talks: names are looked up, addresses tried and handshakes made without a timeout for all of
        them, and that of a socket begins anew with each byte.
        """
        try:
            stamp = None if self._tokens is None else self._tokens.stamped(email.reference)
            message = compose(email, self._sender, self._clock.now(), stamp)
        except Unaddressable as error:
            return Refused(Reason.ADDRESS, str(error))
        letter = _Letter(over_at=time.monotonic() + self._within, for_the_text=self._timeout)
        try:
            threading.Thread(target=self._talk, args=(letter, message), daemon=True).start()
        except RuntimeError:
            return Refused(Reason.PROVIDER, "this machine can start no more threads")
        return letter.outcome(self._within)

    def look(self) -> Refused | None:
        """Connect, introduce ourselves, log in and part, without sending: what stands in the way; None if nothing."""
        met: Future[Refused | None] = Future()
        threading.Thread(target=self._meet, args=(met,), daemon=True).start()
        wait([met], self._within)
        return met.result() if met.done() else _failure(_TooLate())

    def _meet(self, met: Future[Refused | None]) -> None:
        try:
            with self._connection() as connection:
                code, reply = connection.noop()
                met.set_result(None if code == 250 else _refusal(code, reply, "NOOP", Reason.ACCOUNT))
                _part(connection)
        except (smtplib.SMTPException, OSError) as error:
            if not met.done():
                met.set_result(_failure(error))

    def _talk(self, letter: _Letter, message: EmailMessage) -> None:
        try:
            with self._connection() as connection:
                letter.connection = connection
                letter.said.set_result(self._envelope(connection, message) or _hand_over(connection, message, letter))
                _part(connection)
        except (smtplib.SMTPException, OSError) as error:
            if not letter.said.done():  # else it is the end of the connection that failed
                letter.said.set_result(_failure(error))
        except Exception as error:  # noqa: BLE001  (raised where the outcome is waited for)
            letter.said.set_exception(error)

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        with closing(self._open()) as connection:
            if self._server.security == "smtp+starttls":
                connection.starttls(context=self._trust)
            connection.ehlo_or_helo_if_needed()
            if self._server.user:
                connection.login(self._server.user, self._server.password)
            yield connection

    def _open(self) -> smtplib.SMTP:
        server, name, timeout = self._server, _our_name(), self._timeout
        if server.security == "smtps":
            return smtplib.SMTP_SSL(server.host, server.port, name, timeout=timeout, context=self._trust)
        return smtplib.SMTP(server.host, server.port, name, timeout=timeout)

    def _envelope(self, connection: smtplib.SMTP, message: EmailMessage) -> Refused | None:
        """Say from whom and to whom; None when the server agrees."""
        (recipient,) = message["To"].addresses
        options: list[str] = []
        if not recipient.addr_spec.isascii():
            if not connection.has_extn("smtputf8"):
                return Refused(Reason.ADDRESS, "the mail server cannot take an address with letters outside ASCII")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        if connection.has_extn("dsn"):  # a report then names the message, even one that returns nothing of it
            options += ["RET=HDRS", f"ENVID={message['Message-ID'].strip('<>')}"]
        code, reply = connection.mail(self._sender.addr_spec, options)
        if code != 250:
            return _refusal(code, reply, "MAIL FROM", Reason.ACCOUNT)
        code, reply = connection.rcpt(recipient.addr_spec)
        return None if code in {250, 251} else _refusal(code, reply, "RCPT TO", Reason.ADDRESS)


@cache
def _our_name() -> str:
    """What we say we are called: looked up once, which may take seconds, and by smtplib for each connection."""
    return smtplib.SMTP().local_hostname


class _Letter:
    """A letter that one thread talks about, while another waits for as long as it may take."""

    def __init__(self, over_at: float, for_the_text: float) -> None:
        self.said: Future[Outcome] = Future()
        self.connection: smtplib.SMTP | None = None
        self._over_at = over_at
        self._for_the_text = for_the_text
        self._lock = threading.Lock()
        self._text_begun = False
        self._given_up = False

    def begin_text(self) -> float:
        """The seconds that are left for the text, which may have been taken from now on; `_TooLate`."""
        with self._lock:
            left = self._over_at - time.monotonic()
            if self._given_up or left < self._for_the_text:
                raise _TooLate
            self._text_begun = True
            return left

    def outcome(self, within: float) -> Outcome:
        """What became of it, at the latest after so many seconds."""
        wait([self.said], within)
        return self.said.result() if self.said.done() else self._give_up()

    def _give_up(self) -> Outcome:
        with self._lock:
            self._given_up = True
        _hang_up(self.connection)
        if self._text_begun:
            return Unknown("the mail server had the message and did not say in time whether it takes it")
        return _failure(_TooLate())


class _TooLate(smtplib.SMTPException):
    """The server was not ready for the text in time."""


def _hand_over(connection: smtplib.SMTP, message: EmailMessage, letter: _Letter) -> Outcome:
    code, reply = connection.docmd("DATA")
    if code != 354:
        return _refusal(code, reply, "DATA", Reason.CONTENT)
    left = letter.begin_text()
    try:
        _wait_at_most(connection, left)
        connection.send(_as_data(message))
        code, reply = connection.getreply()
    except (smtplib.SMTPException, OSError) as error:
        return Unknown(f"the connection broke while the server had the message ({type(error).__name__})")
    if code == 250:
        return Accepted(message["Message-ID"].strip("<>"))
    if not 400 <= code < 600:  # also what is left of an answer that was cut off
        return Unknown(f"the mail server answered {code} when it had the message")
    return _refusal(code, reply, "the text", Reason.CONTENT)


def _as_data(message: EmailMessage) -> bytes:
    """The text with its dots doubled and its end marked (RFC 5321, 4.5.2)."""
    international = not message["To"].addresses[0].addr_spec.isascii()
    text = message.as_bytes(policy=INTERNATIONAL if international else PLAIN)
    return re.sub(rb"(?m)^\.", b"..", text).removesuffix(b"\r\n") + b"\r\n.\r\n"


def _wait_at_most(connection: smtplib.SMTP, seconds: float) -> None:
    if connection.sock is not None:
        connection.sock.settimeout(seconds)


def _hang_up(connection: smtplib.SMTP | None) -> None:
    sock = connection.sock if connection is not None else None
    if sock is not None:
        with suppress(OSError):  # it was closed by itself
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not TLS's own, which another thread is using


def _failure(error: smtplib.SMTPException | OSError) -> Refused:
    """What an error means that came before the text."""
    match error:
        case smtplib.SMTPAuthenticationError(smtp_code=code) if code >= 500:
            refused = f"the mail server refuses TOCSIN_SMTP_URL's user or password ({code})"
            return Refused(Reason.ACCESS, refused)
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=reply) if 400 <= code < 500:
            return _refusal(code, reply, "the connection", Reason.ACCOUNT)
        case _TooLate():
            return Refused(Reason.PROVIDER, "the mail server took too long to be ready for the message")
        case smtplib.SMTPNotSupportedError() | ssl.SSLCertVerificationError():
            lacks = f"the mail server does not offer what TOCSIN_SMTP_URL asks for: {error}"
            return Refused(Reason.ACCOUNT, lacks)
        case _:
            return Refused(Reason.PROVIDER, f"the mail server does not answer as it should ({type(error).__name__})")


def _part(connection: smtplib.SMTP) -> None:
    try:
        _wait_at_most(connection, _GOODBYE_S)
        connection.quit()
    except (smtplib.SMTPException, OSError):
        return  # the message's fate was settled before; how the server says goodbye changes nothing


def _refusal(code: int, reply: bytes | str, stage: str, permanent: Reason) -> Refused:
    """A refusal by its codes alone: the server's words often repeat the address."""
    words = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    match = re.match(r"[245]\.\d{1,3}\.\d{1,3}", words)
    status = match.group() if match else ""
    detail = f"the mail server answered {code} {status}".rstrip() + f" to {stage}"
    if code >= 500:
        return Refused(permanent, detail, gone=permanent is Reason.ADDRESS and is_gone(status))
    reason = _for_now(code, status, permanent)
    return Refused(reason, detail, LATER if reason is Reason.LATER else timedelta(0), untried=reason is Reason.LATER)


def _for_now(code: int, status: str, permanent: Reason) -> Reason:
    """What a 4xx means: that we are too many, that this reader is to be tried later, or that the server has a fault.

    421, 450 and 452 are how servers keep senders to a rate (RFC 5321, 4.2.2 and 4.3.2). About a reader or a text, 450,
    x.2.x and x.7.x are how they put off full mailboxes and strangers (RFC 3463; RFC 6647).
    """
    is_of_the_reader = permanent is not Reason.ACCOUNT and code != 421
    if is_of_the_reader and (code == 450 or status.startswith(("4.2.", "4.7."))):
        return Reason.LATER
    return Reason.THROTTLED if code in {421, 450, 452} or status.startswith("4.7.") else Reason.PROVIDER
