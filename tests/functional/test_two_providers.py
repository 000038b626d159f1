"""Two providers for one kind of message: what one does not take for now the other takes, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from service.messages.senders import SendersRefused
from service.work.breaker import FIRST_REST, TRIP_AFTER
from tests.aws import free_port
from tests.aws_services import Error, Silence
from tests.functional.plant import (
    CALL,
    DOWN,
    EXPIRED,
    MAIL,
    SMS,
    THROTTLED,
    Build,
    Plant,
    plants,
)
from tests.functional.test_notifications import ANNOUNCEMENT
from tests.twilio_service import ACCOUNT, NUMBER, TOKEN, Hangup, TwilioError

SENDERS = """{"*": [{"origin": "+4930900000", "provider": "aws", "channels": ["sms", "voice"], "two_way": true},
                    {"origin": "+14155550100", "provider": "twilio", "channels": ["sms", "voice"], "two_way": true}]}"""

DEAF = """{"*": [{"origin": "+4930900000", "provider": "aws", "two_way": true},
                 {"origin": "TOCSIN", "provider": "twilio"}]}"""


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    with plants(tmp_path, monkeypatch) as build:
        yield build


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
