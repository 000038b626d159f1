"""What quiet hours hold back waits without work, also in the night in which an hour comes twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.messages.quiet_hours import QuietHours
from service.notify.model import batch_id
from tests.functional.backends import Install
from tests.functional.conftest import api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import MARY, Desk

TEN_PAST_TWO_AGAIN = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
"""In Berlin, after the hour from 02:00 to 03:00 was over once."""


@pytest.fixture
def desk(install: Install, tmp_path: Path) -> Desk:
    settings = {"quiet_hours": "22:00-02:30", "timezone": "Europe/Berlin"}
    service = install(HandClock(TEN_PAST_TWO_AGAIN), rules_dir=few_rules(tmp_path), **settings)
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("mary", MARY)
    return desk


def page_version(desk: Desk, notification_id: str) -> int:
    item = desk.api.service.store.get(batch_id(notification_id, 1))
    assert item is not None
    return item.version


def test_a_message_held_until_an_end_within_the_repeated_hour_is_not_looked_at_meanwhile(desk: Desk) -> None:
    sent = desk.sends(
        text="The company is adding a new item to the menu, this will go live by May 10th.", audience="mary"
    )
    desk.works(5)
    version = page_version(desk, sent)
    desk.works(20)
    assert page_version(desk, sent) == version
    assert desk.counts(sent) == {"pending": 1}
    desk.api.clock.advance(timedelta(minutes=20))
    desk.works(5)
    assert desk.counts(sent) == {"accepted": 1}


def test_a_hold_that_ends_at_once_is_looked_at_again_a_second_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuietHours, "ends", lambda _, now, __: now)
    sent = desk.sends(
        text="The company is adding a new item to the menu, this will go live by May 10th.", audience="mary"
    )
    desk.works(5)
    version = page_version(desk, sent)
    worker = desk.api.service.worker()
    for _ in range(20):
        worker.run_due()  # at one and the same instant
    worker.close()
    assert page_version(desk, sent) - version <= 2
