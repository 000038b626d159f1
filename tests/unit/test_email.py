"""Emails as MIME, and handed to a real SMTP server on loopback that takes, refuses, breaks off or stays silent."""

from __future__ import annotations

import email
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd import smtp as aiosmtpd
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from service.channels import Accepted, Email, Outcome, Reason, Reference, Refused, Unknown
from service.channels.email import PLAIN, Unaddressable, compose, header_text, parse_sender
from service.channels.smtp import BadSmtpUrl, SmtpChannel, SmtpServer, parse_smtp_url
from service.core.clock import HandClock
from service.core.language_tags import parse_tag

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
SENDER = Address("Tocsin", "alerts", "tocsin.example")
LETTER = Email(
    to="mary@example.com",
    subject="Neues auf der Speisekarte",
    html="<p>Grüße, <b>Mary</b></p>",
    text="Grüße, Mary\n",
    language=parse_tag("de"),
    reference=Reference("n1-000002", 1),
)


def read_back(message: EmailMessage) -> EmailMessage:
    """The message as its receiver parses it from the bytes on the wire."""
    parsed = email.message_from_bytes(message.as_bytes(), policy=SMTP)
    assert isinstance(parsed, EmailMessage)
    return parsed


def sent(letter: Email) -> EmailMessage:
    return read_back(compose(letter, SENDER, NOON))


def test_a_letter_says_the_same_as_text_and_as_html_in_its_language() -> None:
    message = sent(LETTER)
    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (plain.get_content_type(), plain.get_content()) == ("text/plain", "Grüße, Mary\r\n")
    assert (html.get_content_type(), html.get_content()) == ("text/html", "<p>Grüße, <b>Mary</b></p>\r\n")
    assert message["Content-Language"] == "de"
    assert message["Subject"] == "Neues auf der Speisekarte"
    assert message["From"] == "Tocsin <alerts@tocsin.example>"
    assert message["To"] == "mary@example.com"
    assert message["Message-ID"] == "<n1-000002.1@tocsin.example>"
    assert message["Date"].datetime == NOON
    assert message["Auto-Submitted"] == "auto-generated"


def test_bulk_mail_can_be_left_with_one_click_and_other_mail_has_no_such_header() -> None:
    bulk = sent(structs.replace(LETTER, unsubscribe_url="https://tocsin.example/u/abc"))
    assert bulk["List-Unsubscribe"] == "<https://tocsin.example/u/abc>"
    assert bulk["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "List-Unsubscribe" not in sent(LETTER)


NAMES = ["From", "To", "Subject", "Date", "Message-ID", "Content-Language", "Auto-Submitted", "MIME-Version"]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_no_subject_can_add_a_header_or_end_them(subject: str) -> None:
    message = sent(structs.replace(LETTER, subject=f"{subject}\r\nBcc: everyone@example.com\r\n\r\nbody"))
    assert sorted(message.keys()) == sorted([*NAMES, "Content-Type"])
    assert "\n" not in message["Subject"]


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_address_can_add_a_header_or_a_second_reader(before: str, after: str) -> None:
    try:
        message = sent(structs.replace(LETTER, to=f"{before}\r\nBcc: x@example.com, {after}@example.com"))
    except Unaddressable:
        return
    assert sorted(message.keys()) == sorted([*NAMES, "Content-Type"])
    assert len(message["To"].addresses) == 1


def test_a_domain_in_another_script_is_written_as_dns_knows_it() -> None:
    assert sent(structs.replace(LETTER, to="mary@bücher.example"))["To"].addresses[0].domain == "xn--bcher-kva.example"


NO_ADDRESSES = ["", "mary", "@example.com", "mary@", "mary@exa mple.com", "mary@-x-.example", "a@b\n.c"]


@pytest.mark.parametrize("to", NO_ADDRESSES)
def test_an_address_that_is_none_is_refused_without_being_repeated(to: str) -> None:
    with pytest.raises(Unaddressable) as refused:
        compose(structs.replace(LETTER, to=to), SENDER, NOON)
    assert len(to) < 5 or to not in str(refused.value)


def test_long_lines_are_folded_for_the_wire() -> None:
    letter = structs.replace(LETTER, html=f"<p>{'ä' * 5000}</p>", text="x" * 5000, subject="ä" * 400)
    raw = compose(letter, SENDER, NOON).as_bytes()
    assert max(map(len, raw.split(b"\r\n"))) < 998
    assert sent(letter)["Subject"] == "ä" * 254 + "…"


def test_the_sender_is_one_address_with_a_domain() -> None:
    assert parse_sender("Tocsin <alerts@tocsin.example>") == SENDER
    assert parse_sender("alerts@tocsin.example").addr_spec == SENDER.addr_spec
    assert str(parse_sender("Acme Inc. <alerts@tocsin.example>")) == '"Acme Inc." <alerts@tocsin.example>'
    assert parse_sender('"Tocsin @ Work" <alerts@tocsin.example>').display_name == "Tocsin @ Work"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tocsin",
        "alerts",
        "To<",
        "Tocsin <>",
        "@b.example",
        "a@b.example, c@d.example",
        "a@b.example\r\nBcc: x@y.example",
        "Tocsin @ Work <alerts@example.com>",
        "Tocsin <alerts@example.com",
        "Tocsin <alerts@example.com> and more",
        "To\0csin <alerts@example.com>",
        "al\0erts@example.com",
        "ä@example.com",
        "on call@example.com",
        "a@b..example",
        "a@-b.example",
        "group: a@b.example;",
        "a@exa mple.com",
    ],
)
def test_a_sender_that_can_be_read_in_several_ways_or_none_is_refused_in_our_words(text: str) -> None:
    with pytest.raises(Unaddressable, match="write it like Tocsin"):
        parse_sender(text)


