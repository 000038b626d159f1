"""What one template says to one person within its window arrives as one message."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from service.clock import HandClock
from tests.functional.backends import Install
from tests.functional.client import ROOT
from tests.functional.conftest import NOON, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import JOHN, MARY, Desk


@pytest.fixture
def desk(install: Install, tmp_path: Path) -> Desk:
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    (templates / "build-status").mkdir()
    (templates / "build-status" / "sms.txt").write_text("Build {{ number }} failed.")
    (templates / "build-status" / "email.subject.txt").write_text("Build {{ number }} failed")
    (templates / "build-status" / "template.yaml").write_text("digest: 5m\n")
    service = install(HandClock(NOON), rules_dir=few_rules(tmp_path), templates_dir=templates)
    service.working_copies.sweep()
    desk = Desk(api_of(service))
    desk.recipients("team", JOHN, {**MARY, "language": "en"})
    return desk


def failed(desk: Desk, number: int) -> str:
    return desk.sends(template="build-status", audience="team", variables={"number": number})


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
