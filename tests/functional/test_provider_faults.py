"""Everything that a provider can do wrong, to every kind of message: nothing lost, nothing twice, a bounded number of
calls, a breaker that opens and closes, and metrics that show it. Providers are stubs that hold us to their models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from service.app import Service
from service.clock import HandClock
from service.config import Settings
from service.messages.senders import SendersRefused
from service.storage import Store
from service.storage.sqlite import SqliteStore
from service.ways_out import TwilioMisconfigured
from service.words import Scope
from service.work import all_dead_items
from service.work.breaker import FIRST_REST, TRIP_AFTER
from tests.aws import free_port
from tests.aws_services import Answer, AwsServices, Error, Garbage, Request, Silence, aws_services
from tests.functional.client import Client, InProcess
from tests.functional.conftest import NOON, Api
from tests.functional.few_rules import few_rules
from tests.functional.incident_room import Room
from tests.functional.test_notifications import ANNOUNCEMENT, EVENT, JOHN, MARY, Desk
from tests.twilio_service import ACCOUNT, NUMBER, TOKEN, Hangup, TwilioError, TwilioService, twilio_service

NEWS = "The warehouse in Leeds is closed on Monday for the yearly stock count."
SMS, MAIL, CALL = "SendTextMessage", "SendEmail", "SendVoiceMessage"
PEOPLE: Mapping[str, Mapping[str, object]] = {
    MAIL: JOHN,
    SMS: {**MARY, "phone": "+4915123456701"},
    CALL: {**MARY, "user_id": "ui104", "phone": "+4915123456702", "preference": "voice"},
}
OPERATIONS = (MAIL, SMS, CALL)
PROVIDER = {MAIL: "ses", SMS: "aws-sms", CALL: "aws-voice"}
DOWN, THROTTLED = Error("InternalServerException", 500), Error("ThrottlingException", headers={"Retry-After": "7"})
EXPIRED = Error("ExpiredTokenException", 403)
SENDERS = """{"*": [{"origin": "+4930900000", "provider": "aws", "channels": ["sms", "voice"], "two_way": true},
                    {"origin": "+14155550100", "provider": "twilio", "channels": ["sms", "voice"], "two_way": true}]}"""

DEAF = """{"*": [{"origin": "+4930900000", "provider": "aws", "two_way": true},
                 {"origin": "TOCSIN", "provider": "twilio"}]}"""


@dataclass(frozen=True, slots=True)
class Plant:
    """An app that sends by AWS, and where it is said, by Twilio."""

    desk: Desk
    aws: AwsServices
    twilio: TwilioService

    @property
    def room(self) -> Room:
        return Room(self.desk.api)

    def announces(self, *operations: str, text: str = ANNOUNCEMENT) -> str:
        self.desk.recipients(EVENT, *[PEOPLE[operation] for operation in operations])
        return self.desk.sends(text=text, audience=EVENT)

    def to_many(self, operation: str, number: int) -> str:
        """Announce to as many people, each of whom costs a call."""
        many: list[Mapping[str, object]] = []
        for place in range(number):
            address = f"p{place}@example.com" if operation == MAIL else f"+49151234567{place:02d}"
            kind = "email" if operation == MAIL else "phone"
            one = {**PEOPLE[operation], "user_id": f"p{place}", "first_name": f"P{place}", kind: address}
            many.append(one)
        self.desk.recipients(EVENT, *many)
        text = "{{ first_name }}: " + NEWS if operation == MAIL else NEWS
        return self.desk.sends(text=text, audience=EVENT)

    def counts(self, sent: str) -> object:
        return self.desk.counts(sent)

    def attempts(self, sent: str) -> int:
        """How often the copies of a notification were tried, all together."""
        copies = self.desk.api.client.get(f"/v1/notifications/{sent}/deliveries").json()["items"]
        assert isinstance(copies, list)
        return sum(copy["attempt"] for copy in copies)

    def asked(self) -> Mapping[str, int]:
        """How often AWS was called for each kind of message."""
        return {operation: len(self.aws.of(operation)) for operation in OPERATIONS}

    def metric(self, name: str, **labels: str) -> float:
        """One sample of `/metrics`, 0 where there is none."""
        shown = self.desk.api.client.with_key(None).get("/metrics").text
        wanted = f"{name}{{" + ",".join(f'{label}="{value}"' for label, value in sorted(labels.items())) + "} "
        return next((float(line.split()[-1]) for line in shown.splitlines() if line.startswith(wanted)), 0.0)

    def breaker(self, provider: str) -> float:
        return self.metric("tocsin_breaker_state", provider=provider)

    def sends(self, provider: str, outcome: str) -> float:
        return self.metric("tocsin_sends_total", provider=provider, outcome=outcome)


Build = Callable[..., Plant]


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    with ExitStack() as stack:
        aws, twilio = stack.enter_context(aws_services()), stack.enter_context(twilio_service())
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        aws.usually("DetectDominantLanguage", language_of)

        def open_plant(**settings: object) -> Plant:
            clock = HandClock(NOON)
            store = SqliteStore(tmp_path / "items.db", clock)
            stack.callback(store.close)
            given = {"twilio_url": twilio.url, **settings}
            return Plant(sending_by_aws(tmp_path, store, clock, **given), aws, twilio)

        yield open_plant


def sending_by_aws(home: Path, store: Store, clock: HandClock, **settings: object) -> Desk:
    """An app whose messages leave by AWS, and where it is said, by Twilio; its items are in any store."""
    given = {
        "home": home,
        "rules_dir": few_rules(home),
        "rules_watch": False,
        "backend": "aws",
        "mail_from": "Tocsin <tocsin@example.com>",
        "phone_identity": "+4930900000",
        **settings,
    }
    service = Service(Settings.model_validate(given), clock, store)
    service.working_copies.sweep()
    _, key = service.keys.create("test app", list(Scope))
    return Desk(Api(service, clock, Client(InProcess(service.flask()), key)))


def language_of(request: Request) -> Answer:
    """The stub translates by writing `[de] …`."""
    text = str(request["Text"])
    return {"Languages": [{"LanguageCode": text[1:3] if text.startswith("[") else "en", "Score": 0.99}]}


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


def test_providers_that_throttle_for_ever_cost_a_bounded_number_of_calls(plant: Plant) -> None:
    for operation in OPERATIONS:
        plant.aws.usually(operation, lambda _: Error("ThrottlingException"))
    sent = plant.announces(*OPERATIONS)
    plant.desk.works(30 * 60)
    assert plant.counts(sent) == {"failed": 3}
    assert plant.asked() == {MAIL: 6, SMS: 6, CALL: 6}, "the bulk lane's attempts"
    for operation in OPERATIONS:
        assert plant.breaker(PROVIDER[operation]) == 0, "a throttle opens no breaker"


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
    plant.aws.script(service, *[replace(THROTTLED, headers={"Retry-After": "40"})] * 3)
    sent = plant.announces(SMS, text=NEWS)
    plant.desk.works(35)
    asked = len(plant.aws.of(service))
    assert plant.aws.of(SMS) == []
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


@pytest.fixture
def two(build: Build) -> Plant:
    """AWS first, Twilio where AWS cannot."""
    weights = "aws-sms=1, twilio-sms=0, aws-voice=1, twilio-voice=0"
    return build(senders=SENDERS, providers=weights, twilio_account=ACCOUNT, twilio_tokens=TOKEN)


def page(plant: Plant, number: int) -> None:
    """Open an incident for a person of its own."""
    ann = {"name": "Ann", "phone": f"+4915123456{number:03d}", "language": "en"}
    plant.room.opens(description=f"Pump {number} failed", contacts=[ann])


@pytest.mark.parametrize("fault", [THROTTLED, DOWN, EXPIRED], ids=lambda fault: fault.code)
def test_what_amazon_refuses_for_now_leaves_by_twilio_at_once(two: Plant, fault: Error) -> None:
    before = (two.sends("twilio-sms", "accepted"), two.sends("twilio-voice", "accepted"))
    two.aws.script(SMS, fault)
    two.aws.script(CALL, fault)
    sent = two.announces(SMS, CALL)
    two.desk.works(1)
    assert two.counts(sent) == {"accepted": 2}
    assert [form["From"] for resource in ("Messages", "Calls") for form in two.twilio.of(resource)] == [NUMBER, NUMBER]
    after = (two.sends("twilio-sms", "accepted"), two.sends("twilio-voice", "accepted"))
    assert after == (before[0] + 1, before[1] + 1)


def test_while_amazon_is_down_pages_leave_by_twilio_and_amazon_is_spared_until_it_recovers(two: Plant) -> None:
    two.aws.usually(SMS, lambda _: DOWN)
    for number in range(10):
        page(two, number)
    assert len(two.twilio.of("Messages")) == 10
    assert len(two.aws.of(SMS)) == TRIP_AFTER
    assert two.breaker("aws-sms") == 2
    two.aws.usually(SMS, lambda _: {"MessageId": "m"})
    two.desk.api.clock.advance(FIRST_REST)
    page(two, 999)
    assert two.breaker("aws-sms") == 0
    assert two.aws.of(SMS)[-1]["DestinationPhoneNumber"] == "+4915123456999"


def test_a_notification_that_amazon_may_have_taken_never_leaves_by_twilio_too(two: Plant) -> None:
    two.aws.script(SMS, Silence())
    sent = two.announces(SMS)
    two.desk.works(60)
    assert two.counts(sent) == {"unknown": 1}
    assert two.twilio.asked == []


def test_no_page_leaves_from_a_name_that_nobody_can_answer_though_the_other_provider_is_down(build: Build) -> None:
    plant = build(senders=DEAF, twilio_account=ACCOUNT, twilio_tokens=TOKEN)
    plant.aws.usually(SMS, lambda _: DOWN)
    for number in range(8):
        page(plant, number)
    assert plant.twilio.asked == []
    sent = plant.announces(SMS)
    plant.desk.works(1)
    assert plant.counts(sent) == {"accepted": 1}
    assert [form["From"] for form in plant.twilio.of("Messages")] == ["TOCSIN"]


def test_when_both_are_down_everything_waits_and_then_arrives_once(two: Plant) -> None:
    two.aws.usually(SMS, lambda _: DOWN)
    two.twilio.always(TwilioError(503, 20503))
    sent = two.to_many(SMS, 8)
    two.desk.works(5)
    assert two.counts(sent) == {"pending": 8}
    assert (two.breaker("aws-sms"), two.breaker("twilio-sms")) == (2, 2)
    two.twilio.always(None)
    before = len(two.twilio.asked)
    two.desk.works(FIRST_REST.total_seconds() + 120)
    assert two.counts(sent) == {"accepted": 8}
    assert sorted(form["To"] for form in two.twilio.of("Messages")[before:]) == sorted(
        f"+49151234567{place:02d}" for place in range(8)
    )


def test_when_twilio_may_have_taken_what_amazon_refused_it_stays_in_doubt(two: Plant) -> None:
    two.aws.usually(SMS, lambda _: DOWN)
    two.twilio.script(Hangup())
    sent = two.announces(SMS)
    two.desk.works(60)
    assert two.counts(sent) == {"unknown": 1}
    assert len(two.twilio.asked) == 1


def test_mail_that_ses_refuses_for_now_leaves_by_the_mail_server_where_the_weights_say_so(build: Build) -> None:
    letters: list[str] = []

    class Inbox:
        async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
            letters.extend(envelope.rcpt_tos)
            return "250 OK"

    server = Controller(Inbox(), hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        plant = build(smtp_url=f"smtp://127.0.0.1:{server.port}", providers="ses=1,smtp=0")
        plant.aws.script(MAIL, DOWN)
        sent = plant.announces(MAIL)
        plant.desk.works(1)
        assert plant.counts(sent) == {"accepted": 1}
        assert (plant.asked()[MAIL], letters) == (1, ["john@example.com"])
        again = plant.desk.sends(text=ANNOUNCEMENT, recipients=["ui101"])
        plant.desk.works(1)
        assert plant.counts(again) == {"accepted": 1}
        assert (plant.asked()[MAIL], len(letters)) == (2, 1)
    finally:
        server.stop()


def test_a_provider_that_the_weights_leave_out_gets_nothing(build: Build) -> None:
    plant = build(twilio_account=ACCOUNT, twilio_tokens=TOKEN, twilio_identity=NUMBER, providers="twilio-sms=1")
    sent = plant.announces(SMS, CALL)
    plant.desk.works(1)
    assert plant.counts(sent) == {"accepted": 2}
    assert plant.asked()[SMS] == 0
    assert len(plant.twilio.of("Messages")) == 1
    assert plant.asked()[CALL] + len(plant.twilio.of("Calls")) == 1


def test_identities_must_say_whose_they_are_where_there_are_two_providers(build: Build) -> None:
    unsaid = SENDERS.replace('"provider": "aws", ', "")
    with pytest.raises(SendersRefused, match="provider: aws"):
        build(senders=unsaid, twilio_account=ACCOUNT, twilio_tokens=TOKEN)


def test_an_account_without_a_token_is_refused_at_start(build: Build) -> None:
    with pytest.raises(TwilioMisconfigured, match="TOCSIN_TWILIO_TOKENS"):
        build(twilio_account=ACCOUNT)
