"""Files that emails carry: uploaded, sent, counted, and gone after a month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.message import Message
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from service.core.clock import HandClock, timestamp
from service.core.enums import Scope
from service.messages import attachment_quota
from service.messages.attachment_rules import MAX_ATTACHMENT_SIZE
from tests.aws import free_port
from tests.functional.backends import Install
from tests.functional.client import Reply
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_leaving import Mailbox
from tests.functional.test_notifications import JOHN, MARY, Desk

REPEATED_ON_AWS = False

TEXT = "The menu of next week is attached."
PDF = bytes(range(256)) * 3_000
"""768,000 bytes: four parts."""


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def desk(install: Install, mailbox: Mailbox, tmp_path: Path) -> Iterator[Desk]:
    port = free_port()
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    service = install(HandClock(NOON), rules_dir=few_rules(tmp_path), smtp_url=f"smtp://127.0.0.1:{port}")
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("all", JOHN, {**MARY, "language": "en"})
    yield desk
    server.stop()


def uploads(desk: Desk, content: bytes = PDF, query: str = "name=menu.pdf") -> Reply:
    headers = {"Content-Type": "application/octet-stream"}
    return desk.api.client.call("POST", f"/v1/attachments?{query}", body=content, headers=headers)


def file_id(desk: Desk, content: bytes = PDF, query: str = "name=menu.pdf") -> str:
    reply = uploads(desk, content, query)
    assert reply.status == 201, reply.text
    return str(reply.json()["attachment_id"])


def files_of(mail: Message) -> dict[str | None, tuple[str, object]]:
    return {part.get_filename(): (part.get_content_type(), part.get_payload(decode=True)) for part in mail.walk()}


def test_an_email_carries_the_files_and_an_sms_goes_without(desk: Desk, mailbox: Mailbox) -> None:
    names = [file_id(desk), file_id(desk, b"a;b\r\n", "name=Preise%20%26%20mehr.csv&type=text/csv")]
    sent = desk.sends(text=TEXT, audience="all", attachments=names)
    desk.works(5)
    assert desk.counts(sent) == {"accepted": 2}
    (mail,) = mailbox.mails
    files = files_of(mail)
    assert files["menu.pdf"] == ("application/pdf", PDF)
    assert files["Preise & mehr.csv"] == ("text/csv", b"a;b\r\n")
    assert TEXT in mail.as_string()
    assert [entry.text for entry in desk.outbox()] == [TEXT], "the SMS"


def refused(desk: Desk, **body: object) -> list[object]:
    reply = desk.api.client.post("/v1/notifications", {"text": TEXT, "recipients": ["ui101"], **body})
    assert reply.status == 422
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    return [error["path"] for error in errors]


def test_files_that_are_unknown_strange_old_or_too_large_together_are_refused(desk: Desk) -> None:
    own = file_id(desk)
    assert refused(desk, attachments=["attachment-nothing"]) == ["attachments[0]"]
    other = desk.api.client_with(Scope.NOTIFY)
    of_another = other.post("/v1/notifications", {"text": TEXT, "recipients": ["ui101"], "attachments": [own]})
    assert of_another.status == 422
    late = timestamp(NOON + timedelta(days=29, hours=12))
    assert refused(desk, attachments=[own], send_at=late) == ["attachments[0]"]
    large = [file_id(desk, bytes(MAX_ATTACHMENT_SIZE // 2)) for _ in range(2)]
    assert refused(desk, attachments=[own, *large]) == ["attachments[2]"]
    assert refused(desk, attachments=[own] * 11) == ["attachments"]
    desk.api.clock.advance(timedelta(days=31))
    assert refused(desk, attachments=[own]) == ["attachments[0]"]


@pytest.mark.parametrize(
    ("content", "query"),
    [
        (b"", "name=menu.pdf"),
        (b"x", "name=../menu.pdf"),
        (b"x", "name=menu"),
        (b"x", "name=menu.pdf&type=multipart/mixed"),
        (b"x", "name=menu.pdf&type=a%0d%0ab"),
        (b"x", f"name=menu.pdf&type=application/{'x' * 70}"),
        (b"x", "name=setup.EXE"),
        (b"x", "name=setup.exe."),
        (b"x", "name=setup.exe%20"),
    ],
)
def test_a_file_that_no_mail_can_carry_is_refused(desk: Desk, content: bytes, query: str) -> None:
    refused = uploads(desk, content, query)
    assert refused.status == 422
    errors = refused.json()["errors"]
    assert isinstance(errors, list)
    assert [each["path"] for each in errors] == ["type" if "type=" in query else "name" if content else "body"]


def test_a_file_that_is_too_large_is_refused(desk: Desk) -> None:
    assert uploads(desk, bytes(MAX_ATTACHMENT_SIZE + 1)).status == 413


def test_an_app_has_a_quota_that_ages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachment_quota, "QUOTA", 2 * len(PDF))
    assert [uploads(desk).status for _ in range(3)] == [201, 201, 422]
    desk.api.clock.advance(timedelta(days=31))
    assert uploads(desk).status == 201
