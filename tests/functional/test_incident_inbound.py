"""What comes in from outside: Amazon SNS with real signatures, links in emails, callbacks going out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from pathlib import Path
from time import thread_time

import pytest
from flask import Flask
from itsdangerous import URLSafeSerializer

from service import http
from service.channels import Reference
from service.core.clock import HandClock, timestamp
from service.inbound.sns import routes
from service.inbound.sns.certificates import SigningCertificates
from service.inbound.sns.envelope import TOPIC_HEADER, SnsGate
from service.messages.segments import segments_of
from service.wiring.messaging import signing_keys
from tests.functional.backends import Install
from tests.functional.client import Client, InProcess, Reply
from tests.functional.conftest import Api, api_of
from tests.functional.incident_room import ANN, BEN, NAMED, Room
from tests.unit.sns_signing import CERTIFICATE_URL, NOW, TOPIC, Authority, Web, confirmation, notification, pem, signed

REPEATED_ON_AWS = False

EVENTS = Path(__file__).parents[1] / "events"
AMAZON = Authority()


@dataclass(frozen=True, slots=True)
class Sns:
    """Amazon SNS in front of the service: its certificates come from a CA of the test's own."""

    room: Room
    line: Client
    web: Web

    def delivers(self, members: dict[str, str], ago: timedelta = timedelta()) -> Reply:
        at = timestamp(self.room.api.clock.now() - ago)[:23] + "Z"
        return self.sends(signed({**members, "Timestamp": at}))

    def sends(self, body: str, topic: str = TOPIC) -> Reply:
        reply = self.line.call(
            "POST", "/v1/inbound/sns", body=body, headers={"Content-Type": "text/plain", TOPIC_HEADER: topic}
        )
        self.room.works()
        return reply

    def sms(self, text: str, number: str = ANN, message: str = "m-1", answers: str | None = None) -> dict[str, str]:
        """`answers` is the provider's id of the message that the person appears to answer."""
        payload = json.loads((EVENTS / "two_way_sms.json").read_text())
        presumed = {} if answers is None else {"previousPublishedMessageId": answers}
        said = {"messageBody": text, "originationNumber": number, "inboundMessageId": message, **presumed}
        return notification({**payload, **said})


@pytest.fixture
def sns(install: Install) -> Sns:
    clock = HandClock(NOW)
    service = install(clock)
    web = Web({CERTIFICATE_URL: pem(AMAZON.signing(), AMAZON.intermediate)})
    gate = SnsGate([TOPIC], SigningCertificates(web, [AMAZON.root], clock), clock)
    app = Flask("inbound")
    http.install(app, service.store, service.keys, clock)
    app.register_blueprint(routes.blueprint(gate, service.escalation.receivers, web))
    return Sns(Room(api_of(service)), Client(InProcess(app), None), web)


def test_a_mail_that_ses_took_in_acknowledges_by_the_message_it_answers(sns: Sns) -> None:
    profile = {"first_name": "Ann", "email": "ann@example.com", "language": "en", "preference": "email"}
    sns.room.api.client.call("PUT", "/v1/recipients/ann", json=profile)
    incident = sns.room.opens(contacts=[{"recipient": "ann"}], policy="assignment")
    stamp = sns.room.api.service.escalation.tokens.stamped(Reference(f"message-{incident}-000001", 1))
    mail = f"From: ann@example.com\r\nIn-Reply-To: <{stamp}@example.com>\r\n\r\nYes\r\n"
    content = base64.b64encode(mail.encode()).decode()
    received = {"notificationType": "Received", "mail": {}, "receipt": {"action": {"encoding": "BASE64"}}}
    assert sns.delivers(notification(received | {"content": content})).status == 200
    assert sns.room.state(incident) == "acknowledged"


def test_a_reply_by_sns_acknowledges(sns: Sns) -> None:
    incident = sns.room.opens()
    assert sns.delivers(sns.sms("Yes.")).status == 200
    assert sns.room.state(incident) == "acknowledged"


