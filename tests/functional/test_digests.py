"""What one template says to one person within its window arrives as one message."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from service.core.clock import HandClock
from service.core.enums import Channel, Lane
from service.core.records import to_state
from service.messages.optouts import OptOutReason
from service.notify.digests import Digest, digest_id
from service.notify.model import DeliveryStatus, DigestPiece
from service.notify.receipts import NotificationReceipt
from service.storage import Item
from tests.aws import free_port
from tests.functional.backends import Install
from tests.functional.client import ROOT
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_leaving import Mailbox
from tests.functional.test_notifications import JOHN, MARY, Desk

REPEATED_ON_AWS = False

Open = Callable[..., Desk]


@pytest.fixture
def desk(opened: Open) -> Desk:
    return opened()


@pytest.fixture
def opened(install: Install, tmp_path: Path) -> Open:
    """An installation with settings of the test's own, in which builds are told in digests of five minutes."""
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    (templates / "build-status").mkdir()
    (templates / "build-status" / "sms.txt").write_text("Build {{ number }} failed.")
    (templates / "build-status" / "email.subject.txt").write_text("Build {{ number }} failed")
    (templates / "build-status" / "template.yaml").write_text("digest: 5m\n")

    def opened(**settings: object) -> Desk:
        service = install(HandClock(NOON), rules_dir=few_rules(tmp_path), templates_dir=templates, **settings)
        service.working_copies.sweep()
        desk = Desk(api_of(service))
        desk.recipients("team", JOHN, {**MARY, "language": "en"})
        return desk

    return opened


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def failed(desk: Desk, number: int, **more: object) -> str:
    return desk.sends(template="build-status", audience="team", variables={"number": number}, **more)


def details(desk: Desk, notification_id: str) -> list[tuple[object, object]]:
    items = desk.api.client.get(f"/v1/notifications/{notification_id}/deliveries").json()["items"]
    assert isinstance(items, list)
    return [(item["status"], item["detail"]) for item in items]


def test_three_within_the_window_arrive_as_one(desk: Desk) -> None:
    sent = [failed(desk, 1)]
    desk.works(2)
    sent.append(failed(desk, 2))
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=4, seconds=-4))
    sent.append(failed(desk, 3))
    desk.works(2)
    assert desk.outbox() == []
    desk.api.clock.advance(timedelta(minutes=1))
    desk.works(5)
    texts = {entry.channel.value: entry for entry in desk.outbox()}
    assert len(desk.outbox()) == 2
    assert texts["sms"].text == "Build 1 failed.\n\nBuild 2 failed.\n\nBuild 3 failed."
    assert texts["email"].subject == "Build 1 failed (+2)"
    assert "Build 3 failed." in (texts["email"].html or "")
    assert [desk.status(one) for one in sent] == ["completed"] * 3
    assert desk.counts(sent[2]) == {"accepted": 2}


def test_the_next_one_after_the_window_opens_another(desk: Desk) -> None:
    failed(desk, 1)
    desk.works(1)
    desk.api.clock.advance(timedelta(minutes=5))
    desk.works(3)
    failed(desk, 2)
    desk.works(1)
    assert len(desk.outbox()) == 2
    desk.api.clock.advance(timedelta(minutes=5))
    desk.works(3)
    assert sorted(entry.text.strip() for entry in desk.outbox() if entry.channel.value == "sms") == [
        "Build 1 failed.",
        "Build 2 failed.",
    ]


def test_a_stop_before_the_window_ends_is_heeded_and_said(desk: Desk) -> None:
    sent = failed(desk, 1)
    desk.works(2)
    desk.api.service.messaging.opt_outs.add_phone(MARY["phone"], OptOutReason.KEYWORD)
    desk.api.clock.advance(timedelta(minutes=5))
    desk.works(5)
    assert [entry.channel for entry in desk.outbox()] == [Channel.EMAIL]
    assert desk.counts(sent) == {"accepted": 1, "suppressed": 1}


