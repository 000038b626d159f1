"""Messages on the `aws` backend: DynamoDB and SQS by an emulator, the services it does not serve by a stub that holds
every request to AWS's own models. The clock is moved by hand.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import urllib3
from flask import Flask

from service import http
from service.channels.email import parse_sender
from service.config import Backend, Settings
from service.core.clock import HandClock, timestamp
from service.core.enums import Scope
from service.inbound.sns import routes
from service.inbound.sns.certificates import SigningCertificates
from service.inbound.sns.envelope import TOPIC_HEADER, SnsGate
from service.messages.optouts import OptOutReason
from service.notify.outcomes import EMIT
from service.notify.sending.choose import IN_DOUBT
from service.notify.sending.sender import FRESH
from service.storage import Item
from service.wiring.app import Service
from service.wiring.storage import prepare_aws
from service.work import all_dead_items
from service.work.breaker import Closed, OpenBreaker
from tests.aws import Environment, ministack
from tests.aws_faults import FaultyAws, Refusal, faulty_aws
from tests.aws_services import Answer, AwsServices, Error, Garbage, Request, Silence, as_fast_as_they_come, aws_services
from tests.functional.client import Client, InProcess
from tests.functional.conftest import Api
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import ANNOUNCEMENT, ARNAV, EVENT, JOHN, Desk
from tests.functional.test_notifications import MARY as DRAMATIC_MARY
from tests.unit.sns_signing import CERTIFICATE_URL, NOW, TOPIC, Authority, Web, notification, pem, signed

EVENTS = Path(__file__).parents[1] / "events"
AMAZON = Authority()
MARY = {**DRAMATIC_MARY, "phone": "+4915123456701"}
FRENCH = {**ARNAV, "phone": "+33612345678"}
"""Numbers that are kept free for examples never leave by a real provider."""

NEWS = "The warehouse in Leeds is closed on Monday for the yearly stock count."
STEP = timedelta(seconds=12)
"""Longer than upkeep waits before it sends a lost or delayed notice again: queues count real seconds."""


@dataclass(frozen=True, slots=True)
class Amazon:
    """An app that sends on AWS, the AWS it sends by, and SNS in front of it."""

    desk: Desk
    services: AwsServices
    inbound: Client

    @property
    def service(self) -> Service:
        return self.desk.api.service

    def works(self, steps: int = 4) -> None:
        """Let the worker do what comes due within some steps."""
        worker = self.service.worker()
        for _ in range(steps):
            worker.run_due()
            self.desk.api.clock.advance(STEP)
            self.service.store.upkeep(self.desk.api.clock.now())
        worker.run_due()
        worker.close()

    def announces(self, *people: Mapping[str, object], text: str = ANNOUNCEMENT) -> str:
        self.desk.recipients(EVENT, *people)
        return self.desk.sends(englishTxt=text, eventId=EVENT)

    def tells(self, event: str, **members: object) -> None:
        """Deliver a documented event of the messaging services by SNS, some of its members replaced."""
        payload = json.loads((EVENTS / event).read_text()) | members
        now = timestamp(self.desk.api.clock.now())[:23] + "Z"
        body = signed({**notification(payload), "Timestamp": now})
        reply = self.inbound.call("POST", "/v1/inbound/sns", body=body, headers={TOPIC_HEADER: TOPIC})
        assert reply.status == 200, reply.text

    def counts(self, sent: str) -> object:
        return self.desk.counts(sent)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An AWS API of this module's own: its tests empty it."""
    with ministack(tmp_path_factory.mktemp("aws")) as environment:
        yield environment


@pytest.fixture
def services(emulator: Environment, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServices]:
    urllib3.request("POST", f"{emulator['AWS_ENDPOINT_URL']}/_ministack/reset")
    with aws_services() as services:
        for name, value in {**services.environment(), **emulator}.items():
            monkeypatch.setenv(name, value)
        services.usually("DetectDominantLanguage", _language_of)
        services.usually("GetAccount", as_fast_as_they_come)
        prepare_aws(Settings())
        yield services


def _language_of(request: Request) -> Answer:
    """The stub translates by writing `[de] …`."""
    text = str(request["Text"])
    return {"Languages": [{"LanguageCode": text[1:3] if text.startswith("[") else "en", "Score": 0.99}]}


