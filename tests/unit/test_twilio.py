"""SMS and calls by Twilio, against a server that holds every request to the parameters that Twilio documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from service.channels import Accepted, Outcome, Reason, Reference, Refused, Sms, Unknown, VoiceCall
from service.channels.phones import Phone
from service.channels.twilio.account import Account, Twilio
from service.channels.twilio.meanings import REASONS, meaning
from service.channels.twilio.phone import MAX_TEXT, TwilioSms, TwilioVoice, twiml
from service.core.language_tags import Tag, parse_tag
from tests.aws import free_port
from tests.twilio_service import (
    ACCOUNT,
    NUMBER,
    TOKEN,
    Hangup,
    Rubbish,
    Script,
    TwilioError,
    TwilioService,
    twilio_service,
)

RECEIPTS = "https://tocsin.example.com/v1/inbound/twilio"
SMS = Sms(Phone("+4915123456701", "DE"), "Pumpe 1 ist ausgefallen & läuft nicht", Tag("de"), Reference("n-1-000001", 2))
CALL = VoiceCall(Phone("+33612345678", "FR"), "Pompe <1>\n\nen panne", Tag("fr"), Reference("n-1-000002", 1))


@pytest.fixture
def service() -> Iterator[TwilioService]:
    with twilio_service() as service:
        yield service


@pytest.fixture
def twilio(service: TwilioService) -> Twilio:
    return Twilio(Account(ACCOUNT, TOKEN, RECEIPTS, service.url))


def test_an_sms_carries_its_delivery_in_the_address_for_receipts(service: TwilioService, twilio: Twilio) -> None:
    outcome = TwilioSms(twilio, NUMBER).send(SMS)
    (asked,) = service.asked
    assert outcome == Accepted(asked.sid)
    assert asked.form == {
        "To": "+4915123456701",
        "From": NUMBER,
        "Body": "Pumpe 1 ist ausgefallen & läuft nicht",
        "StatusCallback": f"{RECEIPTS}?delivery=n-1-000001&attempt=2",
    }


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("TOCSIN", {"From": "TOCSIN"}),
        ("+4930900000", {"From": "+4930900000"}),
        ("MG" + "a" * 32, {"MessagingServiceSid": "MG" + "a" * 32}),
    ],
)
def test_a_message_leaves_from_its_own_identity(service: TwilioService, origin: str, said: dict[str, str]) -> None:
    twilio = Twilio(Account(ACCOUNT, TOKEN, url=service.url + "/"))
    assert isinstance(TwilioSms(twilio, NUMBER).send(structs.replace(SMS, origin=origin)), Accepted)
    (form,) = service.of("Messages")
    assert {name: form[name] for name in form if name not in {"To", "Body"}} == said


def test_a_call_reads_every_word_in_the_voice_of_its_language(service: TwilioService, twilio: Twilio) -> None:
    assert isinstance(TwilioVoice(twilio, NUMBER).send(CALL), Accepted)
    (form,) = service.of("Calls")
    assert form["Twiml"] == '<Response><Say voice="Polly.Lea"><p>Pompe &lt;1&gt;</p><p>en panne</p></Say></Response>'
    assert (form["To"], form["From"]) == ("+33612345678", NUMBER)


def test_a_call_that_asks_takes_one_key_where_twilio_can_reach_us(service: TwilioService, twilio: Twilio) -> None:
    asked = structs.replace(CALL, keys="Appuyez sur 1 ou 2.")
    assert isinstance(TwilioVoice(twilio, NUMBER).send(asked), Accepted)
    assert isinstance(TwilioVoice(Twilio(Account(ACCOUNT, TOKEN, url=service.url)), NUMBER).send(asked), Accepted)
    with_keys, without = (ET.fromstring(form["Twiml"]) for form in service.of("Calls"))
    (gather,) = with_keys
    assert gather.attrib == {
        "numDigits": "1",
        "timeout": "10",
        "action": f"{RECEIPTS}?delivery=n-1-000002&attempt=1",
    }
    assert "".join(gather.itertext()) == "Pompe <1>en panneAppuyez sur 1 ou 2."
    assert [each.tag for each in without] == ["Say"]


@given(st.text(min_size=1, max_size=300))
def test_what_is_said_on_the_phone_is_the_text_whatever_it_holds(text: str) -> None:
    said = "".join(ET.fromstring(twiml(text, "LEA")).itertext())
    spoken = [word for word in text.split() if word.isalnum()]
    assert [word for word in spoken if word not in said] == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (TwilioError(400, 21211), Reason.ADDRESS),
        (TwilioError(400, 21614), Reason.ADDRESS),
        (TwilioError(400, 21610), Reason.OPTED_OUT),
        (TwilioError(400, 21408), Reason.BLOCKED),
        (TwilioError(400, 21606), Reason.ACCOUNT),
        (TwilioError(400, 21609), Reason.ACCOUNT),
        (TwilioError(400, 21617), Reason.CONTENT),
        (TwilioError(400, 99999), Reason.CONTENT),
        (TwilioError(400, None), Reason.CONTENT),
        (TwilioError(401, 20003), Reason.ACCESS),
        (TwilioError(403, None), Reason.ACCOUNT),
        (TwilioError(402, None), Reason.LIMIT),
        (TwilioError(400, 30002), Reason.LIMIT),
        (TwilioError(400, 63038), Reason.LIMIT),
        (TwilioError(400, 14107), Reason.THROTTLED),
        (TwilioError(400, 30001), Reason.THROTTLED),
        (TwilioError(429, 20429), Reason.THROTTLED),
        (TwilioError(400, 21611), Reason.THROTTLED),
        (TwilioError(500, 20500), Reason.PROVIDER),
        (TwilioError(503, 20503), Reason.PROVIDER),
        (Rubbish(500), Reason.PROVIDER),
        (Rubbish(502, b""), Reason.PROVIDER),
    ],
    ids=str,
)
def test_what_twilio_answers_decides_what_is_done_next(
    service: TwilioService, twilio: Twilio, answer: Script, reason: Reason
) -> None:
    service.script(answer)
    outcome = TwilioSms(twilio, NUMBER).send(SMS)
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason
    assert "+49" not in outcome.detail
    permanent = {Reason.ADDRESS, Reason.OPTED_OUT, Reason.BLOCKED, Reason.CONTENT}
    assert outcome.permanent == (reason in permanent)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, timedelta(seconds=7)),
        ({"Retry-After": "99999999999"}, timedelta(hours=1)),
        (
            {"Retry-After": "Sun, 10 May 2026 12:00:30 GMT", "Date": "Sun, 10 May 2026 12:00:00 GMT"},
            timedelta(seconds=30),
        ),
        ({"Retry-After": "Sun, 10 May 2026 11:00:00 GMT", "Date": "Sun, 10 May 2026 12:00:00 GMT"}, timedelta(0)),
        ({"Retry-After": "soon"}, timedelta(0)),
        ({}, timedelta(0)),
    ],
)
def test_retry_after_is_kept_in_seconds_and_as_a_date(
    service: TwilioService, twilio: Twilio, headers: dict[str, str], wait: timedelta
) -> None:
    service.script(TwilioError(429, 20429, headers))
    outcome = TwilioSms(twilio, NUMBER).send(SMS)
    assert isinstance(outcome, Refused)
    assert outcome.retry_after == wait


@pytest.mark.parametrize(
    "answer",
    [Hangup(), Rubbish(), Rubbish(201, b'{"sid": null}'), Rubbish(200, b"[]"), TwilioError(504, None)],
    ids=str,
)
def test_an_answer_that_is_lost_or_says_nothing_leaves_doubt(
    service: TwilioService, twilio: Twilio, answer: Script
) -> None:
    service.script(answer)
    assert isinstance(TwilioSms(twilio, NUMBER).send(SMS), Unknown)
    assert len(service.asked) == 1, "never sent a second time by the client itself"


def test_nobody_listening_is_a_refusal_not_a_doubt() -> None:
    outcome = TwilioSms(Twilio(Account(ACCOUNT, TOKEN, url=f"http://127.0.0.1:{free_port()}")), NUMBER).send(SMS)
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.PROVIDER


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (lambda twilio: TwilioSms(twilio).send(SMS), "TOCSIN_TWILIO_IDENTITY"),
        (lambda twilio: TwilioSms(twilio, NUMBER).send(structs.replace(SMS, text="x" * (MAX_TEXT + 1))), "1,601"),
        (lambda twilio: TwilioSms(twilio, NUMBER).send(structs.replace(SMS, text="")), "this has 0"),
        (lambda twilio: TwilioVoice(twilio, "TOCSIN").send(CALL), "calls need a phone number"),
        (
            lambda twilio: TwilioVoice(twilio, NUMBER).send(structs.replace(CALL, voice=parse_tag("sl"))),
            "no voice speaks sl",
        ),
        (lambda twilio: TwilioVoice(twilio, NUMBER).send(structs.replace(CALL, text="word " * 1000)), "4,000"),
    ],
)
def test_what_twilio_would_refuse_is_not_sent(
    service: TwilioService, twilio: Twilio, outcome: Callable[[Twilio], Outcome], said: str
) -> None:
    refused = outcome(twilio)
    assert isinstance(refused, Refused)
    assert said in refused.detail
    assert service.asked == []


def test_a_code_goes_before_its_http_status() -> None:
    assert meaning(400, 20429) is Reason.THROTTLED
    assert {meaning(status, code) for code in REASONS for status in (400, 429, 500)} == set(REASONS.values())


@pytest.mark.parametrize("status", [302, 408, 409, 418, 423, 425, 431, 500, 502, 503])
def test_a_status_that_says_nothing_of_the_message_is_twilios_own_trouble(
    service: TwilioService, twilio: Twilio, status: int
) -> None:
    service.script(TwilioError(status, None))
    outcome = TwilioSms(twilio, NUMBER).send(SMS)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.permanent) == (Reason.PROVIDER, False)


def test_the_token_is_never_shown() -> None:
    assert TOKEN not in repr(Account(ACCOUNT, TOKEN))