def test_a_digest_that_was_sent_says_so_after_a_later_stop(desk: Desk) -> None:
    sent = failed(desk, 1)
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=5))
    worker = desk.api.service.worker()
    worker.run_due()
    desk.api.service.messaging.opt_outs.add_phone(MARY["phone"], OptOutReason.KEYWORD)
    worker.close()
    desk.works(5)
    assert desk.counts(sent) == {"accepted": 2}


def test_a_digest_waits_for_the_morning_and_so_do_the_copies_in_it(opened: Open) -> None:
    desk = opened(quiet_hours="12:03-18:00")
    sent = failed(desk, 1)
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=6))
    desk.works(5)
    assert desk.outbox() == []
    assert desk.counts(sent) == {"pending": 2}
    desk.api.clock.advance(timedelta(hours=6))
    desk.works(5)
    assert len(desk.outbox()) == 2
    assert desk.counts(sent) == {"accepted": 2}
    assert desk.status(sent) == "completed"


def test_digests_count_in_how_much_one_person_gets(opened: Open) -> None:
    desk = opened(recipient_limit="1/h")
    for number in range(2):
        failed(desk, number)
        desk.works(2)
        desk.api.clock.advance(timedelta(minutes=5))
        desk.works(5)
    assert len(desk.outbox()) == 2
    desk.api.clock.advance(timedelta(hours=1))
    desk.works(5)
    assert len(desk.outbox()) == 4


def test_digests_keep_to_the_rate_of_their_channel(opened: Open) -> None:
    desk = opened(email_rate=1)
    readers = [{**JOHN, "user_id": f"r{n}", "email": f"r{n}@example.com"} for n in range(6)]
    desk.recipients("readers", *readers)
    desk.sends(template="build-status", audience="readers", variables={"number": 1})
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=5))
    desk.works(20)
    times = sorted(entry.at for entry in desk.outbox())
    assert len(times) == 6
    assert times[-1] - times[0] >= timedelta(seconds=5)


def test_a_digest_in_bulk_offers_to_leave_and_takes_it(opened: Open, mailbox: Mailbox) -> None:
    port = free_port()
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        desk = opened(smtp_url=f"smtp://127.0.0.1:{port}", public_url="https://tocsin.example")
        for lane in ("bulk", "transactional"):
            failed(desk, 1, lane=lane)
        desk.works(2)
        desk.api.clock.advance(timedelta(minutes=5))
        desk.works(5)
    finally:
        server.stop()
    assert sorted(str(mail["List-Unsubscribe-Post"]) for mail in mailbox.mails) == [
        "List-Unsubscribe=One-Click",
        "None",
    ]


def test_braces_and_what_no_longer_fits_are_told_as_they_are(desk: Desk) -> None:
    for number in range(20):
        desk.sends(
            template="build-status", recipients=["ui102"], variables={"number": f"{{{{ {number} }}}} " + "x" * 150}
        )
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=5))
    desk.works(5)
    (text,) = [entry.text for entry in desk.outbox()]
    told = text.count("Build {{ ")
    assert text.endswith(f"(+{20 - told})")
    assert len(text) <= 1_600


def test_a_digest_that_an_earlier_version_left_open_goes_on(desk: Desk) -> None:
    sent = desk.sends(template="build-status", recipients=["ui102"], variables={"number": 1})
    copy = f"{sent}-000001"
    name = digest_id("build-status", "ui102", Lane.BULK)
    ends_at = NOON + timedelta(minutes=1)
    older = Digest(
        "ui102",
        Channel.SMS,
        "en",
        True,
        ends_at,
        {copy: DigestPiece("Build 1 failed."), "other": DigestPiece("Build 0.")},
    )
    new_members = ("lane", "template", "app", "left")
    state = {member: value for member, value in to_state(older).items() if member not in new_members}
    desk.api.service.store.add(Item(name, "digest", state, due_at=ends_at))
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=1))
    desk.works(5)
    assert [entry.text for entry in desk.outbox()] == ["Build 1 failed.\n\nBuild 0."]
    assert desk.counts(sent) == {"accepted": 1}