def test_a_replayed_reply_changes_nothing(sns: Sns) -> None:
    incident = sns.room.opens()
    for _ in range(3):
        assert sns.delivers(sns.sms("no")).status == 200
    assert sns.room.read(incident)["level"] == 2
    assert len(sns.room.inbox(ANN)) == 2


def test_a_late_reply_is_not_applied_to_an_incident_that_did_not_exist_when_it_was_written(sns: Sns) -> None:
    first = sns.room.opens(description="Pump 1 failed")
    page = sns.room.last_id(ANN)
    sns.room.waits(170)
    assert sns.room.state(first) == "unacknowledged"
    sns.room.api.clock.advance(timedelta(minutes=45))
    second = sns.room.opens(description="Everything burns")
    late = sns.sms("yes", answers=page)
    assert sns.delivers(late, ago=timedelta(minutes=47)).status == 200
    assert (sns.room.state(first), sns.room.state(second)) == ("unacknowledged", "open")
    assert sns.room.inbox(ANN)[-1].startswith("Which one do you mean: 12 Everything burns, 11 Pump 1 failed? ")
    assert sns.delivers(sns.sms("12", message="m-2")).status == 200
    assert (sns.room.state(first), sns.room.state(second)) == ("unacknowledged", "acknowledged")


def test_a_late_reply_means_the_incident_whose_page_was_there_when_it_was_written(sns: Sns) -> None:
    first = sns.room.opens(description="Pump 1 failed")
    sns.room.api.clock.advance(timedelta(seconds=30))
    second = sns.room.opens(description="Pump 2 failed")
    assert sns.delivers(sns.sms("yes"), ago=timedelta(seconds=20)).status == 200
    assert (sns.room.state(first), sns.room.state(second)) == ("acknowledged", "open")


@pytest.mark.parametrize(("ago", "state"), [(4, "acknowledged"), (6, "open")])
def test_clocks_of_carriers_may_be_five_seconds_off(sns: Sns, ago: int, state: str) -> None:
    incident = sns.room.opens()
    assert sns.delivers(sns.sms("yes"), ago=timedelta(seconds=ago)).status == 200
    assert sns.room.state(incident) == state


def test_what_sns_did_not_send_for_our_topic_is_403_and_changes_nothing(sns: Sns) -> None:
    incident = sns.room.opens()
    sms = sns.sms("yes")
    before = sns.room.read(incident)
    old = timestamp(NOW - timedelta(hours=2))[:23] + "Z"
    evil = "https://sns.us-east-1.amazonaws.com.evil.example/cert.pem"
    refused = [
        signed(sms, "stranger"),
        signed({**sms, "Timestamp": old}),
        signed({**sms, "TopicArn": TOPIC + "-other"}),
        signed({**sms, "SigningCertURL": evil}),
        signed({**sms, "SigningCertURL": CERTIFICATE_URL.replace("https", "http")}),
        signed(sms).replace("yes", "nah"),
        "{}",
        "",
    ]
    assert [sns.sends(body).status for body in refused] == [403] * len(refused)
    assert sns.room.read(incident) == before
    assert sns.web.fetched == [CERTIFICATE_URL]


@pytest.mark.parametrize("headers", [{}, {TOPIC_HEADER: ""}, {TOPIC_HEADER: f"{TOPIC}-other"}])
def test_what_names_no_topic_of_ours_is_403_whatever_its_body_is(sns: Sns, headers: dict[str, str]) -> None:
    for body in ("no JSON", signed(sns.sms("yes"))):
        reply = sns.line.call("POST", "/v1/inbound/sns", body=body, headers=headers)
        assert reply.status == 403
        assert "the topic is not one of TOCSIN_SNS_TOPICS" in reply.text


def test_a_stranger_who_sends_a_doubled_name_costs_no_more_than_one_who_sends_nothing(api: Api, sns: Sns) -> None:
    doubled = "{" + ",".join(f'"{number}":0' for number in range(25_000)) + ',"z":0,"z":0}'
    for line in (api.client.with_key(None), sns.line):
        begun = thread_time()
        assert line.call("POST", "/v1/inbound/sns", body=doubled).status == 403
        assert thread_time() - begun < 1  # it took 20 s