@given(st.text(st.sampled_from('aä<>@"\\ .,:;()[]\0\r\n\t=?é—'), max_size=12) | st.text(max_size=30))
def test_any_text_is_a_sender_whose_header_can_be_written_or_is_refused(text: str) -> None:
    with suppress(Unaddressable):
        sender = parse_sender(text)
        assert sender.addr_spec.isascii()
        raw = compose(LETTER, sender, NOON).as_bytes()
        read = email.message_from_bytes(raw, policy=SMTP)["From"]
        assert [each.addr_spec for each in read.addresses] == [sender.addr_spec]
        assert header_text(sender).isascii()


def test_a_senders_domain_may_be_in_any_script_and_is_written_in_ascii() -> None:
    sender = parse_sender("Tocsin <alerts@münchen.example>")
    assert str(sender) == "Tocsin <alerts@xn--mnchen-3ya.example>"
    raw = compose(LETTER, sender, NOON).as_bytes()
    assert b"From: Tocsin <alerts@xn--mnchen-3ya.example>" in raw
    assert header_text(parse_sender("Bürgertelefon <a@münchen.example>")).endswith("<a@xn--mnchen-3ya.example>")


@pytest.mark.parametrize(
    ("url", "one_click"),
    [("https://t.example/u/1", True), ("http://127.0.0.1:8080/u/1", True), ("http://t.example/u/1", False)],
)
def test_one_click_is_offered_where_the_link_cannot_be_read_on_the_way(url: str, one_click: bool) -> None:
    mail = compose(structs.replace(LETTER, unsubscribe_url=url), SENDER, NOON)
    assert mail["List-Unsubscribe"] == f"<{url}>"
    assert ("List-Unsubscribe-Post" in mail) is one_click


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 25, "smtp")),
        ("smtps://mail.example", SmtpServer("mail.example", 465, "smtps")),
        ("smtp+starttls://u%40x:p%2Fw@[::1]:2525", SmtpServer("::1", 2525, "smtp+starttls", "u@x", "p/w")),
    ],
)
def test_a_mail_server_is_named_by_url(url: str, server: SmtpServer) -> None:
    assert parse_smtp_url(url) == server
    assert "p/w" not in repr(parse_smtp_url(url))


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:25",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:none",
        "smtp://[::1",
        "smtp://u:p#q@mail.example",
        "smtp://a b",
    ],
)
def test_a_mail_servers_url_that_cannot_be_read_says_what_to_write(url: str) -> None:
    with pytest.raises(BadSmtpUrl, match=r"must be smtp://|names a port|must end behind"):
        parse_smtp_url(url)