def test_a_digest_is_a_notification_that_can_be_followed(desk: Desk) -> None:
    sent = desk.sends(template="build-status", recipients=["ui102"], variables={"number": 1})
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=5))
    desk.works(5)
    ((status, detail),) = details(desk, sent)
    assert status == "accepted"
    digest = str(detail).removeprefix("with the digest ").rsplit("-", 1)[0]
    shown = desk.read(digest)
    assert (shown["status"], shown["text"], shown["template"]) == ("completed", "Build 1 failed.", "build-status")


def test_what_a_provider_reports_of_a_digest_is_said_of_its_copies(desk: Desk) -> None:
    sent = [failed(desk, 1), failed(desk, 2)]
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=5))
    desk.works(5)
    for one in {str(detail).removeprefix("with the digest ") for _, detail in details(desk, sent[0])}:
        receipt = NotificationReceipt("m-1", DeliveryStatus.FAILED, "no such mailbox", desk.api.clock.now(), one)
        desk.api.service.messaging.receipts.receive(receipt)
    assert [desk.counts(one) for one in sent] == [{"failed": 2}] * 2
    assert all(str(detail).endswith(": no such mailbox") for one in sent for _, detail in details(desk, one))


HTML = """<html>
<head><style>.box { color: red } @media (max-width: 480px) { .box { color: blue !important } }</style></head>
<body><div class="box">Result of {{ job }}: <a href="https://ci.example.com/{{ number }}">open</a></div></body>
</html>"""


def test_a_digest_keeps_the_html_the_links_and_the_braces_of_its_template(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "templates" / "build-status" / "email.html").write_text(HTML)
    desk = opened()
    for number in range(1, 4):
        variables = {"number": number, "job": f"api {{main}} {{{{ {number} }}}}"}
        desk.sends(template="build-status", recipients=["ui101"], variables=variables)
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=5))
    desk.works(5)
    (entry,) = desk.outbox()
    document = entry.html or ""
    for number in range(1, 4):
        assert f'<a href="https://ci.example.com/{number}">open</a>' in document
        assert f"Result of api {{main}} {{{{ {number} }}}}: " in document
        assert f"open: https://ci.example.com/{number}" in entry.text
    assert document.count('<div class="box" style="color: red') == 3
    assert document.count("<body") == document.count("</body>") == document.count("@media") == 1


def test_what_has_no_room_for_its_html_is_laid_out_from_its_text(opened: Open, tmp_path: Path) -> None:
    long = HTML.replace("open</a>", "open</a>" + "!" * 25_000)
    (tmp_path / "templates" / "build-status" / "email.html").write_text(long)
    desk = opened()
    for number in range(1, 4):
        desk.sends(template="build-status", recipients=["ui101"], variables={"number": number, "job": "docs"})
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=5))
    desk.works(5)
    (entry,) = desk.outbox()
    assert (entry.html or "").count("https://ci.example.com/3") >= 1
    assert (entry.html or "").count('class="box"') == 2


def test_each_part_of_a_digest_stands_below_its_subject_with_its_addresses_as_links(opened: Open) -> None:
    desk = opened(public_url="https://tocsin.example")
    for number in ("1, https://ci.example.com/1,", "2"):
        desk.sends(template="build-status", recipients=["ui101"], variables={"number": number})
    desk.works(2)
    desk.api.clock.advance(timedelta(minutes=5))
    desk.works(5)
    (entry,) = desk.outbox()
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", entry.html or "") == [
        "Build 1, https://ci.example.com/1, failed",
        "Build 2 failed",
    ]
    assert '<a href="https://ci.example.com/1"' in (entry.html or "")
    assert entry.text.count("https://tocsin.example/u/") == 1
    assert (entry.html or "").count("https://tocsin.example/u/") == 1
