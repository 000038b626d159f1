"""A provider's own limits cost nobody their message: it waits, an operator is told, and it leaves when they are over.

Throttles, daily quotas, paused accounts, spend limits, refused credentials: of SES, End User Messaging and Twilio.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.core.enums import Lane
from service.notify.sending.stalls import LONGEST
from service.work.limits import FIRST_REST, LimitKind
from tests.aws_services import Answer, Error, Request
from tests.functional.plant import (
    CALL,
    EXPIRED,
    MAIL,
    NEWS,
    OPERATIONS,
    PEOPLE,
    PROVIDER,
    SMS,
    Build,
    Plant,
    plants,
)
from tests.twilio_service import ACCOUNT, NUMBER, TOKEN, TwilioError

ANN = {"name": "Ann", "phone": "+4915123456799", "language": "en"}
BULK_MAIL = "SendBulkEmail"
QUARTER = FIRST_REST[LimitKind.ACCOUNT]
TOLD = "has reached a limit of its account"
SPENT = Error("ServiceQuotaExceededException", 402, {"Reason": "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"})
CALLS_SPENT = Error("ServiceQuotaExceededException", 402, {"Reason": "MONTHLY_SPEND_LIMIT_REACHED_FOR_VOICE"})
PAUSED = Error("SendingPausedException")
FULL_DAY = Error("TooManyRequestsException", 429, {"message": "Daily message quota exceeded."})


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    with plants(tmp_path, monkeypatch) as build:
        yield build


@pytest.fixture
def plant(build: Build) -> Plant:
    return build()


def now(plant: Plant) -> datetime:
    return plant.desk.api.clock.now()


def waits(plant: Plant, span: timedelta, step: timedelta = QUARTER) -> None:
    """Let a long time pass, of which the worker sees a second in every step."""
    ends = now(plant) + span
    while now(plant) < ends:
        plant.desk.works(1)
        plant.desk.api.clock.advance(step - timedelta(seconds=1))
    plant.desk.works(10)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What an operator reads of limits."""
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    return [record.getMessage() for record in errors if TOLD in record.getMessage()]


class Ses:
    """SES that takes so many mails a second and so many a day, one by one and in bulk."""

    def __init__(self, plant: Plant, per_second: int, per_day: int = 1_000_000) -> None:
        self.taken: Counter[int] = Counter()
        self.refused = 0
        self._plant, self._per_second, self._per_day = plant, per_second, per_day
        self._ids = itertools.count()
        plant.aws.usually(BULK_MAIL, self._bulk)
        plant.aws.usually(MAIL, lambda _: self._alone())

    def account_says(self, per_second: float) -> None:
        self._plant.aws.usually("GetAccount", lambda _: {"SendQuota": {"MaxSendRate": per_second}})

    def _room(self) -> int:
        second = int(now(self._plant).timestamp())
        return min(self._per_second - self.taken[second], self._per_day - self.taken.total())

    def _take(self) -> bool:
        has_room = self._room() > 0
        self.taken[int(now(self._plant).timestamp())] += has_room
        self.refused += not has_room
        return has_room

    def _bulk(self, request: Request) -> Answer:
        entries = request["BulkEmailEntries"]
        assert isinstance(entries, list)
        return {"BulkEmailEntryResults": [self._entry() for _ in entries]}

    def _entry(self) -> Mapping[str, str]:
        if self._take():
            return {"Status": "SUCCESS", "MessageId": f"m{next(self._ids)}"}
        is_full = self.taken.total() >= self._per_day
        return {"Status": "ACCOUNT_DAILY_QUOTA_EXCEEDED" if is_full else "ACCOUNT_THROTTLED"}

    def _alone(self) -> Answer:
        return {"MessageId": f"m{next(self._ids)}"} if self._take() else Error("TooManyRequestsException", 429)


def mails(plant: Plant, number: int, **body: object) -> str:
    """A mail of one content to so many people."""
    plant.desk.recipients(
        "readers",
        *[
            {**PEOPLE[MAIL], "user_id": f"r{place}", "first_name": f"R{place}", "email": f"r{place}@example.com"}
            for place in range(number)
        ],
    )
    return plant.desk.sends(text=NEWS, audience="readers", **body)


