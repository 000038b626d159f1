"""Bulk mail carries a link by which its reader leaves (RFC 8058)."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Sink

from service.core.clock import HandClock
from tests.aws import free_port
from tests.functional.backends import Install
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import JOHN, Desk


class Mailbox(Sink):
    """A mail server that keeps what it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Message] = []

    def handle_message(self, message: Message) -> None:
        """Keep one."""
        self.mails.append(message)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def desk(install: Install, mailbox: Mailbox, tmp_path: Path) -> Iterator[Desk]:
    port = free_port()
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    settings = {"smtp_url": f"smtp://127.0.0.1:{port}", "public_url": "https://tocsin.example"}
    service = install(HandClock(NOON), rules_dir=few_rules(tmp_path), **settings)
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("john", JOHN)
    yield desk
    server.stop()


def test_one_click_ends_the_mail_and_opening_the_link_does_not(desk: Desk, mailbox: Mailbox) -> None:
    desk.sends(text="The warehouse is closed on Monday.", audience="john")
    desk.works(2)
    (mail,) = mailbox.mails
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = str(mail["List-Unsubscribe"]).strip("<>").removeprefix("https://tocsin.example")
    anybody = desk.api.client.with_key(None)

    assert "Do you want to stop newsletters" in anybody.get(path).text
    assert desk.counts(_again(desk)) == {"accepted": 1}

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert anybody.call("POST", path, body="List-Unsubscribe=One-Click", headers=form).status == 200
    assert desk.counts(_again(desk)) == {"suppressed": 1}
    assert len(mailbox.mails) == 2


def test_a_link_that_we_did_not_sign_ends_nothing(desk: Desk) -> None:
    assert desk.api.client.with_key(None).call("POST", "/u/InVpMTAxIg.forged", body="").status == 403
    assert desk.counts(_again(desk)) == {"accepted": 1}


def test_transactional_mail_offers_no_leaving(desk: Desk, mailbox: Mailbox) -> None:
    desk.sends(text="The warehouse is closed on Monday.", audience="john", lane="transactional")
    desk.works(2)
    assert mailbox.mails[0]["List-Unsubscribe"] is None


def _again(desk: Desk) -> str:
    sent = desk.sends(text="The warehouse is open on Tuesday.", audience="john")
    desk.works(2)
    return sent
