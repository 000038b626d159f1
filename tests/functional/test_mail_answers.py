"""Pages that are mailed, and what comes back to a real mailbox: answers, machines' words, delivery reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from service.channels.email.mailbox.imap import MailboxUnreadable
from service.channels.email.mailbox.reader import MailboxReader
from service.core.clock import HandClock
from tests.aws import free_port
from tests.functional.backends import Install
from tests.functional.conftest import NOON, api_of
from tests.functional.incident_room import Room
from tests.imap_server import ImapServer, imap_server

REPEATED_ON_AWS = False

PEOPLE = {
    "ann": {"first_name": "Ann", "email": "ann@example.com", "language": "en", "preference": "email"},
    "ben": {"first_name": "Ben", "email": "ben@example.com", "language": "de", "preference": "email"},
}


@dataclass
class MailServer:
    """Takes every mail and keeps it."""

    mails: list[Message] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's interface)
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  (aiosmtpd's interface)
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[ImapServer]:
    with imap_server() as server:
        yield server


@dataclass
class Post:
    """An installation that mails by SMTP and reads a mailbox by IMAP, and the people who write to it."""

    room: Room
    server: MailServer
    mailbox: ImapServer
    reader: MailboxReader

    def to(self, address: str) -> list[Message]:
        return [mail for mail in self.server.mails if address in str(mail["To"])]

    def arrives(self, mail: Message) -> None:
        self.mailbox.arrives(mail.as_bytes())
        self.reader.read()
        self.room.works()


@pytest.fixture
def start(install: Install, dovecot: ImapServer) -> Iterator[Callable[..., Post]]:
    port, server = free_port(), MailServer()
    smtp = Controller(server, hostname="127.0.0.1", port=port)
    smtp.start()

    def start(reply_to: str | None = "replies+{token}@example.com") -> Post:
        given = {} if reply_to is None else {"reply_to": reply_to}
        service = install(
            HandClock(NOON),
            smtp_url=f"smtp://127.0.0.1:{port}",
            mail_from="Example Ltd <replies@example.com>",
            mailbox_url=dovecot.url,
            outbox_channels="sms,voice",
            **given,
        )
        reader = service.escalation.mailbox()
        assert reader is not None
        reader.read()  # what an earlier test left is nobody's
        room = Room(api_of(service))
        for name, profile in PEOPLE.items():
            assert room.api.client.call("PUT", f"/v1/recipients/{name}", json=profile).status in (200, 201)
        return Post(room, server, dovecot, reader)

    yield start
    smtp.stop()


def answer(page: Message, text: str, *, by: str = "ann@example.com", **headers: str) -> EmailMessage:
    """What a mail program makes of an answer that is written above the quoted page."""
    mail = EmailMessage(policy=policy.SMTP.clone(max_line_length=990))
    mail["From"], mail["To"] = by, str(page["Reply-To"] or page["From"])
    mail["Subject"] = f"Re: {page['Subject']}"
    mail["Message-ID"] = f"<{abs(hash((text, str(page['Message-ID']), by)))}@mail.example.com>"
    mail["In-Reply-To"] = str(page["Message-ID"])
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    quoted = "\n".join(f"> {line}" for line in plain(page).splitlines())
    mail.set_content(f"{text}\n\nOn Sun, 10 May 2026 at 12:00, Example Ltd\n<{mail['To']}> wrote:\n\n{quoted}\n")
    return mail


def plain(mail: Message) -> str:
    part = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def opened(post: Post) -> tuple[str, Message]:
    """An incident and its page, mailed to the first contact."""
    contacts = [{"recipient": name} for name in PEOPLE]
    incident = post.room.opens(description="Essay 3 is due", contacts=contacts, policy="assignment")
    return incident, post.to("ann@example.com")[-1]


@pytest.mark.parametrize("reply_to", ["replies+{token}@example.com", "replies@example.com"])
def test_a_mailed_yes_acknowledges_and_is_thanked_by_mail(start: Callable[..., Post], reply_to: str) -> None:
    post = start(reply_to)
    incident, page = opened(post)
    post.arrives(answer(page, "Yes\n\nKind regards\nAnn"))
    assert post.room.state(incident) == "acknowledged"
    assert post.room.read(incident)["acknowledged_by"] == "Ann"
    assert "Thank you" in plain(post.to("ann@example.com")[-1])
    assert words_of(post, incident) == ["Yes Kind regards"]


def words_of(post: Post, incident: str) -> list[object]:
    """What people wrote, as the timeline keeps it."""
    lines = post.room.read(incident)["timeline"]
    assert isinstance(lines, list)
    return [line["words"] for line in lines if "words" in line]


def test_a_mail_that_leans_to_yes_keeps_its_words_and_gives_its_writer_one_more_wait(
    start: Callable[..., Post],
) -> None:
    post = start()
    incident, page = opened(post)
    due = post.room.read(incident)["next_timer_at"]
    post.room.api.clock.advance(timedelta(hours=3))
    post.arrives(answer(page, "I handed it in at the office, she has it"))
    assert post.room.read(incident)["next_timer_at"] == due, "nothing in it leans to yes"
    post.arrives(answer(page, "Yes, once the printer works"))
    assert post.room.read(incident)["next_timer_at"] == "2026-05-11T15:00:00.000000Z", "a day from now"
    assert words_of(post, incident) == ["I handed it in at the office, she has it", "Yes, once the printer works"]
    assert "Ann leans to yes and has one more wait" in post.room.timeline(incident)


def test_an_automatic_answer_by_its_words_is_asked_nothing(start: Callable[..., Post]) -> None:
    post = start()
    incident, page = opened(post)
    before = len(post.server.mails)
    post.arrives(answer(page, "Automatic reply: I am out of the office until Monday."))
    assert (post.room.state(incident), len(post.server.mails)) == ("open", before)
    assert "Ann wrote what is no clear answer by email: an automatic answer" in post.room.timeline(incident)


def test_a_mailed_no_asks_the_next_person(start: Callable[..., Post]) -> None:
    post = start()
    incident, page = opened(post)
    post.arrives(answer(page, "No, sorry"))
    assert post.room.state(incident) == "open"
    assert len(post.to("ben@example.com")) == 1


def test_what_is_no_clear_answer_is_asked_about_once(start: Callable[..., Post]) -> None:
    post = start()
    incident, page = opened(post)
    before = len(post.to("ann@example.com"))
    post.arrives(answer(page, "Maybe tomorrow, let me see"))
    post.arrives(answer(page, "I think Ben should do it"))
    assert post.room.state(incident) == "open"
    asked = post.to("ann@example.com")[before:]
    assert ["could not be read" in plain(mail) for mail in asked] == [True]
    post.arrives(answer(asked[0], "yes"))
    assert post.room.state(incident) == "open", "the question's own token is that of no page"
    post.arrives(answer(page, "yes"))
    assert post.room.state(incident) == "acknowledged"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied (vacation)"},
        {"Precedence": "bulk"},
        {"X_Auto_Response_Suppress": "All"},
        {"X_Autoreply": "yes"},
        {"Return_Path": "<>"},
        {"List_Id": "<staff.example.com>"},
    ],
)
def test_what_a_machine_wrote_never_answers(start: Callable[..., Post], headers: dict[str, str]) -> None:
    post = start()
    incident, page = opened(post)
    before = len(post.server.mails)
    post.arrives(answer(page, "Yes", **headers))
    assert post.room.state(incident) == "open"
    assert len(post.server.mails) == before


def test_a_from_line_proves_nothing(start: Callable[..., Post]) -> None:
    post = start()
    incident, page = opened(post)
    forged = EmailMessage()
    forged["From"], forged["To"] = "ann@example.com", "replies+aaaaaaaaaaaaaaaaaaaaaaaaaa@example.com"
    forged["In-Reply-To"] = f"<aaaaaaaaaaaaaaaaaaaaaaaaaa.1.message-{incident}-000001@example.com>"
    forged["Subject"] = f"Re: {page['Subject']}"
    forged.set_content("Yes")
    post.arrives(forged)
    assert post.room.state(incident) == "open"
    post.arrives(answer(page, "Yes", by="ann.private@example.org"))
    assert post.room.state(incident) == "acknowledged", "whoever holds the page's token may answer from any address"


def report(page: Message, action: str, status: str, *, to: str = "ann@example.com", named: bool = True) -> Message:
    """A delivery report as Postfix writes it (RFC 3464)."""
    returned = f"Message-ID: {page['Message-ID']}\r\n" if named else "Message-ID: <other@example.com>\r\n"
    return message_from_bytes(
        (
            "From: MAILER-DAEMON@example.com\r\nTo: replies@example.com\r\nSubject: Undelivered Mail\r\n"
            f"Message-ID: <{action}-{status}-{named}-{to}@mx.example.com>\r\nAuto-Submitted: auto-replied\r\n"
            "MIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            "--b\r\nContent-Type: text/plain\r\n\r\nI'm sorry to have to inform you\r\n"
            "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
            f"Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: {status}\r\n"
            "Diagnostic-Code: smtp; 550 no such user\r\n\r\n"
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{returned}Subject: x\r\n\r\n--b--\r\n"
        ).encode()
    )


def test_a_report_that_the_mailbox_is_gone_goes_on_to_the_next_and_is_remembered(start: Callable[..., Post]) -> None:
    post = start()
    incident, page = opened(post)
    post.arrives(report(page, "failed", "5.1.1"))
    assert next(mail["status"] for mail in post.room.messages(incident)) == "failed"
    assert len(post.to("ben@example.com")) == 1
    again, _ = opened(post)
    assert len(post.to("ben@example.com")) == 2, "Ann's address is not written to any more"
    assert "Ann cannot be reached by email: this mailbox takes no messages" in post.room.timeline(again)


@pytest.mark.parametrize(
    ("action", "status", "to", "named"),
    [
        ("failed", "5.1.1", "ann@example.com", False),  # of a mail of somebody else
        ("failed", "5.1.1", "boss@example.com", True),  # names an address that the mail did not go to
        ("failed", "5.2.2", "ann@example.com", True),  # the mailbox is full
        ("failed", "5.7.1", "ann@example.com", True),  # a rule of theirs
        ("delayed", "4.4.7", "ann@example.com", True),
        ("relayed", "2.0.0", "ann@example.com", True),
    ],
)
def test_other_reports_end_nobodys_mail(
    start: Callable[..., Post], action: str, status: str, to: str, named: bool
) -> None:
    post = start()
    _, page = opened(post)
    post.arrives(report(page, action, status, to=to, named=named))
    register = post.room.api.service.messaging.opt_outs
    assert not register.of_email("ann@example.com")
    assert not register.of_email(to)


def test_mail_that_cannot_be_read_holds_up_no_other(start: Callable[..., Post]) -> None:
    post = start()
    incident, page = opened(post)
    nested = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(3000))
    for raw in (b"", b"\0\xff\xfe", b"Content-Type: text/plain; charset=zip\n\nYes", nested.encode()):
        post.mailbox.arrives(raw)
    post.arrives(answer(page, "yes"))
    assert post.room.state(incident) == "acknowledged"


def test_the_mailbox_is_read_by_one_process_at_a_time_and_goes_on_where_it_was(start: Callable[..., Post]) -> None:
    post = start()
    incident, page = opened(post)
    other = post.room.api.service.escalation.mailbox()
    assert other is not None
    post.mailbox.arrives(answer(page, "yes").as_bytes())
    other.read()
    assert post.room.state(incident) == "open", "it is not the other's turn"
    post.room.api.clock.advance(timedelta(minutes=3))
    other.read()
    assert post.room.state(incident) == "acknowledged"


def test_mails_that_are_numbered_anew_are_read_again_and_change_nothing(start: Callable[..., Post]) -> None:
    post = start()
    incident, page = opened(post)
    post.arrives(answer(page, "No"))
    assert len(post.to("ben@example.com")) == 1
    post.mailbox.numbers_anew()
    with suppress(MailboxUnreadable):
        post.reader.read()  # the connection is of the old numbering
    post.reader.read()
    post.room.works()
    assert (post.room.state(incident), len(post.to("ben@example.com"))) == ("open", 1)


def test_a_mailed_page_says_how_it_is_answered_and_never_what_to_send_where_nobody_reads(install: Install) -> None:
    room = Room(api_of(install(HandClock(NOON), public_url="https://tocsin.example")))
    for name, profile in PEOPLE.items():
        room.api.client.call("PUT", f"/v1/recipients/{name}", json=profile)
    room.opens(policy="approval", description="4 laptops", contacts=[{"recipient": name} for name in PEOPLE])
    (page,) = room.entries("ann@example.com")
    assert "Reply YES" not in page.text
    assert "Do you approve?" in page.text
    assert "Answer: yes or no: https://tocsin.example/a/" in page.text
    assert "Answers to this email are not read." in page.text
    room.waits(60 * 60 * 4 + 60)
    german = next(entry for entry in room.entries("ben@example.com") if "Antworten: ja oder nein" in entry.text)
    assert (german.language, "Genehmigen Sie das?" in german.text) == ("de", True)


def test_a_mailed_page_that_can_be_answered_by_mail_says_so(start: Callable[..., Post]) -> None:
    _, page = opened(start())
    assert "Answer this email with YES or NO." in plain(page)
    assert "Is it handed in?" in plain(page)


@pytest.mark.parametrize(
    ("refusal", "why"), [("550 5.1.1 no such user", ["bounce"]), ("550 5.7.1 not allowed", []), ("552 5.2.2 full", [])]
)
def test_a_mailbox_that_the_server_says_is_gone_is_not_asked_again(
    start: Callable[..., Post], refusal: str, why: list[str]
) -> None:
    post = start()
    post.server.refusals["ann@example.com"] = refusal
    contacts = [{"recipient": name} for name in PEOPLE]
    post.room.opens(description="Essay 3 is due", contacts=contacts, policy="assignment")
    register = post.room.api.service.messaging.opt_outs
    assert [str(each.why) for each in register.of_email("ann@example.com")] == why
    assert len(post.to("ben@example.com")) == 1
