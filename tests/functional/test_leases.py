"""A lease outlasts whatever its worker does under it, also where providers are slow and clocks differ a little."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.aws.clients import BEFORE_A_SEND, ONCE
from service.channels.twilio.account import TIMEOUT
from service.channels.voice_nanotts import NanoSpeech
from service.cli.checks.amazon import LATE
from service.core.clock import HandClock
from service.core.enums import Lane
from service.storage.sqlite import SqliteStore
from service.work import A_HAND_OVER, BEGUN_WITHIN, LONGEST_CALL, POLICIES
from tests.aws_services import Answer, Request, as_fast_as_they_come, aws_services
from tests.functional.conftest import NOON
from tests.functional.plant import SMS, Plant, language_of, sending_by_aws
from tests.twilio_service import TwilioService

A_CALL = timedelta(seconds=6)


class Skewed(HandClock):
    """The clock of a host that NTP has not set: it is off by so much."""

    def __init__(self, right: HandClock, off: timedelta) -> None:
        super().__init__(right.now())
        self._right = right
        self._off = off

    def now(self) -> datetime:
        return self._right.now() + self._off


def longest(timeouts: object) -> timedelta:
    """How long a call with these timeouts may take."""
    return timedelta(seconds=sum(float(getattr(timeouts, name)) for name in ("connect_timeout", "read_timeout")))


@pytest.mark.parametrize("lane", Lane)
def test_a_call_that_is_begun_as_late_as_may_be_ends_well_within_its_lease(lane: Lane) -> None:
    policy = POLICIES[lane]
    assert max(longest(ONCE) + longest(BEFORE_A_SEND), longest(TIMEOUT)) <= LONGEST_CALL
    assert policy.lease >= A_HAND_OVER + timedelta(seconds=5), "an item may wait a while for a thread"
    assert A_HAND_OVER >= BEGUN_WITHIN + LONGEST_CALL + LATE
    assert timedelta(seconds=NanoSpeech().timeout) < A_HAND_OVER, "a text that is read out"


@pytest.mark.parametrize("off", [timedelta(0), LATE, -LATE], ids=str)
def test_a_page_of_slow_messages_is_renewed_and_no_other_worker_sends_any_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    clock, secret = HandClock(NOON), "1" * 64
    with aws_services() as services:
        for name, value in services.environment().items():
            monkeypatch.setenv(name, value)
        services.usually("DetectDominantLanguage", language_of)
        services.usually("GetAccount", as_fast_as_they_come)
        store = SqliteStore(tmp_path / "items.db", clock)
        plant = Plant(sending_by_aws(tmp_path / "a", store, clock, secret=secret), services, TwilioService())
        elsewhere = Skewed(clock, off)
        theirs = SqliteStore(tmp_path / "items.db", elsewhere)
        other = sending_by_aws(tmp_path / "b", theirs, elsewhere, secret=secret).api.service.worker()

        def slowly(_: Request) -> Answer:
            clock.advance(A_CALL)
            other.run_due()
            return {"MessageId": "m"}

        services.usually(SMS, slowly)
        sent = plant.to_many(SMS, 12)
        plant.desk.works(5)
        assert plant.counts(sent) == {"accepted": 12}
        assert Counter(str(one["DestinationPhoneNumber"]) for one in services.of(SMS)) == {
            f"+49151234567{place:02d}": 1 for place in range(12)
        }
        assert POLICIES[Lane.BULK].lease < 12 * A_CALL
        other.close()
        store.close()
        theirs.close()
