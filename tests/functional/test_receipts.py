"""What providers report later moves deliveries forward, never back, and the tally with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Sink
from msgspec import structs

from service.core.clock import HandClock
from service.notify.model import DeliveryStatus, batch_id, batch_of, changed_batch_item, delivery_of
from service.notify.receipts import NotificationReceipt
from service.work import all_dead_items
from tests.aws import free_port
from tests.functional.backends import Install
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import JOHN, Desk


class Swallow(Sink):
    """A mail server that takes everything."""

    def handle_message(self, message: object) -> None:
        """Taken."""


@pytest.fixture
def desk(install: Install, tmp_path: Path) -> Iterator[Desk]:
    """Mail goes out by SMTP, a provider that may report later; the audience is John alone."""
    port = free_port()
    server = Controller(Swallow(), hostname="127.0.0.1", port=port)
    server.start()
    service = install(HandClock(NOON), rules_dir=few_rules(tmp_path), smtp_url=f"smtp://127.0.0.1:{port}")
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("john", JOHN)
    yield desk
    server.stop()


@pytest.fixture
def sent(desk: Desk) -> str:
    notification = desk.sends(text="The warehouse is closed on Monday.", audience="john")
    desk.works(2)
    assert desk.counts(notification) == {"accepted": 1}
    return notification


def told(desk: Desk, notification: str, status: DeliveryStatus) -> None:
    receipt = NotificationReceipt("mail-1", status, "said the provider", desk.api.clock.now(), f"{notification}-000001")
    desk.api.service.messaging.receipts.receive(receipt)


def test_a_receipt_moves_a_delivery_forward_and_an_older_one_never_back(desk: Desk, sent: str) -> None:
    told(desk, sent, DeliveryStatus.DELIVERED)
    told(desk, sent, DeliveryStatus.FAILED)
    told(desk, sent, DeliveryStatus.UNKNOWN)
    assert desk.counts(sent) == {"delivered": 1}
    assert desk.status(sent) == "completed"


def test_three_days_of_silence_end_as_unknown_unless_somebody_reported(desk: Desk, sent: str) -> None:
    desk.api.clock.advance(timedelta(hours=71))
    desk.works(1)
    assert desk.counts(sent) == {"accepted": 1}
    desk.api.clock.advance(timedelta(hours=1))
    desk.works(1)
    assert desk.counts(sent) == {"unknown": 1}
    told(desk, sent, DeliveryStatus.DELIVERED)
    assert desk.counts(sent) == {"delivered": 1}


def test_a_delivered_one_stays_delivered_however_long_it_is_silent(desk: Desk, sent: str) -> None:
    told(desk, sent, DeliveryStatus.DELIVERED)
    desk.api.clock.advance(timedelta(hours=100))
    desk.works(1)
    assert desk.counts(sent) == {"delivered": 1}


def test_a_receipt_of_nobody_is_tried_for_five_minutes_and_then_left_to_a_person(desk: Desk) -> None:
    told(desk, "01kr8w4cg0bsewt1cp3k6s2sj9", DeliveryStatus.DELIVERED)
    desk.works(1)
    assert list(all_dead_items(desk.api.service.store)) == []
    desk.api.clock.advance(timedelta(minutes=6))
    desk.works(1)
    (dead,) = all_dead_items(desk.api.service.store)
    assert "belongs to no message of ours" in dead.why


def test_a_receipt_for_a_page_that_is_being_sent_for_long_waits_until_it_is(desk: Desk, sent: str) -> None:
    store, name = desk.api.service.store, batch_id(sent, 1)
    page = store.get(name)
    assert page is not None
    record = store.get(f"{sent}-000001")
    assert record is not None
    being_sent = batch_of(page).with_deliveries([delivery_of(record).sending(NOON)])
    store.save(changed_batch_item(page, being_sent, None))
    told(desk, sent, DeliveryStatus.DELIVERED)
    desk.api.clock.advance(timedelta(minutes=30))
    desk.works(1)
    assert list(all_dead_items(store)) == []
    store.save(structs.replace(page, version=page.version + 1))
    desk.works(60)
    assert desk.counts(sent) == {"delivered": 1}


def test_the_tally_of_a_large_notification_is_kept_and_counted_anew_for_whoever_looks(
    desk: Desk, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.notify.tally.COUNTED_AT_ONCE", 0)
    assert desk.counts(sent) == {"accepted": 1}
    told(desk, sent, DeliveryStatus.DELIVERED)
    desk.api.clock.advance(timedelta(seconds=4))
    assert desk.counts(sent) == {"accepted": 1}, "counted four seconds ago"
    desk.api.clock.advance(timedelta(seconds=2))
    assert desk.counts(sent) == {"accepted": 1}, "a worker is asked to count"
    desk.works(1)
    assert desk.counts(sent) == {"delivered": 1}
    again = desk.api.client.post(f"/v1/notifications/{sent}/retry", {})
    assert again.status == 409, "nobody failed"


def test_a_large_notification_that_moves_on_is_counted_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.notify.tally.COUNTED_AT_ONCE", 0)
    sent = desk.sends(text="The warehouse is closed on Monday.", audience="john")
    assert desk.counts(sent) == {}
    desk.works(2)
    assert (desk.status(sent), desk.counts(sent)) == ("completed", {"accepted": 1})
