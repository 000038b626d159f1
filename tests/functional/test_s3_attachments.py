"""Files that a notification names in S3: below one folder alone, looked at when named, and carried by its emails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from aiosmtpd.controller import Controller

from service.core.clock import HandClock
from service.messages.attachment_rules import MAX_ATTACHMENT_SIZE
from tests.aws import Environment, free_port
from tests.functional.backends import embedded
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_attachments import TEXT, files_of
from tests.functional.test_leaving import Mailbox
from tests.functional.test_notifications import JOHN, Desk

PDF = bytes(range(256)) * 2_000


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def desk(aws: Environment, mailbox: Mailbox, tmp_path: Path) -> Iterator[Desk]:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="letters")
    for key, content in {
        "mails/menu.pdf": PDF,
        "mails/large.pdf": bytes(MAX_ATTACHMENT_SIZE + 1),
        "mails/setup.exe": PDF,
        "mails2/menu.pdf": PDF,
        "secret.pdf": PDF,
    }.items():
        s3.put_object(Bucket="letters", Key=key, Body=content, ContentType="application/pdf")
    port = free_port()
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    settings = {"smtp_url": f"smtp://127.0.0.1:{port}", "attachments": "s3://letters/mails/"}
    service = embedded(tmp_path)(HandClock(NOON), rules_dir=few_rules(tmp_path), **settings)
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("all", JOHN)
    yield desk
    server.stop()
    service.store.close()


def faults(desk: Desk, *places: str) -> list[tuple[object, object]]:
    reply = desk.api.client.post("/v1/notifications", {"text": TEXT, "audience": "all", "attachments": places})
    if reply.status == 202:
        return []
    assert reply.status == 422, reply.text
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    return [(error["path"], error["message"]) for error in errors]


def test_emails_carry_a_file_of_s3(desk: Desk, mailbox: Mailbox) -> None:
    sent = desk.sends(text=TEXT, audience="all", attachments=["s3://letters/mails/menu.pdf"])
    desk.works(5)
    assert desk.counts(sent) == {"accepted": 1}
    (mail,) = mailbox.mails
    assert files_of(mail)["menu.pdf"] == ("application/pdf", PDF)


@pytest.mark.parametrize(
    "place",
    [
        "s3://letters/secret.pdf",
        "s3://letters/mails2/menu.pdf",
        "s3://letters/mails",
        "s3://letters/mails/../secret.pdf",
        "s3://letters/mails//menu.pdf",
        "s3://other/mails/menu.pdf",
        "s3://letters/mails/none.pdf",
        "s3://letters/mails/large.pdf",
        "s3://letters/mails/setup.exe",
        "s3://",
    ],
)
def test_any_other_place_is_refused(desk: Desk, place: str) -> None:
    assert [path for path, _ in faults(desk, place)] == ["attachments[0]"]


def test_a_file_that_is_gone_fails_the_copy_and_says_so(desk: Desk, mailbox: Mailbox) -> None:
    sent = desk.sends(text=TEXT, audience="all", attachments=["s3://letters/mails/menu.pdf"])
    boto3.client("s3").delete_object(Bucket="letters", Key="mails/menu.pdf")
    desk.works(5)
    assert desk.counts(sent) == {"failed": 1}
    assert not mailbox.mails