@pytest.fixture
def amazon(services: AwsServices, tmp_path: Path) -> Iterator[Amazon]:
    clock = HandClock(NOW)
    settings = Settings(
        home=tmp_path,
        rules_dir=few_rules(tmp_path),
        event_bus="tocsin",
        backend=Backend.AWS,
        mail_from=parse_sender("Tocsin <tocsin@example.com>"),
        phone_identity="+4930900000",
        phone_configuration_set="receipts",
        terminology="menu",
    )
    service = Service(settings, clock)
    service.working_copies.sweep()
    _, key = service.keys.create("test app", list(Scope))
    web = Web({CERTIFICATE_URL: pem(AMAZON.signing(), AMAZON.intermediate)})
    gate = SnsGate([TOPIC], SigningCertificates(web, [AMAZON.root], clock), clock)
    app = Flask("inbound")
    http.install(app, service.store, service.keys, clock)
    app.register_blueprint(routes.blueprint(gate, service.escalation.receivers, web))
    api = Api(service, clock, Client(InProcess(service.flask()), key))
    yield Amazon(Desk(api), services, Client(InProcess(app), None))
    service.store.close()


@pytest.fixture
def wire(emulator: Environment, services: AwsServices, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyAws]:
    """What goes to DynamoDB, as it goes over the wire."""
    with faulty_aws(emulator) as (wire, environment):
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", environment["AWS_ENDPOINT_URL"])
        yield wire


def _crowd(size: int = 49) -> list[dict[str, object]]:
    """People enough for one page, each with a phone."""
    return [{**MARY, "user_id": f"p{number}", "phone": f"+49151234567{number:02d}"} for number in range(size)]


def _upon(amazon: Amazon, send: int, do: Callable[[Request], object]) -> None:
    """While AWS takes the given SMS, something else happens."""
    taken = count(1)

    def answer(request: Request) -> Answer:
        number = next(taken)
        if number == send:
            do(request)
        return {"MessageId": f"m{number}"}

    amazon.services.usually("SendTextMessage", answer)


def test_a_page_is_marked_and_recorded_in_one_commit_a_hand_over_and_what_it_needs_is_read_once(
    wire: FaultyAws, amazon: Amazon
) -> None:
    sent = amazon.announces(*_crowd())
    wire.forget()
    amazon.works(1)
    assert amazon.counts(sent) == {"accepted": 49}
    assert len(amazon.services.of("SendTextMessage")) == 49
    hand_overs = math.ceil(49 / IN_DOUBT)
    assert len(wire.requests("TransactWriteItems")) <= hand_overs + 2, "it was two for each hand-over"
    reads = [*wire.requests("GetItem"), *wire.requests("BatchGetItem")]
    assert len(reads) <= 40, "it was 90 when every hand-over read its notification, its breaker and all readers"
    assert str(reads).count("breaker-aws-sms") == 1
    written = str([*wire.requests("PutItem"), *wire.requests("UpdateItem"), *wire.requests("TransactWriteItems")])
    assert written.count("breaker-aws-sms") <= 2, "health is not written for every call"


def test_results_that_cannot_be_stored_leave_no_more_in_doubt_than_one_hand_over_and_nobody_gets_two(
    wire: FaultyAws, amazon: Amazon
) -> None:
    _upon(amazon, 2 * IN_DOUBT, lambda _: wire.script("TransactWriteItems", Refusal("AccessDeniedException")))
    sent = amazon.announces(*_crowd())
    amazon.works()
    assert amazon.counts(sent) == {"accepted": 49 - IN_DOUBT, "unknown": IN_DOUBT}
    reached = [request["DestinationPhoneNumber"] for request in amazon.services.of("SendTextMessage")]
    assert len(reached) == len(set(reached)) == 49
    in_doubt = amazon.services.of("SendTextMessage")[IN_DOUBT]
    amazon.tells("sms_delivered.json", context=in_doubt["Context"])
    assert amazon.counts(sent) == {"accepted": 49 - IN_DOUBT, "unknown": IN_DOUBT - 1, "delivered": 1}


def test_a_receipt_that_comes_while_its_page_is_being_sent_costs_no_other_copy_its_result(amazon: Amazon) -> None:
    def told(_: Request) -> None:
        amazon.tells("sms_delivered.json", context=amazon.services.of("SendTextMessage")[0]["Context"])

    _upon(amazon, IN_DOUBT + 1, told)
    sent = amazon.announces(*_crowd(3 * IN_DOUBT))
    amazon.works(1)
    assert amazon.counts(sent) == {"accepted": 3 * IN_DOUBT}
    amazon.works(3)
    assert amazon.counts(sent) == {"accepted": 3 * IN_DOUBT - 1, "delivered": 1}


