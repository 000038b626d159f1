"""Everything that a provider can do wrong, to every kind of message: nothing lost, nothing twice, a bounded number of
calls, a breaker that opens and closes, and metrics that show it. Providers are stubs that hold us to their models.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.work import all_dead_items
from service.work.breaker import FIRST_REST, TRIP_AFTER
from tests.aws_services import Answer, Error, Garbage, Request, Silence
from tests.functional.plant import (
    CALL,
    DOWN,
    EXPIRED,
    MAIL,
    NEWS,
    OPERATIONS,
    PEOPLE,
    PROVIDER,
    SMS,
    THROTTLED,
    Build,
    Plant,
    plants,
)
from tests.functional.test_notifications import ANNOUNCEMENT


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    with plants(tmp_path, monkeypatch) as build:
        yield build


@pytest.fixture
def plant(build: Build) -> Plant:
    return build()


@pytest.mark.parametrize("fault", [THROTTLED, DOWN, EXPIRED], ids=lambda fault: fault.code)
def test_what_surely_was_not_taken_is_sent_again_until_it_is(plant: Plant, fault: Error) -> None:
    for operation in OPERATIONS:
        plant.aws.script(operation, fault, fault)
    sent = plant.announces(*OPERATIONS)
    plant.desk.works(6)
    if fault is THROTTLED:
        assert plant.asked() == {MAIL: 1, SMS: 1, CALL: 1}, "not before Retry-After says"
    plant.desk.works(30)
    assert plant.counts(sent) == {"accepted": 3}
    assert plant.asked() == {MAIL: 3, SMS: 3, CALL: 3}
    assert plant.desk.status(sent) == "completed"


@pytest.mark.parametrize("lost", [Silence(), Garbage()], ids=["silence", "garbage"])
def test_what_may_have_been_taken_is_not_sent_again(plant: Plant, lost: Silence | Garbage) -> None:
    before = {operation: plant.sends(PROVIDER[operation], "unknown") for operation in OPERATIONS}
    for operation in OPERATIONS:
        plant.aws.script(operation, lost)
    sent = plant.announces(*OPERATIONS)
    plant.desk.works(60)
    assert plant.counts(sent) == {"unknown": 3}
    assert plant.asked() == {MAIL: 1, SMS: 1, CALL: 1}
    for operation in OPERATIONS:
        assert plant.sends(PROVIDER[operation], "unknown") == before[operation] + 1


@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_kind_of_message_that_cannot_leave_keeps_no_other_back(plant: Plant, operation: str) -> None:
    plant.aws.usually(operation, lambda _: DOWN)
    sent = plant.announces(*OPERATIONS)
    plant.desk.works(3)
    assert plant.counts(sent) == {"accepted": 2, "pending": 1}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_breaker_opens_spares_the_provider_and_closes_and_everybody_is_reached(plant: Plant, operation: str) -> None:
    provider = PROVIDER[operation]
    refused, accepted = plant.sends(provider, "provider"), plant.sends(provider, "accepted")
    plant.aws.usually(operation, lambda _: DOWN)
    sent = plant.to_many(operation, 8)
    plant.desk.works(1)
    while plant.breaker(provider) != 2:
        plant.desk.works(1)
    asked = plant.asked()[operation]
    assert asked == TRIP_AFTER or operation == MAIL, "mails that could ride together count as one"
    assert plant.metric("tocsin_provider_health", provider=provider) < 0.5
    plant.desk.works(FIRST_REST.total_seconds() - 2)
    assert plant.asked()[operation] == asked, "nothing while it is left alone"
    plant.aws.usually(operation, lambda _: {"MessageId": "m"})
    plant.desk.works(120)
    assert plant.breaker(provider) == 0
    assert plant.counts(sent) == {"accepted": 8}
    assert plant.asked()[operation] == asked + 8
    assert plant.sends(provider, "provider") == refused + asked
    assert plant.sends(provider, "accepted") == accepted + 8
    assert list(all_dead_items(plant.desk.api.service.store)) == []


def test_an_outage_of_half_an_hour_costs_nobody_their_message(plant: Plant) -> None:
    plant.aws.usually(SMS, lambda _: DOWN)
    sent = [plant.to_many(SMS, 12), plant.desk.sends(text=NEWS, recipients=["p0", "p1"], lane="transactional")]
    plant.desk.works(30 * 60)
    assert [plant.counts(each) for each in sent] == [{"pending": 12}, {"pending": 2}]
    assert plant.asked()[SMS] <= TRIP_AFTER + 10, "then only probes, each after a longer rest"
    assert sum(map(plant.attempts, sent)) == plant.asked()[SMS], "being left alone is no attempt"
    plant.aws.usually(SMS, lambda _: {"MessageId": "m"})
    plant.desk.works(15 * 60)
    assert [plant.counts(each) for each in sent] == [{"accepted": 12}, {"accepted": 2}]


def test_mails_do_not_wait_for_the_sms_of_their_notification(plant: Plant) -> None:
    plant.aws.usually(SMS, lambda _: DOWN)
    plant.to_many(SMS, 6)
    plant.desk.works(10)
    assert plant.breaker("aws-sms") == 2
    asked = plant.asked()[SMS]
    people = [str(PEOPLE[operation]["user_id"]) for operation in OPERATIONS]
    plant.desk.recipients("staff", *PEOPLE.values())
    sent = plant.desk.sends(text=ANNOUNCEMENT, recipients=people)
    plant.desk.works(2)
    assert plant.counts(sent) == {"accepted": 2, "pending": 1}
    assert plant.asked()[SMS] == asked


@pytest.mark.parametrize("fault", [EXPIRED, Garbage()], ids=str)
@pytest.mark.parametrize("service", ["DetectSentiment", "TranslateText"])
def test_a_language_service_that_answers_wrongly_lets_nothing_out_unread_or_in_a_wrong_language(
    plant: Plant, service: str, fault: Error | Garbage
) -> None:
    plant.aws.usually(service, lambda _: fault)
    sent = plant.announces(MAIL, SMS, text=NEWS)
    plant.desk.works(60)
    texts = [request["MessageBody"] for request in plant.aws.of(SMS)]
    assert texts == []
    if service == "DetectSentiment":
        assert plant.desk.status(sent) == "held_for_review"
        assert plant.aws.of(MAIL) == []


@pytest.mark.parametrize(("service", "provider"), [("DetectSentiment", "comprehend"), ("TranslateText", "translate")])
def test_a_throttled_language_service_is_asked_again_no_sooner_than_it_says(
    plant: Plant, service: str, provider: str
) -> None:
    plant.aws.script(service, replace(THROTTLED, headers={"Retry-After": "40"}))
    sent = plant.announces(SMS, text=NEWS)
    plant.desk.works(35)
    asked = len(plant.aws.of(service))
    assert (asked, plant.aws.of(SMS)) == (1, [])
    plant.desk.works(30)
    assert plant.counts(sent) == {"accepted": 1}
    assert len(plant.aws.of(service)) == asked + 1
    assert plant.breaker(provider) == 0


def test_a_translation_service_that_fails_opens_its_breaker_and_is_asked_again_when_it_recovers(plant: Plant) -> None:
    plant.aws.usually("TranslateText", lambda _: Garbage())
    sent = [plant.announces(SMS, text=f"{NEWS} Hall {number} stays open.") for number in range(3)]
    plant.desk.works(6)
    assert plant.breaker("translate") == 2
    asked = len(plant.aws.of("TranslateText"))
    plant.desk.works(10)
    assert len(plant.aws.of("TranslateText")) == asked
    plant.aws.usually("TranslateText", _german)
    plant.desk.works(300)
    assert plant.breaker("translate") == 0
    assert [plant.counts(each) for each in sent] == [{"accepted": 1}] * 3


def _german(request: Request) -> Answer:
    text = f"[de] {request['Text']}"
    return {"TranslatedText": text, "SourceLanguageCode": "en", "TargetLanguageCode": "de"}