def test_a_subscription_is_confirmed_for_an_allowed_topic_alone(sns: Sns) -> None:
    asked = confirmation()
    sns.web.pages[asked["SubscribeURL"]] = b"<ConfirmSubscriptionResponse/>"
    assert sns.delivers(asked).json() == {"received": "subscription"}
    assert sns.web.fetched[-1] == asked["SubscribeURL"]
    assert sns.delivers({**asked, "TopicArn": TOPIC + "-other"}).status == 403
    assert sns.web.fetched.count(asked["SubscribeURL"]) == 1


def test_without_an_allowed_topic_everything_is_403(api: Api) -> None:
    headers = {TOPIC_HEADER: TOPIC}
    reply = api.client.with_key(None).call("POST", "/v1/inbound/sns", body="no JSON", headers=headers)
    assert reply.status == 403
    assert "TOCSIN_SNS_TOPICS" in reply.text


def test_a_page_that_did_not_arrive_hands_the_incident_on(sns: Sns) -> None:
    incident = sns.room.opens(incident_id="i-1")
    blocked = json.loads((EVENTS / "sms_protect_blocked.json").read_text())
    event = {**blocked, "context": {"delivery": "message-i-1-000001", "attempt": "1"}}
    for _ in range(2):
        assert sns.delivers(notification(event)).status == 200
    assert sns.room.read(incident)["level"] == 2
    assert "Ann cannot be reached by sms: it is refused for good" in sns.room.timeline(incident)
    assert len(sns.room.inbox(BEN)) == 1


def test_a_bounced_address_gets_no_more_mail(sns: Sns) -> None:
    bounce = json.loads((EVENTS / "ses_bounce_permanent.json").read_text())
    assert sns.delivers(notification(bounce)).status == 200
    assert sns.room.api.service.messaging.opt_outs.of_email("recipient@example.com") != ()


@pytest.fixture
def web_room(install: Install) -> Room:
    """An installation that people reach, so that messages may carry links."""
    return Room(api_of(install(HandClock(NOW), public_url="https://tocsin.example")))


def link_in(text: str) -> str:
    found = re.search(r"https://tocsin\.example(/a/\S+)", text)
    assert found is not None, text
    return found[1]


def test_a_link_asks_before_it_acts(web_room: Room) -> None:
    incident = web_room.opens(policy="approval", description="Purchase <4711>")
    path = link_in(web_room.inbox(ANN)[-1])
    browser = web_room.api.client.with_key(None)
    page = browser.get(path)
    assert page.status == 200
    assert "Purchase &lt;4711&gt;" in page.text
    assert web_room.state(incident) == "open", "opening the link is not an answer"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.call("POST", path, body="", headers=form).status == 400
    assert '<p dir="auto">Do you approve?</p>' in page.text
    assert [choice for choice in ("Approve", "Decline") if f">{choice}</button>" in page.text] == ["Approve", "Decline"]
    assert "Thank you" in browser.call("POST", path, body="answer=yes", headers=form).text
    assert web_room.read(incident)["acknowledged_by"] == "Ann"
    after = browser.get(path).text
    assert "Thank you" in after
    assert "<button" not in after


def test_a_link_that_was_changed_or_is_too_old_is_refused(web_room: Room) -> None:
    web_room.opens(policy="approval")
    path = link_in(web_room.inbox(ANN)[-1])
    browser = web_room.api.client.with_key(None)
    assert browser.get(path[:-3] + "abc").status == 403
    assert browser.get("/a/x").status == 403
    assert browser.get(path).status == 200
    web_room.api.clock.advance(timedelta(days=7, seconds=1))
    refused = browser.get(path)
    assert (refused.status, "too old" in refused.text) == (403, True)
    assert 'lang="de-AT"' in browser.get(path, **{"Accept-Language": "tlh, de-AT;q=0.8, en;q=0.5"}).text