def test_who_says_stop_while_the_page_is_being_sent_gets_nothing_more(amazon: Amazon) -> None:
    def stops(_: Request) -> None:
        amazon.service.messaging.opt_outs.add_phone("+4915123456748", OptOutReason.KEYWORD)
        amazon.desk.api.clock.advance(2 * FRESH)

    _upon(amazon, IN_DOUBT, stops)
    sent = amazon.announces(*_crowd())
    amazon.works(1)
    assert amazon.counts(sent) == {"accepted": 48, "suppressed": 1}


def test_what_was_sent_is_written_down_although_what_comes_next_cannot_be_read(wire: FaultyAws, amazon: Amazon) -> None:
    def fails(_: Request) -> None:
        amazon.desk.api.clock.advance(2 * FRESH)
        wire.script("BatchGetItem", Refusal("AccessDeniedException"))

    _upon(amazon, IN_DOUBT, fails)
    sent = amazon.announces(*_crowd())
    amazon.works()
    assert amazon.counts(sent) == {"accepted": 49}


def test_a_worker_that_stops_hands_back_a_page_of_which_nothing_is_in_doubt(amazon: Amazon) -> None:
    worker = amazon.service.worker()
    _upon(amazon, IN_DOUBT, lambda _: worker.stop())
    sent = amazon.announces(*_crowd())
    assert worker.run()
    assert amazon.counts(sent) == {"accepted": IN_DOUBT, "pending": 49 - IN_DOUBT}
    amazon.works(1)
    assert amazon.counts(sent) == {"accepted": 49}


def test_the_announcement_leaves_by_ses_sms_and_voice_and_receipts_say_it_arrived(amazon: Amazon) -> None:
    sent = amazon.announces(JOHN, MARY, FRENCH)
    amazon.works(1)
    assert amazon.counts(sent) == {"accepted": 3}
    (mail,) = amazon.services.of("SendEmail")
    assert mail["Destination"] == {"ToAddresses": ["john@example.com"]}
    assert mail["FromEmailAddress"] == "Tocsin <tocsin@example.com>"
    (sms,) = amazon.services.of("SendTextMessage")
    assert "10. Mai" in str(sms["MessageBody"])
    assert (sms["OriginationIdentity"], sms["ConfigurationSetName"]) == ("+4930900000", "receipts")
    (call,) = amazon.services.of("SendVoiceMessage")
    assert (call["MessageBodyTextType"], call["VoiceId"]) == ("SSML", "LEA")
    assert str(call["MessageBody"]).startswith("<speak>")
    assert len(amazon.services.of("DetectSentiment")) == 1

    amazon.tells("ses_delivery.json", mail={"messageId": "m", "tags": {"delivery": [f"{sent}-000001"]}})
    amazon.tells("sms_delivered.json", context=sms["Context"])
    amazon.tells("sms_delivered.json", eventType="VOICE_ANSWERED", context=call["Context"])
    assert amazon.counts(sent) == {"delivered": 3}
    assert amazon.desk.status(sent) == "completed"


def test_what_no_catalogue_holds_is_translated_by_amazon_once_for_each_language(amazon: Amazon) -> None:
    other = {**MARY, "user_id": "ui104", "phone": "+4915123456702"}
    sent = amazon.announces(MARY, other, text=NEWS)
    amazon.works(1)
    assert amazon.counts(sent) == {"accepted": 2}
    (asked,) = amazon.services.of("TranslateText")
    assert (asked["SourceLanguageCode"], asked["TargetLanguageCode"]) == ("en", "de")
    assert asked["TerminologyNames"] == ["menu"]
    assert {str(sms["MessageBody"]) for sms in amazon.services.of("SendTextMessage")} == {f"[de] {NEWS}"}
    renditions = amazon.desk.read(sent)["renditions"]
    assert isinstance(renditions, list)
    assert [one["provenance"] for one in renditions] == ["machine:amazon-translate"]


def test_emails_of_one_content_ride_together_and_one_that_is_refused_touches_no_other(amazon: Amazon) -> None:
    people = [{**JOHN, "user_id": f"p{number}", "email": f"p{number}@example.com"} for number in range(49)]
    results: list[dict[str, object]] = [{"Status": "SUCCESS", "MessageId": f"m{number}"} for number in range(49)]
    results[7] = {"Status": "MESSAGE_REJECTED"}
    amazon.services.script("SendBulkEmail", {"BulkEmailEntryResults": results})
    sent = amazon.announces(*people)
    amazon.works(1)
    assert amazon.counts(sent) == {"accepted": 48, "failed": 1}
    assert len(amazon.services.of("SendBulkEmail")) == 1
    assert amazon.services.of("SendEmail") == []


