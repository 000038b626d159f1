"""Reviewers are told of held messages; apps are told how their notification ended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask.testing import FlaskClient

from service.core.clock import HandClock
from service.messages.pace import NotAPace, parse_pace
from tests.aws import free_port
from tests.functional.backends import Install
from tests.functional.client import InProcess
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import JOHN, Desk
from tests.loopback import serving

REPEATED_ON_AWS = False


@dataclass
class Hook:
    """An app's own server: what it was told."""

    port: int = 0
    told: list[dict[str, object]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    with serving(Handler) as hook.port:
        yield hook


@pytest.fixture
def desk(install: Install, tmp_path: Path) -> Desk:
    settings = {"reviewers": "ann@example.com, ben@example.com", "loopback_callbacks": True}
    service = install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml"), **settings)
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("john", JOHN)
    return desk


def test_every_reviewer_is_told_what_is_held_and_why(desk: Desk) -> None:
    held = desk.sends(text="We are adding a dish; be ready for it", audience="john")
    desk.works(1)
    letters = desk.outbox()
    assert {letter.to for letter in letters} == {"ann@example.com", "ben@example.com"}
    assert all("be ready for it" in letter.text and held in letter.text for letter in letters)


@pytest.fixture
def public_desk(install: Install, tmp_path: Path) -> Desk:
    settings = {"reviewers": "ann@example.com", "public_url": "https://tocsin.example.com"}
    service = install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml"), **settings)
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("john", JOHN)
    return desk


def browser_of(desk: Desk) -> FlaskClient:
    line = desk.api.client.line
    assert isinstance(line, InProcess)
    return line.app.test_client()


def link_in_the_mail(desk: Desk) -> str:
    """The path of the link that the reviewer was sent."""
    desk.works(1)
    (letter,) = [each for each in desk.outbox() if each.to == "ann@example.com"]
    found = re.search(r"https://tocsin\.example\.com(/r/[\w.-]+)", letter.text)
    assert found
    return found[1]


@pytest.mark.parametrize(("decision", "status"), [("approve", "completed"), ("reject", "rejected")])
def test_a_reviewer_decides_from_the_mail_without_signing_in(public_desk: Desk, decision: str, status: str) -> None:
    held = public_desk.sends(text="We are adding a dish; be ready for it", audience="john")
    path, browser = link_in_the_mail(public_desk), browser_of(public_desk)
    page = browser.get(path).text
    assert "be ready for it" in page
    assert "Send it" in page
    assert public_desk.status(held) == "held_for_review"  # opening the link decides nothing
    assert "Reviewer 1 decided so" in browser.post(path, data={"decision": decision}).text
    public_desk.works(2)
    assert public_desk.status(held) == status
    other = "reject" if decision == "approve" else "approve"
    assert "Reviewer 1 decided so" in browser.post(path, data={"decision": other}).text
    assert public_desk.status(held) == status


def test_a_changed_or_old_review_link_decides_nothing(public_desk: Desk) -> None:
    held = public_desk.sends(text="We are adding a dish; be ready for it", audience="john")
    path, browser = link_in_the_mail(public_desk), browser_of(public_desk)
    assert browser.post(path[:-1] + ("A" if path[-1] != "A" else "B"), data={"decision": "approve"}).status_code == 404
    public_desk.api.clock.advance(timedelta(days=8))
    assert browser.post(path, data={"decision": "approve"}).status_code == 404
    assert public_desk.status(held) == "held_for_review"


def test_the_app_is_told_how_it_ended(desk: Desk, hook: Hook) -> None:
    url = f"http://127.0.0.1:{hook.port}/done"
    sent = desk.sends(text="The warehouse is closed on Monday.", audience="john", callback_url=url)
    desk.works(2)
    (told,) = hook.told
    assert (told["notification_id"], told["status"]) == (sent, "completed")
    assert told["counts"] == {"accepted": 1}


def test_the_app_is_told_of_a_rejection_too(desk: Desk, hook: Hook) -> None:
    url = f"http://127.0.0.1:{hook.port}/done"
    sent = desk.sends(text="We are adding a dish; be ready for it", audience="john", callback_url=url)
    desk.works(1)
    desk.review(sent, "reject")
    desk.works(1)
    assert [told["status"] for told in hook.told] == ["rejected"]


def test_one_person_gets_no_more_than_the_limit_and_the_rest_later(install: Install, tmp_path: Path) -> None:
    clock = HandClock(NOON)
    service = install(clock, rules_dir=few_rules(tmp_path), recipient_limit="2/h")
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("john", JOHN)
    sent = [desk.sends(text=f"The warehouse is closed on day {day}.", audience="john") for day in (1, 2, 3)]
    desk.works(2)
    assert len(desk.outbox()) == 2
    clock.advance(timedelta(minutes=31))
    desk.works(4)
    assert len(desk.outbox()) == 3
    assert [desk.status(one) for one in sent] == ["completed"] * 3


@dataclass
class Room(Sink):
    """A mail server's: so often it says that it is busy, then it takes everything."""

    busy: int = 0

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's interface)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        self.busy -= 1
        return "450 4.2.1 busy" if self.busy >= 0 else "250 OK"


@dataclass(frozen=True)
class MailServer:
    """A real one."""

    address: str
    room: Room


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    port, room = free_port(), Room()
    server = Controller(room, hostname="127.0.0.1", port=port)
    server.start()
    yield MailServer(f"smtp://127.0.0.1:{port}", room)
    server.stop()


def test_nobody_pays_two_places_for_one_message_where_a_rate_lets_them_go_one_after_the_other(
    install: Install, tmp_path: Path, mail_server: MailServer
) -> None:
    clock, rates = HandClock(NOON), {"recipient_limit": "1/h", "email_rate": 1, "smtp_url": mail_server.address}
    service = install(clock, rules_dir=few_rules(tmp_path), **rates)
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("all", *[{**JOHN, "user_id": f"p{n}", "email": f"p{n}@example.com"} for n in range(12)])
    first = desk.sends(text="The warehouse is closed on Monday.", audience="all")
    desk.works(30)
    second = desk.sends(text="The warehouse is closed on Friday.", audience="all")
    desk.works(30)
    assert (desk.counts(first), desk.counts(second)) == ({"accepted": 12}, {"pending": 12})
    clock.advance(timedelta(hours=1))
    desk.works(60)
    assert desk.counts(second) == {"accepted": 12}


def test_a_message_that_was_not_taken_at_once_costs_its_reader_no_second_place(
    install: Install, tmp_path: Path, mail_server: MailServer
) -> None:
    service = install(
        HandClock(NOON), rules_dir=few_rules(tmp_path), recipient_limit="1/h", smtp_url=mail_server.address
    )
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("john", JOHN)
    mail_server.room.busy = 2
    sent = desk.sends(text="The warehouse is closed on Monday.", audience="john")
    desk.works(180)  # a minute for each time that the mailbox is busy
    assert desk.counts(sent) == {"accepted": 1}


@pytest.mark.parametrize("text", ["", "20", "0/h", "20/w", "many"])
def test_what_names_no_limit_is_told_how_to_write_it(text: str) -> None:
    with pytest.raises(NotAPace, match="20/h"):
        parse_pace(text)