@dataclass
class Mailbox:
    """What a real server was given, and what it is told to answer."""

    mail_answer: str = "250 OK"
    rcpt_answer: str = "250 OK"
    data_answer: str = "250 OK"
    break_off_after_data: bool = False
    letters: list[tuple[str, EmailMessage]] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's interface)
        self, _server: aiosmtpd.SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.mail_answer

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's interface)
        self, _server: aiosmtpd.SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(  # noqa: N802 (aiosmtpd's interface)
        self, server: aiosmtpd.SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        parsed = email.message_from_bytes(content, policy=SMTP)
        assert isinstance(parsed, EmailMessage)
        self.letters.append((envelope.rcpt_tos[0], parsed))
        if self.break_off_after_data:
            assert server.transport is not None
            server.transport.close()
        return self.data_answer


@dataclass(frozen=True)
class Running:
    """A server that listens, and a way to send to it."""

    mailbox: Mailbox
    port: int

    def channel(self, security: str = "smtp", trust: ssl.SSLContext | None = None, **login: str) -> SmtpChannel:
        server = SmtpServer("localhost", self.port, security, **login)
        return SmtpChannel(
            server, SENDER, HandClock(NOON), timeout=timedelta(seconds=2), within=timedelta(seconds=6), trust=trust
        )

    def send(self, letter: Email = LETTER) -> Outcome:
        return self.channel().send(letter)


Listen = Callable[..., AbstractContextManager[Running]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def listening(**options: Any) -> Iterator[Running]:
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="localhost", port=free_port(), **options)
    controller.start()
    try:
        yield Running(mailbox, controller.port)
    finally:
        controller.stop()


@pytest.fixture(name="server")
def _server() -> Iterator[Running]:
    with listening() as running:
        yield running


def test_a_real_server_gets_the_letter_and_its_id_is_answered(server: Running) -> None:
    assert server.send() == Accepted("n1-000002.1@tocsin.example")
    ((to, letter),) = server.mailbox.letters
    assert to == "mary@example.com"
    assert letter["Subject"] == LETTER.subject
    body = letter.get_body(("html",))
    assert body is not None
    assert "Grüße" in body.get_content()


@pytest.mark.parametrize(
    ("answers", "reason", "permanent"),
    [
        ({"rcpt_answer": "550 5.1.1 mary@example.com: no such user"}, Reason.ADDRESS, True),
        ({"rcpt_answer": "450 4.2.1 mailbox busy"}, Reason.LATER, False),
        ({"rcpt_answer": "451 4.7.1 greylisted"}, Reason.LATER, False),
        ({"rcpt_answer": "452 4.2.2 mailbox full"}, Reason.LATER, False),
        ({"rcpt_answer": "421 4.7.28 unusual rate"}, Reason.THROTTLED, False),
        ({"rcpt_answer": "451 4.3.0 local error"}, Reason.PROVIDER, False),
        ({"mail_answer": "450 4.7.1 too much mail"}, Reason.THROTTLED, False),
        ({"mail_answer": "452 4.5.3 slow down"}, Reason.THROTTLED, False),
        ({"mail_answer": "550 5.7.1 sender not verified"}, Reason.ACCOUNT, False),
        ({"mail_answer": "451 4.3.0 try later"}, Reason.PROVIDER, False),
        ({"data_answer": "554 5.6.0 looks like spam"}, Reason.CONTENT, True),
        ({"data_answer": "452 4.3.1 disk full"}, Reason.THROTTLED, False),
    ],
)
def test_a_refusal_says_why_whether_to_try_again_and_repeats_no_address(
    answers: dict[str, str], reason: Reason, permanent: bool, server: Running
) -> None:
    for name, answer in answers.items():
        setattr(server.mailbox, name, answer)
    outcome = server.send()
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.permanent) == (reason, permanent)
    assert next(iter(answers.values())).split()[1] in outcome.detail
    assert "mary" not in outcome.detail


