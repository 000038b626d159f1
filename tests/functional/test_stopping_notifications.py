"""A notification is stopped wherever it stands, and what failed is sent once more."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec import structs

from service.core.clock import HandClock
from service.notify.cancel import BACKUP, mark_id
from service.notify.model import DeliveryStatus, batch_id, batch_of, changed_batch_item, delivery_id
from service.notify.receipts import NotificationReceipt
from service.work import dead
from tests.aws import free_port
from tests.functional.backends import Install
from tests.functional.client import ROOT, Reply
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import ANNOUNCEMENT, ARNAV, EVENT, JOHN, MARY, Desk

PLAIN = "The warehouse is closed on Monday."
CROWD = "crowd"


def desk_of(install: Install, tmp_path: Path, **settings: object) -> Desk:
    api = api_of(install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml"), **settings))
    api.service.working_copies.sweep()
    desk = Desk(api)
    desk.recipients(EVENT, JOHN, MARY, ARNAV)
    return desk


@pytest.fixture
def desk(install: Install, tmp_path: Path) -> Desk:
    return desk_of(install, tmp_path)


def crowd(desk: Desk, number: int) -> None:
    people = [JOHN | {"user_id": f"p{n:04d}", "email": f"p{n}@example.com"} for n in range(number)]
    desk.recipients(CROWD, *people)


def cancel(desk: Desk, name: str) -> Reply:
    return desk.api.client.call("POST", f"/v1/notifications/{name}/cancel")


def retry(desk: Desk, name: str, **body: object) -> Reply:
    return desk.api.client.post(f"/v1/notifications/{name}/retry", body)


def counts_in(reply: Reply) -> object:
    counts = reply.json()["counts"]
    assert isinstance(counts, Mapping)
    return counts["status"]


def audited(desk: Desk, entry_type: str) -> list[object]:
    entries = desk.api.client.get("/v1/audit?limit=500").json()["items"]
    assert isinstance(entries, list)
    return [entry["detail"]["about"] for entry in entries if entry["entry_type"] == entry_type]


def test_a_scheduled_notification_never_leaves_once_it_is_cancelled(desk: Desk) -> None:
    sent = desk.sends(text=PLAIN, recipients=["ui101"], send_at="2026-05-10T12:00:30Z")
    desk.works(2)
    assert cancel(desk, sent).json()["status"] == "cancelled"
    desk.works(60)
    assert desk.outbox() == []
    assert desk.status(sent) == "cancelled"
    assert cancel(desk, sent).status == 200, "again changes nothing"
    assert audited(desk, "cancel") == [sent]


def test_a_held_one_leaves_the_reviews_and_can_no_longer_be_approved(desk: Desk) -> None:
    sent = desk.sends(text="This is the third time you failed us!", recipients=["ui101"])
    desk.works(1)
    assert cancel(desk, sent).json()["status"] == "cancelled"
    assert desk.api.client.get("/v1/reviews").json()["items"] == []
    assert desk.review(sent, "approve").status == 409


def test_one_that_is_being_sent_stops_where_it_is_and_counts_say_so(install: Install, tmp_path: Path) -> None:
    desk = desk_of(install, tmp_path, email_rate=4)
    crowd(desk, 120)
    sent = desk.sends(text=PLAIN, audience=CROWD)
    desk.works(4)
    left = len(desk.outbox())
    assert 0 < left < 120
    reply = cancel(desk, sent)
    assert (reply.status, reply.json()["status"]) == (200, "cancelled")
    assert counts_in(reply) == {"accepted": left, "cancelled": 120 - left}
    desk.works(30)
    assert len(desk.outbox()) == left
    listed = desk.api.client.get(f"/v1/notifications/{sent}/deliveries?status=cancelled&limit=500").json()["items"]
    assert isinstance(listed, list)
    assert len(listed) == 120 - left


def test_who_waits_for_a_translation_is_not_written_to_either(desk: Desk) -> None:
    sent = desk.sends(text=PLAIN, audience=EVENT)
    desk.works()
    assert desk.counts(sent) == {"accepted": 1, "needs_translation": 2}
    assert counts_in(cancel(desk, sent)) == {"accepted": 1, "cancelled": 2}
    missing = desk.api.client.get("/v1/translations").json()["items"]
    assert isinstance(missing, list)
    for one in missing:
        path = f"/v1/translations/{one['id']}"
        assert desk.api.client.call("PUT", path, json={"text": "Montag geschlossen."}).status == 200
    desk.works()
    assert desk.status(sent) == "cancelled"
    assert len(desk.outbox()) == 1


def test_what_is_over_cannot_be_cancelled(desk: Desk) -> None:
    sent = desk.sends(text=PLAIN, recipients=["ui101"])
    desk.works()
    reply = cancel(desk, sent)
    assert (reply.status, reply.json()["detail"]) == (409, "It is completed: nothing is left to cancel.")
    assert cancel(desk, "01aaaaaaaaaaaaaaaaaaaaaaaa").status == 404


def test_a_worker_ends_what_a_caller_who_died_has_begun_to_cancel(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = desk.sends(text=PLAIN, recipients=["ui101"], send_at="2026-05-11T12:00:30Z")
    desk.works(2)

    class Died(BaseException):
        pass

    def dies(*_: object) -> int:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr("service.notify.cancel.Cancellation.sweep", dies)
        with pytest.raises(Died):
            cancel(desk, sent)
    assert desk.status(sent) == "cancelling"
    desk.works(BACKUP.total_seconds() + 5)
    assert desk.status(sent) == "cancelled"


def test_a_piece_of_a_digest_does_not_leave_with_it_once_its_notification_is_cancelled(
    install: Install, tmp_path: Path
) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    news = templates / "news"
    news.mkdir()
    (news / "template.yaml").write_text("digest: 30s\n")
    (news / "sms.txt").write_text("Build {{ number }} is done.")
    desk = desk_of(install, tmp_path, templates_dir=templates)
    names = [desk.sends(template="news", recipients=["ui101"], variables={"number": str(n)}) for n in (1, 2, 3)]
    desk.works(5)
    cancel(desk, names[1])
    desk.works(60)
    (letter,) = desk.outbox()
    assert "Build 1 is done." in letter.text
    assert "Build 3 is done." in letter.text
    assert "Build 2" not in letter.text


class Letters:
    """A mail server that takes its time: the clock goes on by a second with each letter."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.taken: list[float] = []
        self.third = threading.Event()
        self.goes_on = threading.Event()

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's)
        self.taken.append(time.monotonic())
        self.clock.advance(timedelta(seconds=1))
        if len(self.taken) == 3:
            self.third.set()
            self.goes_on.wait(20)
        return "250 OK"


