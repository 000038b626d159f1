"""An installation that writes and calls by Twilio: pages go out, answers and receipts come in, strangers do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest

from service.config import Settings
from service.core.clock import HandClock
from service.core.enums import Scope
from service.inbound.twilio.signature import signature
from service.wiring.app import Service
from tests.functional.client import Client, InProcess, Reply
from tests.functional.conftest import NOON, Api
from tests.functional.few_rules import few_rules
from tests.functional.incident_room import Room
from tests.functional.test_notifications import MARY, Desk
from tests.twilio_service import ACCOUNT, NUMBER, TOKEN, Hangup, TwilioError, TwilioService, twilio_service

PUBLIC = "https://tocsin.example.com"
ANN, BEN = "+4915123456701", "+4915123456702"
NAMED = [{"name": "Ann", "phone": ANN, "language": "en"}, {"name": "Ben", "phone": BEN, "language": "de"}]


@dataclass(frozen=True, slots=True)
class Line:
    """The service, Twilio behind it and in front of it."""

    room: Room
    twilio: TwilioService

    def opens(self, description: str = "Pump 1 failed", policy: str = "default") -> str:
        return self.room.opens(description=description, contacts=NAMED, policy=policy)

    def texts(self, to: str) -> list[str]:
        return [form["Body"] for form in self.twilio.of("Messages") if form["To"] == to]

    def calls_back(self, url: str, fields: Mapping[str, str], signed: str | None = None) -> Reply:
        """A request as Twilio makes it, signed unless another signature is given; then the worker works."""
        everything = {"AccountSid": ACCOUNT, "ApiVersion": "2010-04-01", **fields}
        right = signature(TOKEN, url, tuple(everything.items()))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if signed != "":
            headers["X-Twilio-Signature"] = right if signed is None else signed
        path = url.removeprefix(PUBLIC)
        line = self.room.api.client.with_key(None)
        reply = line.call("POST", path, body=urlencode(everything), headers=headers)
        self.room.works()
        return reply

    def hears(
        self, text: str, sender: str = ANN, sid: str = "SM" + "1" * 32, signed: str | None = None, **more: str
    ) -> Reply:
        """Somebody writes to our number."""
        fields = {"MessageSid": sid, "SmsSid": sid, "From": sender, "To": NUMBER, "Body": text, "NumMedia": "0", **more}
        return self.calls_back(f"{PUBLIC}/v1/inbound/twilio", fields, signed)

    def reports(self, number: int, status: str, code: str | None = None, **fields: str) -> Reply:
        """Twilio says what became of what it was asked for as number so-and-so."""
        asked = self.twilio.asked[number]
        name, told = ("MessageSid", "MessageStatus") if asked.resource == "Messages" else ("CallSid", "CallStatus")
        members = {name: asked.sid, told: status, **({} if code is None else {"ErrorCode": code}), **fields}
        return self.calls_back(asked.form["StatusCallback"], members)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    rules = few_rules(tmp_path)
    default = (rules / "escalation" / "default.yaml").read_text()
    by_phone = default.replace("escalation: default", "escalation: calls").replace(
        "channels: [sms]", "channels: [voice]"
    )
    (rules / "escalation" / "calls.yaml").write_text(by_phone)
    with twilio_service() as twilio:
        settings = Settings(
            home=tmp_path,
            rules_dir=rules,
            rules_watch=False,
            public_url=PUBLIC,
            twilio_account=ACCOUNT,
            twilio_tokens=(TOKEN, "an-older-one"),
            twilio_identity=NUMBER,
            twilio_url=twilio.url,
        )
        clock = HandClock(NOON)
        service = Service(settings, clock)
        service.working_copies.sweep()
        _, key = service.keys.create("test app", list(Scope))
        yield Line(Room(Api(service, clock, Client(InProcess(service.flask()), key))), twilio)
        service.store.close()


def test_a_page_goes_out_and_its_answer_acknowledges(line: Line) -> None:
    incident = line.opens()
    (page,) = line.texts(ANN)
    assert "Pump 1 failed" in page
    reply = line.hears("Yes.")
    assert (reply.status, reply.text, reply.headers["Content-Type"]) == (200, "<Response></Response>", "text/xml")
    assert line.room.state(incident) == "acknowledged"
    assert len(line.texts(ANN)) == 2


@pytest.mark.parametrize(("key", "state", "level"), [("1", "acknowledged", None), ("2", "open", 2), ("9", "open", 1)])
def test_a_key_pressed_during_a_call_answers_the_page_it_read_out(line: Line, key: str, state: str, level: int) -> None:
    line.opens("Pump 2 failed")
    incident = line.opens(policy="calls")
    (call,) = (each for each in line.twilio.asked if each.resource == "Calls")
    (gather,) = ET.fromstring(call.form["Twiml"])
    assert "press 1 for yes or 2 for no" in "".join(gather.itertext())
    pressed = {"CallSid": call.sid, "CallStatus": "in-progress", "Digits": key, "From": NUMBER, "To": ANN}
    for _ in range(2):
        assert line.calls_back(gather.attrib["action"], pressed).status == 200
    assert (line.room.state(incident), line.room.read(incident).get("level")) == (state, level)


def test_what_twilio_did_not_sign_is_403_and_changes_nothing(line: Line) -> None:
    incident = line.opens()
    before = line.room.read(incident)
    right = f"{PUBLIC}/v1/inbound/twilio"
    for signed in ("", "rubbish", signature("stranger", right, ()), signature(TOKEN, right, (("Body", "yes"),))):
        reply = line.hears("yes", signed=signed)
        assert reply.status == 403
        assert "not Twilio's" in reply.text
    assert line.room.read(incident) == before
    assert len(line.twilio.asked) == 1


def test_a_replayed_answer_changes_nothing_not_even_weeks_later(line: Line) -> None:
    first = line.opens()
    for _ in range(3):
        assert line.hears("no").status == 200
    assert line.room.read(first)["level"] == 2
    line.room.waits(200)
    line.room.api.clock.advance(timedelta(days=30))
    second = line.opens("Pump 2 failed")
    before, asked = line.room.read(second), len(line.twilio.asked)
    assert line.hears("no").status == 200
    assert line.room.read(second) == before
    assert len(line.twilio.asked) == asked


def test_a_page_that_did_not_arrive_hands_the_incident_on_once(line: Line) -> None:
    incident = line.opens()
    assert line.reports(0, "sent").status == 200
    assert line.room.read(incident)["level"] == 1
    for _ in range(2):
        assert line.reports(0, "undelivered", "30006").status == 200
    assert line.room.read(incident)["level"] == 2
    assert "Ann cannot be reached by sms: it is refused for good" in line.room.timeline(incident)
    assert len(line.texts(BEN)) == 1


def test_receipts_of_sms_and_calls_reach_their_deliveries(line: Line) -> None:
    desk = Desk(line.room.api)
    people = [{**MARY, "user_id": "s", "phone": ANN}, {**MARY, "user_id": "v", "phone": BEN, "preference": "voice"}]
    desk.recipients("all", *people)
    sent = desk.sends(text="Das Lager ist am Montag zu.", language="de", audience="all")
    desk.works(2)
    assert desk.counts(sent) == {"accepted": 2}
    by_resource = {asked.resource: place for place, asked in enumerate(line.twilio.asked)}
    for status in ("queued", "sent", "delivered", "sent"):
        assert line.reports(by_resource["Messages"], status).status == 200
    for status in ("ringing", "in-progress", "no-answer"):
        assert line.reports(by_resource["Calls"], status).status == 200
    assert desk.counts(sent) == {"delivered": 1, "failed": 1}


def test_stop_and_start_are_heard(line: Line) -> None:
    desk = Desk(line.room.api)
    desk.recipients("mary", {**MARY, "phone": ANN})
    line.hears("STOP", sid="SM" + "2" * 32)
    sent = desk.sends(text="Das Lager ist am Montag zu.", language="de", audience="mary")
    desk.works(2)
    assert desk.counts(sent) == {"suppressed": 1}


def test_what_twilio_calls_a_stop_is_one_and_is_answered_by_twilio_alone(line: Line) -> None:
    incident = line.opens()
    line.hears("GENUG", OptOutType="STOP")
    assert any("this phone wants no messages" in each for each in line.room.timeline(incident))
    assert len(line.texts(ANN)) == 1


def test_a_yes_that_twilio_takes_for_its_start_is_an_answer(line: Line) -> None:
    incident = line.opens()
    line.hears("YES", OptOutType="START")
    assert line.room.state(incident) == "acknowledged"


def test_who_opted_out_at_twilio_is_remembered_and_the_next_contact_paged(line: Line) -> None:
    line.twilio.script(TwilioError(400, 21610))
    incident = line.opens()
    assert len(line.texts(BEN)) == 1
    assert line.room.read(incident)["level"] == 2
    line.opens(description="Pump 2 failed")
    assert len(line.texts(ANN)) == 1


def test_who_opted_out_at_twilio_is_sent_no_further_notification_and_not_called(line: Line) -> None:
    desk = Desk(line.room.api)
    desk.recipients("mary", {**MARY, "phone": ANN})
    desk.recipients("called", {**MARY, "user_id": "v", "phone": ANN, "preference": "voice"})
    line.twilio.script(TwilioError(400, 21610))
    sent = [desk.sends(text="Das Lager ist am Montag zu.", language="de", audience="mary")]
    desk.works(2)
    sent += [desk.sends(text="Das Lager ist am Montag zu.", language="de", audience=one) for one in ("mary", "called")]
    desk.works(2)
    assert [desk.counts(one) for one in sent] == [{"failed": 1}, {"suppressed": 1}, {"suppressed": 1}]
    assert len(line.twilio.asked) == 1


def test_a_page_is_sent_again_after_a_throttle_and_after_a_lost_answer(line: Line) -> None:
    line.twilio.script(TwilioError(429, 20429, {"Retry-After": "5"}), Hangup())
    incident = line.opens()
    line.room.waits(4)
    assert len(line.texts(ANN)) == 1, "Retry-After is honoured"
    line.room.waits(6)
    assert len(line.texts(ANN)) == 3
    line.hears("yes")
    assert line.room.state(incident) == "acknowledged"


def test_a_notification_whose_answer_was_lost_is_never_sent_twice_and_its_receipt_counts(line: Line) -> None:
    desk = Desk(line.room.api)
    desk.recipients("mary", {**MARY, "phone": ANN})
    line.twilio.script(Hangup())
    sent = desk.sends(text="Das Lager ist am Montag zu.", language="de", audience="mary")
    desk.works(100)
    assert desk.counts(sent) == {"unknown": 1}
    assert len(line.twilio.asked) == 1
    line.reports(0, "delivered")
    assert desk.counts(sent) == {"delivered": 1}


def test_the_address_for_receipts_is_the_public_one(line: Line) -> None:
    line.opens()
    parts = urlsplit(line.twilio.asked[0].form["StatusCallback"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{PUBLIC}/v1/inbound/twilio"