def test_a_connection_that_breaks_after_the_text_leaves_its_fate_unknown(server: Running) -> None:
    server.mailbox.break_off_after_data = True
    assert isinstance(server.send(), Unknown)
    assert len(server.mailbox.letters) == 1


def test_nobody_listening_is_a_failure_of_the_moment() -> None:
    outcome = Running(Mailbox(), free_port()).send()
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.permanent) == (Reason.PROVIDER, False)


@dataclass
class Slow:
    """A server that answers each command with the next line, `after` so many seconds; see `a_server_that_says`."""

    port: int
    commands: list[bytes] = field(default_factory=list)


@contextmanager
def a_server_that_says(
    *lines: bytes, after: float = 0, drips: float | None = None, hangs_up: bool = False
) -> Iterator[Slow]:
    """Answers each command with the next line, then nothing more: it keeps the connection and stays silent.

    With `drips` it says a letter in so many seconds instead, and never comes to an end; or it `hangs_up`.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over, slow = threading.Event(), Slow(listener.getsockname()[1])

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):  # the other side may hang up at any time
                for line in lines:
                    over.wait(after)
                    connection.sendall(line + b"\r\n")
                    slow.commands.append(connection.recv(65536))
                while drips is not None and not over.wait(drips):
                    connection.sendall(b"2")
                over.wait(0 if hangs_up else 10)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield slow
        finally:
            over.set()
            thread.join()


ANSWER, LETTER_WITHIN = 0.6, 2.0


def impatient(port: int) -> SmtpChannel:
    server = SmtpServer("127.0.0.1", port, "smtp")
    timeout, within = timedelta(seconds=ANSWER), timedelta(seconds=LETTER_WITHIN)
    return SmtpChannel(server, SENDER, HandClock(NOON), timeout=timeout, within=within)


def test_a_server_that_falls_silent_before_the_text_has_not_taken_it() -> None:
    with a_server_that_says(b"220 hello", b"250 hello", b"250 sender ok") as server:
        outcome = impatient(server.port).send(LETTER)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.PROVIDER


def test_a_server_that_falls_silent_after_the_text_may_have_taken_it() -> None:
    with a_server_that_says(b"220 hello", b"250 hello", b"250 ok", b"250 ok", b"354 go on") as server:
        assert isinstance(impatient(server.port).send(LETTER), Unknown)


def test_a_server_may_look_into_the_text_for_as_long_as_a_letter_may_take() -> None:
    ready = (b"220 hello", b"250 hello", b"250 ok", b"250 ok", b"354 go on", b"250 taken")
    with a_server_that_says(*ready) as server:
        assert isinstance(impatient(server.port).send(LETTER), Accepted)
    with a_server_that_says(*ready[:5], after=0, drips=ANSWER * 1.5) as server:
        began = time.monotonic()
        assert isinstance(impatient(server.port).send(LETTER), Unknown)
        assert time.monotonic() - began > LETTER_WITHIN * 0.9, "given up only then"


def test_a_server_that_is_ready_too_late_is_given_no_text() -> None:
    """Each of its answers comes in time: all of them together do not."""
    lines = (b"220 hello", b"250 hello", b"250 ok", b"250 ok", b"354 go on", b"250 taken")
    with a_server_that_says(*lines, after=ANSWER * 0.6) as server:
        outcome = impatient(server.port).send(LETTER)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.permanent) == (Reason.PROVIDER, False)
    assert not any(command.startswith(b"MIME") for command in server.commands)


@pytest.mark.parametrize("lines", [(), (b"220 hello",), (b"220 hello", *3 * (b"250 ok",), b"354 go on")], ids=len)
def test_a_server_that_answers_byte_by_byte_is_left_when_the_time_of_the_letter_is_over(lines: Sequence[bytes]) -> None:
    with a_server_that_says(*lines, drips=ANSWER / 10) as server:
        began = time.monotonic()
        outcome = impatient(server.port).send(LETTER)
        took = time.monotonic() - began
    assert isinstance(outcome, Unknown if lines[1:] else Refused)
    assert took < 10 * LETTER_WITHIN, "it would have gone on for ever"


def test_a_name_that_is_looked_up_for_too_long_costs_no_more_than_a_letter_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()

    def looked_up(*_: object, **__: object) -> list[object]:
        over.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    outcome = impatient(25).send(LETTER)
    over.set()
    assert isinstance(outcome, Refused)
    assert "took too long" in outcome.detail


def test_a_server_that_hangs_up_before_it_wants_the_text_has_not_taken_it() -> None:
    with a_server_that_says(b"220 hello", b"250 hello", b"250 ok", b"250 ok", hangs_up=True) as server:
        outcome = impatient(server.port).send(LETTER)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.permanent) == (Reason.PROVIDER, False)
    assert server.commands[-1] == b"DATA\r\n"


def test_a_text_keeps_its_dots_and_ends_where_it_ends(server: Running) -> None:
    text = ".\r\n..two\r\n.one\r\nplain.\r\n."
    assert isinstance(server.send(structs.replace(LETTER, text=text)), Accepted)
    body = server.mailbox.letters[0][1].get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == text.splitlines()


def test_an_address_outside_ascii_needs_a_server_that_takes_it() -> None:
    letter = structs.replace(LETTER, to="märy@example.com")
    with listening(enable_SMTPUTF8=True) as modern:
        assert isinstance(modern.send(letter), Accepted)
        assert modern.mailbox.letters[0][0] == "märy@example.com"
    with listening(enable_SMTPUTF8=False) as old:
        outcome = old.send(letter)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.ADDRESS


@dataclass(frozen=True)
class Certificate:
    """A certificate for localhost, signed by itself, and both sides' view of it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder: Path = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(signed.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return Certificate(server, ssl.create_default_context(cafile=str(folder / "cert.pem")))