def test_no_copy_is_handed_over_after_the_answer(install: Install, tmp_path: Path) -> None:
    letters = Letters(HandClock(NOON))
    controller = Controller(letters, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        url = f"smtp://127.0.0.1:{controller.port}"
        desk = desk_of(install, tmp_path, smtp_url=url, mail_from="news@example.com", outbox_channels="sms,voice")
        letters.clock = desk.api.clock
        crowd(desk, 120)
        sent = desk.sends(text=PLAIN, audience=CROWD)
        answers: list[Reply] = []
        worker = threading.Thread(target=lambda: desk.works(20))
        worker.start()
        assert letters.third.wait(60)
        caller = threading.Thread(target=lambda: answers.append(cancel(desk, sent)))
        caller.start()
        while desk.api.service.store.get(mark_id(sent)) is None:
            time.sleep(0.01)  # a real server and real threads: nothing tells when the mark is there
        letters.goes_on.set()
        caller.join(40)
        answered, taken = time.monotonic(), len(letters.taken)
        worker.join(60)
        (answer,) = answers
        assert answer.json()["status"] == "cancelled"
        assert counts_in(answer) == {"accepted": taken, "cancelled": 120 - taken}
        assert [at for at in letters.taken if at > answered] == []
        assert desk.counts(sent) == {"accepted": taken, "cancelled": 120 - taken}
        assert taken < 20
    finally:
        letters.goes_on.set()
        controller.stop()


def fail(desk: Desk, sent: str, status: DeliveryStatus = DeliveryStatus.FAILED) -> None:
    """What the receipt of the one delivery says."""
    copy = delivery_id(sent, 1)
    receipt = NotificationReceipt("provider-1", status, "hard bounce", desk.api.clock.now(), copy)
    desk.api.service.messaging.receipts.receive(receipt)


def test_what_could_not_be_delivered_is_sent_once_more(desk: Desk) -> None:
    sent = desk.sends(text=ANNOUNCEMENT, audience=EVENT)
    desk.works()
    assert retry(desk, sent).status == 409, "nothing failed"
    fail(desk, sent)
    assert desk.counts(sent) == {"accepted": 2, "failed": 1}
    reply = retry(desk, sent)
    assert reply.status == 202, reply.text
    assert reply.json()["status"] == "sending"
    desk.works()
    assert desk.status(sent) == "completed"
    assert desk.counts(sent) == {"accepted": 3}
    assert len(desk.outbox()) == 4
    assert audited(desk, "retry") == [sent]


def test_what_may_have_arrived_is_left_alone_unless_it_is_asked_for(desk: Desk) -> None:
    sent = desk.sends(text=PLAIN, recipients=["ui101"])
    desk.works()
    store = desk.api.service.store
    item = store.get(batch_id(sent, 1))
    assert item is not None
    page = batch_of(item)
    lines = {name: structs.replace(line, status=DeliveryStatus.UNKNOWN) for name, line in page.lines.items()}
    store.save(changed_batch_item(item, structs.replace(page, lines=lines), None))
    refused = retry(desk, sent)
    assert refused.status == 409
    assert "in_doubt" in refused.text
    assert retry(desk, sent, in_doubt=True).status == 202
    desk.works()
    assert len(desk.outbox()) == 2
    assert list(dead.all_dead_items(store)) == []


def test_what_is_still_being_sent_or_was_stopped_is_not_retried(desk: Desk) -> None:
    sent = desk.sends(text=PLAIN, recipients=["ui101"], send_at="2026-05-11T12:00:00Z")
    assert retry(desk, sent).status == 409
    cancel(desk, sent)
    assert retry(desk, sent).status == 409