def test_mails_leave_as_fast_as_the_account_says_and_spread_over_each_second(plant: Plant) -> None:
    ses = Ses(plant, per_second=14)
    ses.account_says(14)
    sent = mails(plant, 180)
    plant.desk.works(20)
    assert plant.counts(sent) == {"accepted": 180}
    assert ses.refused == 0, "no burst of what was booked"
    entries = [request["BulkEmailEntries"] for request in plant.aws.of(BULK_MAIL)]
    assert max(len(each) for each in entries if isinstance(each, list)) <= 14


@pytest.mark.parametrize(("said", "setting"), [(None, None), (14.0, 50), (50.0, None)], ids=["nobody", "setting", "it"])
def test_where_nobody_says_the_rate_rightly_throttles_find_it_and_cost_no_mail(
    build: Build, said: float | None, setting: float | None
) -> None:
    plant = build() if setting is None else build(email_rate=setting)
    ses = Ses(plant, per_second=14)
    if said is None:
        plant.aws.usually("GetAccount", lambda _: Error("AccessDeniedException", 403))
    else:
        ses.account_says(said)
    sent = mails(plant, 500)
    plant.desk.works(150)
    assert plant.counts(sent) == {"accepted": 500}
    assert ses.refused < 1_000


@pytest.mark.parametrize(
    ("operation", "refusal"),
    [(MAIL, PAUSED), (MAIL, FULL_DAY), (SMS, SPENT), (CALL, CALLS_SPENT)],
    ids=["paused", "full day", "SMS spent", "calls spent"],
)
def test_a_limit_of_the_account_keeps_its_channel_back_and_tells_an_operator_once(
    plant: Plant, caplog: pytest.LogCaptureFixture, operation: str, refusal: Error
) -> None:
    provider = PROVIDER[operation]
    plant.aws.usually(operation, lambda _: refusal)
    sent = plant.to_many(operation, 12)
    plant.desk.works(60)
    asked = plant.asked()[operation]
    assert asked <= 8, "one for each thread that had begun"
    assert told(caplog)[0].startswith(f"Provider {provider} {TOLD}")
    assert plant.metric("tocsin_provider_limited", provider=provider) == 2
    waits(plant, timedelta(hours=4))
    assert plant.asked()[operation] <= asked + 4 * 4 + 2, "asked again every quarter of an hour"
    assert plant.counts(sent) == {"pending": 12}
    assert len(told(caplog)) == 1
    plant.aws.usually(operation, lambda _: {"MessageId": "m"})
    plant.desk.api.clock.advance(QUARTER)
    plant.desk.works(60)
    assert plant.counts(sent) == {"accepted": 12}
    assert plant.attempts(sent) == 12, "a limit is no attempt"
    assert plant.metric("tocsin_provider_limited", provider=provider) == 0


@pytest.mark.parametrize("code", [63038, 30002, 30022])
def test_twilios_daily_limits_and_suspensions_keep_its_channel_back_too(build: Build, code: int) -> None:
    plant = build(providers="twilio-sms=1", twilio_account=ACCOUNT, twilio_tokens=TOKEN, twilio_identity=NUMBER)
    plant.twilio.always(TwilioError(400, code))
    sent = plant.to_many(SMS, 12)
    plant.desk.works(600)
    assert len(plant.twilio.of("Messages")) <= 8
    plant.twilio.always(None)
    plant.desk.api.clock.advance(QUARTER)
    plant.desk.works(60)
    assert plant.counts(sent) == {"accepted": 12}


