"""Mails as programs really write them: what their writer said, and who wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels import Reference
from service.channels.email.mailbox import BouncedRecipient, parse_mail
from service.channels.email.mailbox.server import BadImapUrl, parse_imap_url
from service.channels.mail_tokens import MailTokens, ReplyAddress
from service.core.secrets import Keyring
from service.replies.cut import without_quotes

TOKENS = MailTokens(Keyring((b"new" * 11, b"old" * 11)))

QUOTED = [
    "Yes\n\nOn Mon, 30 Nov 2026 at 14:02, Example Ltd <replies@example.com> wrote:\n\n> Reply NO",  # Gmail
    "Yes\n\nOn Mon, 30 Nov 2026 at 14:02, Example Ltd <replies+a@example.com>\nwrote:\n\n> NO",  # Gmail, a long address
    "Yes\n\nOn Mon, 30 Nov 2026 at 14:02, Example Ltd\n<replies@example.com> wrote:\n\n> NO",
    "Yes\n\n> On 30 Nov 2026, at 14:02, Example Ltd wrote:\n> NO\n",  # Apple
    "Yes\n\nFrom: Example Ltd <replies@example.com>\nSent: Monday 14:02\nTo: Ann\nSubject: x\n\nNO",  # Outlook
    "Yes\n________________________________\nFrom: Example <replies@example.com>\nSent: today\nTo: Ann\nSubject: x\nNO",
    "Yes\n\nVon: Example <replies@example.com>\nGesendet: Montag, 30. November 2026\nAn: Jörg\nBetreff: x\n\nNEIN",
    "Yes\n\n*De :* Example <replies@example.com>\n*Envoyé :* lundi 30 novembre\n*À :* Ann\n*Objet :* x\n\nNON",
    "Yes\n\nAm Mo., 30. Nov. 2026 um 14:02 Uhr schrieb Example <replies@example.com>:\n\n> NEIN",
    "Yes\n\nLe lun. 30 nov. 2026 à 14:02, Example <replies@example.com> a\nécrit :\n\n> NON",
    "Yes\n\nEl lun, 30 nov 2026 a las 14:02, Example (<replies@example.com>)\nescribió:\n\n> NO",
    "Yes\n\nпн, 30 нояб. 2026 г. в 14:02, Example <replies@example.com>:\n\n> NO",
    "Yes\n\n2026年11月30日(月) 14:02 Example <replies@example.com>:\n\n> NO",
    "Yes\n\nExample <replies@example.com> 于2026年11月30日周一 14:02写道：\n\n> NO",
    "Yes\n-- \nAnn Example\nHead of No",
    "Yes\n-----Original Message-----\nNO",
]


@pytest.mark.parametrize("text", QUOTED)
def test_what_a_mail_program_quotes_is_cut(text: str) -> None:
    assert without_quotes(text).strip() == "Yes"


@pytest.mark.parametrize(
    "text",
    [
        "Yes\nbut only at 9:30: I am asleep",
        "No: ask Ben\nhe wrote the code",
        "Note: one\nTwo: three\nyes: no",
        "--\n",
    ],
)
def test_what_a_person_wrote_stays(text: str) -> None:
    assert without_quotes(text) == (text if text != "--\n" else "")


def html(body: str) -> bytes:
    return f"From: a@example.com\nContent-Type: text/html; charset=utf-8\n\n<html><body>{body}</body></html>".encode()


@pytest.mark.parametrize(
    "body",
    [
        '<div dir="ltr">Ja, mach ich</div><div class="gmail_quote"><div class="gmail_attr">Am</div>'
        "<blockquote>NEIN</blockquote></div>",
        '<p>Ja, mach ich</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>Von:</b></div><div>NEIN</div>',
        "<style>p{}</style><p>Ja, mach ich</p><blockquote type=cite>NEIN</blockquote><script>NEIN</script>",
        '<p>Ja, mach ich</p><div class="moz-cite-prefix">Am 30.11.</div><blockquote>NEIN</blockquote>',
    ],
)
def test_an_html_mail_says_what_stands_above_its_quotes(body: str) -> None:
    assert parse_mail(html(body)).text.strip() == "Ja, mach ich"


@pytest.mark.parametrize(
    "body",
    [
        "<div style='padding-left:9999em'><div style='padding-left: 9999em'>" + "Yes<br>" * 2_000,
        "<p style='margin-top:99999999em'>Yes</p>" * 50,
        "<table><tr><td>" + "wide " * 2_000 + "</td></tr>" + "<tr><td>Yes<td>41" * 2_000 + "</table>",
    ],
    ids=["padding", "margin", "table"],
)
def test_the_layout_of_a_mail_makes_its_text_no_longer_than_the_mail(body: str) -> None:
    text = parse_mail(html(body)).text
    assert "Yes" in text
    assert len(text) < len(body)


def test_what_a_mail_hides_is_no_answer_and_a_table_is_read_row_by_row() -> None:
    said = "<table><tr><td>No</td><td>41</td></tr></table><div style='color: red; DISPLAY : none'>Yes</div>bye"
    assert parse_mail(html(said)).text.split() == ["No", "41", "bye"]


def test_the_first_plain_text_counts_before_html_and_attachments_are_no_text() -> None:
    mail = (
        b"From: a@example.com\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nNO\n"
        b"--b\nContent-Type: multipart/alternative; boundary=c\n\n"
        b"--c\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nS=ED\n"
        b"--c\nContent-Type: text/html\n\n<p>NO</p>\n--c--\n--b--\n"
    )
    assert parse_mail(mail).text.strip() == "Sí"


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@mx.example.com", "No <no-reply@example.com>", "postmaster@x.org"])
def test_robots_are_known_by_their_names_too(sender: str) -> None:
    assert parse_mail(f"From: {sender}\n\nYes".encode()).automatic
    assert not parse_mail(b"From: Mona Reply <mona.reply@example.com>\nAuto-Submitted: no\n\nYes").automatic


def test_a_report_that_somebody_read_a_mail_is_none_about_delivery() -> None:
    read = parse_mail(
        b'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\n\n--b\n\nread\n--b--\n'
    )
    assert (read.automatic, read.report) == (True, None)


def test_a_report_names_the_mail_by_the_envelope_or_by_what_it_returns() -> None:
    mail = parse_mail(
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        b"--b\nContent-Type: message/delivery-status\n\nOriginal-Envelope-Id: env@example.com\nReporting-MTA: x\n\n"
        b"Original-Recipient: rfc822;Ann@example.com\nFinal-Recipient: rfc822; a@inner.example\nAction: Failed\n"
        b"Status: 5.1.1 (unknown)\n\n"
        b"--b\nContent-Type: message/rfc822\n\nMessage-ID: <own@example.com>\n\ntext\n--b--\n"
    )
    assert mail.report is not None
    assert mail.report.message_ids == ("env@example.com", "own@example.com")
    assert mail.report.recipients == (BouncedRecipient("Ann@example.com", "failed", "5.1.1"),)


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    parse_mail(raw)
    parse_mail(b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n" + raw)
    parse_mail(b"Content-Type: text/html\n\n" + raw)


@given(st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=1, max_size=90))
def test_a_token_is_of_one_message_whatever_the_capitals_and_survives_a_rotation(delivery: str) -> None:
    stamp = TOKENS.stamped(Reference(delivery, 3))
    assert TOKENS.read([f"{stamp}@example.com"]) == Reference(delivery, 3)
    assert TOKENS.read(["x@y", f"{stamp}x@example.com"]) is None
    older = MailTokens(Keyring((b"old" * 11,)))
    assert TOKENS.is_of(older.of(delivery).upper(), delivery)
    assert not MailTokens(Keyring((b"else" * 9,))).is_of(TOKENS.of(delivery), delivery)


def test_an_address_for_answers_stays_within_a_local_part() -> None:
    address = ReplyAddress("replies+{token}@example.com", TOKENS).of("message-x-000001")
    assert len(address.partition("@")[0]) <= 64
    assert ReplyAddress("replies@example.com", TOKENS).of("message-x-000001") == "replies@example.com"


def test_a_mailbox_is_named_by_a_url() -> None:
    server = parse_imap_url("imaps://ann%40example.com:p%2Fw@mail.example.com/Answers%20here")
    assert (server.user, server.password, server.port, server.folder) == ("ann@example.com", "p/w", 993, "Answers here")
    assert parse_imap_url("imap+starttls://a:b@mail.example.com:1430").port == 1430


@pytest.mark.parametrize(
    "url",
    ["mail.example.com", "imaps://mail.example.com", "pop3://a:b@c", "imaps://a:b@host:99999", "imaps://a:b@h/x?y"],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(BadImapUrl):
        parse_imap_url(url)
