"""A page of deliveries that can never be sent: its notification ends all the same, and a redrive sends them later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from service.config import Settings
from service.core.clock import HandClock
from service.core.enums import Channel
from service.messages.quiet_hours import parse_quiet_hours
from service.notify.model import DeliveryStatus, batch_id, batch_of, count, texts_id
from service.notify.receipts import NotificationReceipt
from service.notify.service import Request
from service.recipients import Recipient
from service.wiring.app import Service
from service.work import all_dead_items, redrive
from tests.functional.few_rules import few_rules

QUIET = parse_quiet_hours("22:00-07:00")
NIGHT = datetime(2026, 5, 10, 23, 0, tzinfo=UTC)
TEXT = (
    "The company is adding a new item to the menu, this will go live by May 10th. "
    "Please ensure you are prepared for this change and plan out accordingly."
)
PAGE = batch_id("n1", 1)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """An installation at night, when no bulk is sent: three readers wait for the morning on one page."""
    settings = Settings(home=tmp_path, rules_dir=few_rules(tmp_path), rules_watch=False, quiet_hours=QUIET)
    service = Service(settings, HandClock(NIGHT))
    service.working_copies.sweep()
    people = [Recipient(f"p{n}", "P", "en", Channel.EMAIL, email=f"p{n}@example.com") for n in range(3)]
    service.messaging.directory.add("all", people)
    service.messaging.notifications.create(Request("n1", "app", "r1", TEXT, audience="all"))
    work(service, timedelta(minutes=1))
    yield service
    service.store.close()


def work(service: Service, span: timedelta) -> None:
    """Let a new process do what comes due within this time."""
    clock = service.clock
    assert isinstance(clock, HandClock)
    anew = Service(service.settings, clock)
    worker = anew.worker()
    for _ in range(60):
        worker.run_due()
        clock.advance(span / 60)
    worker.close()
    anew.store.close()


def spoil(service: Service) -> dict[str, object]:
    """Write the texts of the notification as no release of ours reads them; answers what stood there."""
    item = service.store.get(texts_id("n1", "en"))
    assert item is not None
    service.store.save(structs.replace(item, state={"written by": "a newer release"}))
    return dict(item.state)


def mend(service: Service, state: dict[str, object]) -> None:
    item = service.store.get(texts_id("n1", "en"))
    assert item is not None
    service.store.save(structs.replace(item, state=state))


def statuses(service: Service) -> dict[str, int]:
    item = service.store.get(PAGE)
    assert item is not None
    return dict(count([batch_of(item)]).by_status)


def test_the_deliveries_of_a_dead_page_fail_with_the_reason_and_their_notification_completes(service: Service) -> None:
    spoil(service)
    work(service, timedelta(hours=12))
    assert [item.id for item in all_dead_items(service.store)] == [PAGE]
    notification = service.messaging.notifications.get("n1")
    assert notification.status == "completed_with_failures"
    assert statuses(service) == {"failed": 3}
    record = service.store.get("n1-000001")
    assert record is not None
    assert record.state["status"] == "failed"
    assert "given up" in str(record.state["detail"])
    assert "cannot be read" in str(record.state["detail"])


def test_redriving_a_dead_page_sends_what_had_failed_with_it_once(service: Service) -> None:
    texts = spoil(service)
    work(service, timedelta(hours=12))
    mend(service, texts)
    for _ in range(2):
        if list(all_dead_items(service.store)):
            redrive(service.store, PAGE, service.clock.now())
        work(service, timedelta(minutes=5))
    assert statuses(service) == {"accepted": 3}
    sent = [each.entry.to for each in service.messaging.outbox.entries().items]
    assert sorted(sent) == ["p0@example.com", "p1@example.com", "p2@example.com"]
    assert list(all_dead_items(service.store)) == []


def test_a_receipt_for_one_delivery_of_a_dead_page_leaves_the_page_dead_and_is_not_sent_again(service: Service) -> None:
    texts = spoil(service)
    work(service, timedelta(hours=12))
    late = NotificationReceipt("sent-by-hand", DeliveryStatus.DELIVERED, "delivered", service.clock.now(), "n1-000001")
    service.messaging.receipts.receive(late)
    assert [item.id for item in all_dead_items(service.store)] == [PAGE]
    assert statuses(service) == {"failed": 2, "delivered": 1}
    mend(service, texts)
    redrive(service.store, PAGE, service.clock.now())
    work(service, timedelta(minutes=5))
    assert statuses(service) == {"accepted": 2, "delivered": 1}


def test_a_notification_whose_page_waits_for_the_morning_is_looked_at_ever_less_often(service: Service) -> None:
    clock, looks = service.clock, 0
    assert isinstance(clock, HandClock)
    clock.advance(timedelta(hours=1))
    worker = service.worker()
    for _ in range(100):
        looks += worker.run_due()
        clock.advance(timedelta(milliseconds=100))
    worker.close()
    assert 5 <= looks <= 11  # one a second, in ten