@pytest.mark.parametrize(
    "fault",
    [
        Error("ThrottlingException", headers={"Retry-After": "3"}),
        Error("InternalServerException", 500),
        Error("ExpiredTokenException", 403),
    ],
    ids=lambda fault: fault.code,
)
def test_what_surely_was_not_taken_is_sent_again_until_it_is(amazon: Amazon, fault: Error) -> None:
    amazon.services.script("SendTextMessage", fault, fault)
    sent = amazon.announces(MARY)
    amazon.works(4)
    assert amazon.counts(sent) == {"accepted": 1}
    assert len(amazon.services.of("SendTextMessage")) == 3


@pytest.mark.parametrize("lost", [Silence(), Garbage()], ids=["silence", "garbage"])
def test_an_sms_whose_answer_is_lost_is_never_sent_twice_and_its_receipt_still_counts(
    amazon: Amazon, lost: Silence | Garbage
) -> None:
    amazon.services.script("SendTextMessage", lost)
    sent = amazon.announces(MARY)
    amazon.works(3)
    assert amazon.counts(sent) == {"unknown": 1}
    (sms,) = amazon.services.of("SendTextMessage")
    amazon.tells("sms_delivered.json", context=sms["Context"])
    assert amazon.counts(sent) == {"delivered": 1}


def test_a_provider_that_fails_for_good_costs_a_bounded_number_of_calls(amazon: Amazon) -> None:
    amazon.services.usually("SendTextMessage", lambda _: Error("InternalServerException", 500))
    sent = amazon.announces(MARY)
    amazon.works(100)
    assert amazon.counts(sent) == {"failed": 1}
    assert amazon.desk.status(sent) == "completed_with_failures"
    assert len(amazon.services.of("SendTextMessage")) == 6


def test_a_failing_provider_is_left_alone_then_probed_and_everybody_is_reached(amazon: Amazon) -> None:
    people = [{**MARY, "user_id": f"p{number}", "phone": f"+49151234567{number:02d}"} for number in range(12)]
    amazon.services.script("SendTextMessage", *[Error("InternalServerException", 500)] * 5)
    sent = amazon.announces(*people)
    amazon.service.worker().run_due()
    breaker = amazon.service.messaging.breakers.state("aws-sms")
    assert isinstance(breaker, OpenBreaker)
    assert len(amazon.services.of("SendTextMessage")) == 5
    amazon.works(8)
    assert amazon.service.messaging.breakers.state("aws-sms") == Closed(0)
    assert amazon.counts(sent) == {"accepted": 12}
    assert len(amazon.services.of("SendTextMessage")) == 17


def test_messages_wait_for_a_person_while_nobody_can_say_how_they_feel(amazon: Amazon) -> None:
    amazon.services.usually("DetectSentiment", lambda _: Error("InternalServerException", 500))
    first = amazon.announces(MARY)
    amazon.works(4)
    assert amazon.desk.status(first) == "held_for_review"
    second = amazon.desk.sends(text=NEWS, recipients=["ui102"])
    amazon.works(4)
    assert amazon.desk.status(second) == "held_for_review"
    assert isinstance(amazon.service.messaging.breakers.state("comprehend"), OpenBreaker)
    asked = len(amazon.services.of("DetectSentiment"))
    third = amazon.desk.sends(text=f"{NEWS} Really.", recipients=["ui102"])
    amazon.service.worker().run_due()
    assert amazon.desk.status(third) == "accepted"
    assert len(amazon.services.of("DetectSentiment")) == asked
    assert amazon.services.of("SendTextMessage") == []
    assert amazon.desk.review(first, "approve").status == 200
    amazon.works(1)
    assert amazon.counts(first) == {"accepted": 1}
    assert list(all_dead_items(amazon.service.store)) == []


def test_an_event_that_a_rule_emits_is_put_on_the_bus_once_however_often_throttled(amazon: Amazon) -> None:
    outcome = {"outcome": {"event": "high-risk", "rule": "High Risk"}, "ruleset": "premium"}
    amazon.services.script("PutEvents", Error("ThrottlingException"), Error("InternalException", 500))
    now = amazon.desk.api.clock.now()
    amazon.service.store.add(Item("evaluation-1-o0", EMIT, outcome, due_at=now))
    amazon.works(8)
    asked = [request["Entries"] for request in amazon.services.of("PutEvents")]
    assert len(asked) == 3
    assert asked[0] == asked[1] == asked[2]
    item = amazon.service.store.get("evaluation-1-o0")
    assert item is not None
    assert item.due_at is None
    assert "emitted_at" in item.state