def test_starttls_and_a_login_are_used_and_an_unknown_certificate_is_refused(certificate: Certificate) -> None:
    def check(
        server: aiosmtpd.SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=login == LoginPassword(b"tocsin", b"right"), handled=False)

    with listening(
        tls_context=certificate.server, require_starttls=True, authenticator=check, auth_required=True
    ) as server:
        outcomes = [
            server.channel("smtp+starttls", certificate.client, user="tocsin", password="right").send(LETTER),
            server.channel("smtp+starttls", certificate.client, user="tocsin", password="wrong").send(LETTER),
            server.channel("smtp+starttls", None, user="tocsin", password="right").send(LETTER),
            server.channel("smtp").send(LETTER),
        ]
    accepted, wrong_password, unknown_certificate, no_tls = outcomes
    assert isinstance(accepted, Accepted)
    assert len(server.mailbox.letters) == 1
    for refused, reason in (
        (wrong_password, Reason.ACCESS),
        (unknown_certificate, Reason.ACCOUNT),
        (no_tls, Reason.ACCOUNT),
    ):
        assert isinstance(refused, Refused)
        assert refused.reason is reason
        assert "wrong" not in refused.detail


def test_tls_from_the_first_byte(certificate: Certificate) -> None:
    with listening(ssl_context=certificate.server) as server:
        assert isinstance(server.channel("smtps", certificate.client).send(LETTER), Accepted)
        refused = server.channel("smtps").send(LETTER)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.ACCOUNT


def test_subjects_and_names_are_folded_as_rfc_2047_says_and_nothing_is_eight_bit() -> None:
    subject = "Wichtige Änderung: " + "Gerichte für Gäste, " * 4 + "お知らせ" * 15
    letter = structs.replace(LETTER, subject=subject, text="Grüße", unsubscribe_url=f"https://x.example/u/{'a' * 300}")
    raw = compose(letter, Address("Größe und Söhne", "a", "example.com"), NOON).as_bytes(policy=PLAIN)
    assert raw.isascii()
    assert max(map(len, re.findall(rb"=\?[^\s?]+\?[bq]\?[^\s?]*\?=", raw))) <= 75
    heads = [line for line in raw.split(b"\r\n\r\n")[0].split(b"\r\n") if b"=?" in line]
    assert max(map(len, heads)) <= 76
    assert email.message_from_bytes(raw, policy=SMTP)["Subject"] == subject