def test_credentials_that_are_refused_for_half_an_hour_cost_nobody_their_message(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    for operation in OPERATIONS:
        plant.aws.usually(operation, lambda _: EXPIRED)
    sent = plant.announces(*OPERATIONS)
    plant.desk.works(30 * 60)
    assert plant.counts(sent) == {"pending": 3}
    assert sum(plant.asked().values()) <= 3 * 70
    assert len(told(caplog)) == 3
    for operation in OPERATIONS:
        plant.aws.usually(operation, lambda _: {"MessageId": "m"})
    plant.desk.works(90)
    assert plant.counts(sent) == {"accepted": 3}


@pytest.mark.parametrize("lane", [Lane.BULK, Lane.TRANSACTIONAL])
def test_what_a_provider_does_not_take_for_hours_fails_in_the_end_and_says_why(plant: Plant, lane: Lane) -> None:
    plant.aws.usually(SMS, lambda _: SPENT)
    sent = [plant.to_many(SMS, 3), plant.desk.sends(text=NEWS, recipients=["p0"], lane=lane.value)][-1]
    waits(plant, LONGEST[lane] - timedelta(hours=1))
    assert plant.counts(sent) == {"pending": 1}
    waits(plant, timedelta(hours=2))
    assert plant.counts(sent) == {"failed": 1}
    shown = plant.desk.api.client.get(f"/v1/notifications/{sent}/deliveries").text
    assert '"detail":"limit: ' in shown.replace('": "', '":"')
    assert plant.desk.status(sent) == "completed_with_failures"


def test_a_provider_that_throttles_for_ever_is_asked_ever_more_rarely(plant: Plant) -> None:
    for operation in OPERATIONS:
        plant.aws.usually(operation, lambda _: Error("ThrottlingException"))
    sent = plant.announces(*OPERATIONS)
    plant.desk.works(30 * 60)
    assert plant.counts(sent) == {"pending": 3}
    for operation in OPERATIONS:
        assert plant.asked()[operation] <= 130, "four times a minute in the end"
        assert plant.breaker(PROVIDER[operation]) == 0, "a throttle opens no breaker"


def test_a_throttle_is_no_attempt_of_an_incidents_page(plant: Plant) -> None:
    plant.aws.script(SMS, *[Error("ThrottlingException")] * 4)
    incident = plant.room.opens(contacts=[ANN])
    plant.room.waits(30)
    assert len(plant.aws.of(SMS)) == 5
    page = plant.room.messages(incident)[0]
    assert page["attempt"] == 1, page


def test_a_page_of_an_incident_does_not_wait_behind_mails_that_have_booked_before_it(build: Build) -> None:
    plant = build(sms_rate=1)
    plant.to_many(SMS, 40)
    plant.desk.works(3)
    begun = now(plant)
    plant.room.opens(contacts=[ANN])
    plant.room.waits(2)
    pages = [request for request in plant.aws.of(SMS) if "Pump 1 failed" in str(request["MessageBody"])]
    assert len(pages) == 1
    assert now(plant) - begun < timedelta(seconds=5)
    plant.desk.works(60)
    assert len(plant.aws.of(SMS)) >= 41


def test_a_page_does_not_wait_behind_notices_that_have_booked_before_it(build: Build) -> None:
    plant = build(sms_rate=1)
    phones = [f"+49151234569{number:02d}" for number in range(15)]
    incidents = [plant.room.opens(description="Old", contacts=[{"phone": phone}]) for phone in phones]
    plant.room.waits(20)
    for incident in incidents:
        assert plant.room.api.client.post(f"/v1/incidents/{incident}/acknowledge", {"by": "Eve"}).status == 200
    plant.room.works()
    already, begun = len(plant.aws.of(SMS)), now(plant)
    assert already < 2 * len(phones) - 5, "most of them wait for their turn"
    plant.room.opens(contacts=[ANN])
    plant.room.waits(2)
    pages = [request for request in plant.aws.of(SMS) if "Pump 1 failed" in str(request["MessageBody"])]
    assert len(pages) == 1
    assert now(plant) - begun < timedelta(seconds=5)


def test_reminders_do_not_wait_behind_notices(build: Build) -> None:
    plant = build(sms_rate=1)
    old = [plant.room.opens(description="Old", contacts=[{"phone": f"+49151234569{n:02d}"}]) for n in range(15)]
    plant.room.waits(16)
    mine = plant.room.opens(contacts=[ANN])
    plant.room.waits(39)
    for incident in old:
        plant.room.api.client.post(f"/v1/incidents/{incident}/acknowledge", {"by": "Eve"})
    plant.room.works()
    plant.room.waits(5)
    reminders = [one for one in plant.room.messages(mine) if one["message"] == "reminder"]
    assert [one["status"] for one in reminders] == ["accepted"]


def test_the_limit_of_one_account_keeps_no_other_back(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")  # the role cannot be assumed
    senders = """{
        "DE": [{"origin": "pool-1", "role": "arn:aws:iam::111122223333:role/senders"}],
        "*": [{"origin": "+4930900000", "two_way": true}]
    }"""
    plant = build(senders=senders)
    look = plant.desk.api.service.messaging.breakers.look
    names = ["aws-sms", "aws-sms-111122223333"]
    plant.to_many(SMS, 2)
    plant.desk.works(2)
    looked = look(names)
    assert [looked.limit(name).kind for name in names] == [LimitKind.NONE, LimitKind.ACCESS]