def test_the_page_behind_a_link_speaks_the_reader_s_language_and_says_what_a_no_does(web_room: Room) -> None:
    people = [{"name": "Jörg", "phone": ANN, "language": "de"}, {"name": "Ben", "phone": BEN, "language": "en"}]
    incident = web_room.opens(policy="approval", description="4 Laptops", contacts=people)
    path = link_in(web_room.inbox(ANN)[-1])
    browser = web_room.api.client.with_key(None)
    page = browser.get(path).text
    assert [text for text in ('lang="de"', "Genehmigen Sie das?", ">Ablehnen</button>") if text not in page] == []
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    said = browser.call("POST", path, body="answer=no", headers=form).text
    assert 'lang="de"' in said
    assert web_room.state(incident) == "cancelled"


def test_a_person_who_follows_half_a_link_gets_a_page_and_an_app_a_problem(web_room: Room) -> None:
    anybody = web_room.api.client.with_key(None)
    page = anybody.get("/nonsense", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert (page.status, "There is no page" in page.text) == (404, True)
    assert anybody.get("/nonsense").json()["status"] == 404
    assert anybody.get("/v1/nonsense", Accept="text/html").json()["status"] == 404


def test_policies_without_links_send_none(web_room: Room) -> None:
    web_room.opens()
    assert "https://" not in web_room.inbox(ANN)[-1]


def test_the_app_is_told_how_it_ended(api: Api) -> None:
    room = Room(api)
    incident = room.opens(callback_url="https://example.com/hook", contacts=NAMED)
    room.says(ANN, "yes")
    item = api.service.store.get(f"ending-{incident}-acknowledged-callback")
    assert item is not None
    body = json.loads(str(item.state["body"]))
    assert (body["incident_id"], body["state"], body["acknowledged_by"]) == (incident, "acknowledged", "Ann")
    assert ANN not in str(item.state["body"])


LONG = "Pump 3 in the cellar stands under water, nobody is there, the gate is open and the alarm rings"


def test_a_link_is_short_and_its_page_one_sms_that_shows_the_rest_behind_it(web_room: Room) -> None:
    web_room.opens(policy="approval", description=LONG)
    text = web_room.inbox(ANN)[-1]
    assert re.fullmatch(r"/a/[A-Za-z0-9][A-Za-z0-9_-]{8}[A-Za-z0-9]", link_in(text)) is not None
    assert segments_of(text).count == 1
    assert text.splitlines()[0].endswith("...")
    page = web_room.api.client.with_key(None).get(link_in(text))
    assert escape(LONG) in page.text


def test_only_the_hash_of_a_link_is_stored(web_room: Room) -> None:
    web_room.opens(policy="approval")
    token = link_in(web_room.inbox(ANN)[-1]).removeprefix("/a/")
    name = web_room.entries(ANN)[-1].delivery_id
    item = web_room.api.service.store.get(name)
    assert item is not None
    assert token not in str(item)
    assert hashlib.sha256(token.encode()).hexdigest() in item.keys.values()


def test_an_address_that_tries_links_in_vain_must_wait(web_room: Room) -> None:
    web_room.opens(policy="approval")
    path = link_in(web_room.inbox(ANN)[-1])
    browser = web_room.api.client.with_key(None)
    tries = [browser.get(f"/a/{n:010}").status for n in range(40)]
    assert tries[:30] == [403] * 30
    assert tries[-1] == 429
    assert browser.get(path).status == 429
    web_room.api.clock.advance(timedelta(minutes=1))
    assert browser.get(path).status == 200


def test_a_signed_link_of_an_earlier_version_works_until_it_is_too_old(web_room: Room) -> None:
    incident = web_room.opens(policy="approval")
    service = web_room.api.service
    keys = signing_keys(service.settings, "incident-link").oldest_first
    signer = URLSafeSerializer(keys, salt="incident-link", signer_kwargs={"digest_method": hashlib.sha256})
    until = int((web_room.api.clock.now() + timedelta(days=7)).timestamp())
    path = f"/a/{signer.dumps([incident, 1, 1, until])}"
    browser = web_room.api.client.with_key(None)
    assert browser.get(path).status == 200
    web_room.api.clock.advance(timedelta(days=7, seconds=1))
    assert browser.get(path).status == 403
