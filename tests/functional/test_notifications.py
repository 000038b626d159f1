"""From one English message to everybody's own language and channel: the API, and a worker on a clock moved by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import structs

from service.channels.outbox import OutboxEntry
from service.core.clock import HandClock
from service.core.enums import Channel
from service.notify.model.items import WAITS
from tests.functional.backends import Install
from tests.functional.client import Reply
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.few_rules import few_rules

REPEATED_ON_AWS = frozenset(
    {
        "test_the_samples_announcement_reaches_everybody_in_their_language_and_on_their_channel",
        "test_a_message_that_is_not_neutral_is_held_until_a_person_lets_it_go",
        "test_what_nothing_translates_waits_for_a_person_while_others_get_theirs",
        "test_what_waits_as_earlier_releases_listed_it_is_let_go_too",
        "test_it_waits_for_its_time",
        "test_the_same_request_twice_is_one_notification",
        "test_deliveries_are_listed_by_status_and_page",
        "test_a_rule_notifies_an_audience_and_flags_for_the_same_queue",
    }
)

ANNOUNCEMENT = (
    "The company is adding a new item to the menu, this will go live by May 10th. "
    "Please ensure you are prepared for this change and plan out accordingly."
)
JOHN = {"user_id": "ui101", "first_name": "John", "language": "en", "preference": "email", "email": "john@example.com"}
MARY = {"user_id": "ui102", "first_name": "Mary", "language": "de", "preference": "sms", "phone": "+491713920012"}
ARNAV = {"user_id": "ui103", "first_name": "Arnav", "language": "fr", "preference": "voice", "phone": "+33639980012"}
EVENT = "Apr142022"
LEAD = {"name": "Jo", "lead": "L-7"}


@dataclass(frozen=True, slots=True)
class Desk:
    """An app that sends, and the worker that does what is due."""

    api: Api

    def recipients(self, audience: str, *profiles: Mapping[str, object]) -> None:
        rules = self.api.service.messaging.profiles
        self.api.service.messaging.directory.add(audience, [rules.parse(profile) for profile in profiles])

    def sends(self, **body: object) -> str:
        reply = self.api.client.post("/v1/notifications", body)
        assert reply.status == 202, reply.text
        return str(reply.json()["notification_id"])

    def works(self, seconds: float = 10) -> None:
        """Let the worker do what comes due within these seconds, one after the other."""
        worker = self.api.service.worker()
        for _ in range(int(seconds * 2)):
            worker.run_due()
            self.api.clock.advance(timedelta(milliseconds=500))
        worker.close()

    def read(self, notification_id: str) -> dict[str, object]:
        return self.api.client.get(f"/v1/notifications/{notification_id}").json()

    def status(self, notification_id: str) -> object:
        return self.read(notification_id)["status"]

    def counts(self, notification_id: str) -> object:
        counts = self.read(notification_id)["counts"]
        assert isinstance(counts, dict)
        return counts["status"]

    def outbox(self) -> list[OutboxEntry]:
        return [sent.entry for sent in self.api.service.messaging.outbox.entries(limit=500).items]

    def review(self, notification_id: str, decision: str) -> Reply:
        body = {"decision": decision, "reason": "a person looked at it"}
        return self.api.client.post(f"/v1/notifications/{notification_id}/review", body)


@pytest.fixture
def desk(install: Install, tmp_path: Path) -> Desk:
    api = api_of(install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml")))
    api.service.working_copies.sweep()
    return Desk(api)


@pytest.fixture
def franchise(desk: Desk) -> Desk:
    desk.recipients(EVENT, JOHN, MARY, ARNAV)
    return desk


def test_the_samples_announcement_reaches_everybody_in_their_language_and_on_their_channel(franchise: Desk) -> None:
    sent = franchise.sends(englishTxt=ANNOUNCEMENT, eventId=EVENT)
    franchise.works()
    assert franchise.status(sent) == "completed"
    by_channel = {entry.channel: entry for entry in franchise.outbox()}
    assert by_channel[Channel.EMAIL].text.strip() == ANNOUNCEMENT
    assert by_channel[Channel.SMS].language == "de"
    assert "10. Mai" in by_channel[Channel.SMS].text
    assert by_channel[Channel.VOICE].language == "fr"
    assert "10 mai" in by_channel[Channel.VOICE].text
    assert (by_channel[Channel.VOICE].seconds or 0) > 3
    assert len(franchise.outbox()) == 3


def test_whoever_wants_calls_that_no_voice_can_read_out_is_reached_another_way(desk: Desk) -> None:
    wants_calls = {"language": "sl", "preference": "voice", "phone": "+38631234567", "email": "eva@example.com"}
    desk.recipients(EVENT, {"user_id": "eva", "first_name": "Eva", **wants_calls})
    sent = desk.sends(text="Dvigalo v četrtek ne deluje.", language="sl", audience=EVENT)
    desk.works()
    assert desk.status(sent) == "completed"
    assert [(entry.channel, entry.text) for entry in desk.outbox()] == [(Channel.SMS, "Dvigalo v četrtek ne deluje.")]
    deliveries = desk.api.client.get(f"/v1/notifications/{sent}/deliveries").json()["items"]
    assert isinstance(deliveries, list)
    [delivery] = deliveries
    assert (delivery["channel"], delivery["detail"]) == ("sms", "no voice speaks sl: sent by sms instead")


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("You are a useless idiot.", "You are a useless idiot."),
        (
            "Parcels are kept at the gate. Only a cretin puts glass into the paper bin. The choir sings.",
            "cretin",
        ),
    ],
)
def test_an_insult_is_held_wherever_it_stands_and_the_reason_quotes_it(desk: Desk, text: str, quoted: str) -> None:
    desk.recipients(EVENT, JOHN)
    sent = desk.sends(text=text, recipients=["ui101"])
    desk.works(1)
    assert desk.status(sent) == "held_for_review"
    decision = desk.read(sent)["decision"]
    assert isinstance(decision, dict)
    assert decision["fired"] == ["Hostile"]
    assert quoted in decision["reason"]
    assert quoted in decision["worst"]
    reviews = desk.api.client.get("/v1/reviews").json()["items"]
    assert isinstance(reviews, list)
    [waiting] = reviews
    assert (waiting["worst"], waiting["harm"]) == (decision["worst"], decision["harm"])


@pytest.mark.parametrize(
    "text",
    [
        "Leave the building now by the nearest exit and do not use the lifts.",
        "We regret to inform you that your application has been rejected.",
        "We won the award! Everyone gets a bonus, fantastic work!",
    ],
)
def test_warnings_refusals_and_good_news_go_out_unread(desk: Desk, text: str) -> None:
    desk.recipients(EVENT, JOHN)
    sent = desk.sends(text=text, recipients=["ui101"])
    desk.works(2)
    assert desk.status(sent) == "completed"


def test_a_message_that_is_not_neutral_is_held_until_a_person_lets_it_go(franchise: Desk) -> None:
    sent = franchise.sends(text="We are adding a dish; be ready for it", recipients=["ui101"])
    franchise.works(1)
    assert franchise.status(sent) == "held_for_review"
    assert franchise.outbox() == []
    waiting = franchise.api.client.get("/v1/reviews").json()["items"]
    assert isinstance(waiting, list)
    assert [one["id"] for one in waiting] == [sent]
    assert franchise.review(sent, "approve").status == 200
    franchise.works(1)
    assert franchise.status(sent) == "completed"
    assert [entry.text.strip() for entry in franchise.outbox()] == ["We are adding a dish; be ready for it"]


def test_a_rejected_message_is_never_sent_and_decided_once(franchise: Desk) -> None:
    sent = franchise.sends(text="This is the third time you failed us!", recipients=["ui101"])
    franchise.works(1)
    assert franchise.review(sent, "reject").json()["status"] == "rejected"
    franchise.works(2)
    assert franchise.outbox() == []
    assert franchise.review(sent, "approve").status == 409
    review = franchise.read(sent)["review"]
    assert isinstance(review, dict)
    assert (review["by"], review["reason"]) == ("test app", "a person looked at it")


def test_what_nothing_translates_waits_for_a_person_while_others_get_theirs(franchise: Desk) -> None:
    text = "The lift in building C stays out of order on Thursday, see https://example.com/lift for details."
    sent = franchise.sends(text=text, audience=EVENT)
    franchise.works()
    assert franchise.status(sent) == "completed_with_failures"
    assert franchise.counts(sent) == {"accepted": 1, "needs_translation": 2}
    renditions = franchise.read(sent)["renditions"]
    assert isinstance(renditions, list)
    assert {one["language"]: one["provenance"] for one in renditions} == {"en": "source", "de": None, "fr": None}
    missing = franchise.api.client.get("/v1/translations").json()["items"]
    assert isinstance(missing, list)
    assert {one["target"] for one in missing} == {"de", "fr"}
    german = next(one["id"] for one in missing if one["target"] == "de")

    incomplete = franchise.api.client.call("PUT", f"/v1/translations/{german}", json={"text": "Der Aufzug steht."})
    assert incomplete.status == 422
    words = "Der Aufzug in Haus C steht am Donnerstag still, siehe https://example.com/lift."
    supplied = franchise.api.client.call("PUT", f"/v1/translations/{german}", json={"text": words})
    assert supplied.status == 200
    franchise.works()
    assert franchise.counts(sent) == {"accepted": 2, "needs_translation": 1}
    assert [entry.text for entry in franchise.outbox() if entry.channel is Channel.SMS] == [words]

    again = franchise.sends(text=text, recipients=["ui102"])
    franchise.works()
    assert franchise.status(again) == "completed"


def test_what_waits_as_earlier_releases_listed_it_is_let_go_too(franchise: Desk) -> None:
    text = "The lift in building C stays out of order on Thursday, see https://example.com/lift for details."
    sent = franchise.sends(text=text, audience=EVENT)
    franchise.works()
    missing = franchise.api.client.get("/v1/translations").json()["items"]
    assert isinstance(missing, list)
    german = next(one["id"] for one in missing if one["target"] == "de")
    store = franchise.api.service.store
    (texts,) = store.by_index(WAITS[0], german).items
    store.save(structs.replace(texts, keys={f"waits:{german}": "texts", "texts": texts.keys["texts"]}))
    words = "Der Aufzug in Haus C steht am Donnerstag still, siehe https://example.com/lift."
    assert franchise.api.client.call("PUT", f"/v1/translations/{german}", json={"text": words}).status == 200
    franchise.works()
    assert franchise.counts(sent) == {"accepted": 2, "needs_translation": 1}


def test_names_arrive_as_text_whatever_they_are_written_like(desk: Desk) -> None:
    desk.recipients("eve", {**JOHN, "first_name": "<b>Eve</b> & Co"})
    desk.sends(text="{{ first_name }}, the report is available on Monday.", audience="eve")
    desk.works()
    (mail,) = desk.outbox()
    assert mail.html is not None
    assert "&lt;b&gt;Eve&lt;/b&gt; &amp; Co, the report" in mail.html
    assert mail.text.startswith("<b>Eve</b> & Co, the report")


def test_an_opted_out_person_gets_nothing_and_everybody_else_does(franchise: Desk) -> None:
    from service.messages.optouts import OptOutReason

    franchise.api.service.messaging.opt_outs.add_phone("+491713920012", OptOutReason.KEYWORD)
    sent = franchise.sends(englishTxt=ANNOUNCEMENT, eventId=EVENT)
    franchise.works()
    assert franchise.counts(sent) == {"accepted": 2, "suppressed": 1}
    assert franchise.status(sent) == "completed_with_failures"


def test_one_translation_for_each_language_however_many_read_it(desk: Desk) -> None:
    people = [
        {**MARY, "user_id": f"p{number}", "language": ("de", "fr", "es", "en")[number % 4], "phone": "+447700900123"}
        for number in range(400)
    ]
    desk.recipients("everybody", *people)
    sent = desk.sends(text=ANNOUNCEMENT, audience="everybody")
    desk.works(20)
    read = desk.read(sent)
    assert read["status"] == "completed"
    assert desk.counts(sent) == {"accepted": 400}
    assert isinstance(read["renditions"], list)
    assert {one["language"]: one["provenance"] for one in read["renditions"]} == {
        "de": "catalogue",
        "fr": "catalogue",
        "es": "catalogue",
        "en": "source",
    }
    assert len(desk.outbox()) == 400


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"audience": EVENT}, "text"),
        ({"text": "Hello", "template": "follow-up", "audience": EVENT}, "text"),
        ({"text": "Hello"}, "audience"),
        ({"text": "Hello", "audience": "nobody"}, "audience"),
        ({"text": "Hello", "recipients": ["ui101", "ui999"]}, "recipients[1]"),
        ({"text": "Hello", "audience": EVENT, "language": "xx-klingon"}, "language"),
        ({"text": "Hello {{ who.name }}", "audience": EVENT}, "variables.who.name"),
        ({"text": "Hello {{ 1 + 1 }}", "audience": EVENT}, "text"),
        ({"template": "follow-upp", "audience": EVENT}, "template"),
        ({"template": "follow-up", "variables": LEAD, "audience": EVENT, "subject": "A lead"}, "subject"),
        ({"englishTxt": "Hello", "eventId": EVENT, "text": "Hi"}, ""),
        ({"englishTxt": "Hello", "eventId": EVENT, "audience": "staff"}, ""),
        ({"englishTxt": "Hello", "eventId": EVENT, "language": "de"}, ""),
        ({"text": "Hello", "audience": EVENT, "callback_url": "ftp://example.com"}, "callback_url"),
        ({"text": "Hello", "audience": EVENT, "lane": "fast"}, "lane"),
        ({"text": "Hello", "audience": EVENT, "send_at": "tomorrow"}, "send_at"),
        ({"text": "Hello", "audience": EVENT, "send_at": "0001-01-01T00:00:00Z"}, "send_at"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(franchise: Desk, body: dict[str, object], path: str) -> None:
    reply = franchise.api.client.post("/v1/notifications", body)
    assert reply.status == 422
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    assert [error["path"] for error in errors] == [path]


def test_it_waits_for_its_time(franchise: Desk) -> None:
    at = franchise.api.clock.now() + timedelta(minutes=10)
    sent = franchise.sends(englishTxt=ANNOUNCEMENT, eventId=EVENT, send_at=at.isoformat())
    franchise.works(5)
    assert franchise.status(sent) == "approved"
    franchise.api.clock.advance(timedelta(minutes=10))
    franchise.works()
    assert franchise.status(sent) == "completed"


def test_who_is_erased_before_it_is_sent_is_counted_and_told_of(franchise: Desk) -> None:
    at = franchise.api.clock.now() + timedelta(minutes=10)
    sent = franchise.sends(text=ANNOUNCEMENT, recipients=["ui101", "ui102"], send_at=at.isoformat())
    franchise.works(2)
    assert franchise.api.client.call("DELETE", "/v1/recipients/ui101").status == 204
    franchise.api.clock.advance(timedelta(minutes=10))
    franchise.works()
    assert franchise.status(sent) == "completed_with_failures"
    assert franchise.counts(sent) == {"failed": 1, "accepted": 1}
    assert franchise.read(sent)["recipients"] == 2
    listed = franchise.api.client.get(f"/v1/notifications/{sent}/deliveries?status=failed").json()["items"]
    assert isinstance(listed, list)
    assert [(one["recipient_id"], one["detail"]) for one in listed] == [
        ("ui101", "the recipient was erased before this was sent")
    ]


def test_the_same_request_twice_is_one_notification(franchise: Desk) -> None:
    body = {"englishTxt": ANNOUNCEMENT, "eventId": EVENT}
    first = franchise.api.client.post("/v1/notifications", body, {"Idempotency-Key": "menu"})
    second = franchise.api.client.post("/v1/notifications", body, {"Idempotency-Key": "menu"})
    assert second.text == first.text
    franchise.works()
    assert len(franchise.outbox()) == 3


def test_deliveries_are_listed_by_status_and_page(franchise: Desk) -> None:
    sent = franchise.sends(englishTxt=ANNOUNCEMENT, eventId=EVENT)
    franchise.works()
    first = franchise.api.client.get(f"/v1/notifications/{sent}/deliveries?status=accepted&limit=2").json()
    rest = franchise.api.client.get(
        f"/v1/notifications/{sent}/deliveries?status=accepted&limit=2&cursor={first['next_cursor']}"
    ).json()
    assert isinstance(first["items"], list)
    assert isinstance(rest["items"], list)
    ids = [one["delivery_id"] for one in first["items"] + rest["items"]]
    assert ids == [f"{sent}-00000{number}" for number in (1, 2, 3)]
    assert rest["next_cursor"] is None
    assert franchise.api.client.get(f"/v1/notifications/{sent}/deliveries?status=failed").json()["items"] == []


def test_a_rule_notifies_an_audience_and_flags_for_the_same_queue(franchise: Desk) -> None:
    franchise.recipients("marketing", JOHN)
    lead = {"id": "L-7", "name": "Ada", "email": "ada@example.com", "comments": "Worst demo ever, I am furious."}
    reply = franchise.api.client.post("/v1/rulesets/lead/evaluations", {"request": {"lead": lead}})
    assert reply.json()["fired"] == ["Unhappy lead"]
    franchise.works(1)
    franchise.api.clock.advance(timedelta(minutes=15))  # the template's digest window
    franchise.works(3)
    assert [entry.to for entry in franchise.outbox()] == ["john@example.com"]
    assert "Ada" in franchise.outbox()[0].text
    waiting = franchise.api.client.get("/v1/reviews").json()["items"]
    assert isinstance(waiting, list)
    assert [one["kind"] for one in waiting] == ["evaluation"]
    review = f"/v1/reviews/{waiting[0]['id']}"
    assert franchise.api.client.get(review).json() == {**waiting[0], "decided": None}
    for nothing in ("/v1/reviews/nope", f"/v1/reviews/{JOHN['user_id']}"):
        assert franchise.api.client.get(nothing).status == 404
        assert franchise.api.client.post(nothing, {"decision": "approve"}).status == 404
    decided = franchise.api.client.post(f"/v1/reviews/{waiting[0]['id']}", {"decision": "approve", "reason": "called"})
    assert decided.status == 200
    assert franchise.api.client.get("/v1/reviews").json()["items"] == []
    assert (
        franchise.api.client.post(f"/v1/reviews/{waiting[0]['id']}", {"decision": "reject", "reason": "no"}).status
        == 409
    )
    assert franchise.api.client.get(review).json()["decided"] == {
        "decision": "approve",
        "by": "test app",
        "reason": "called",
    }


def test_an_audience_that_is_emptied_after_the_answer_leaves_a_dead_item_that_says_so(desk: Desk) -> None:
    from service.work import all_dead_items

    lead = {"id": "L-8", "name": "Ada", "email": "ada@example.com", "comments": "Worst demo ever, I am furious."}
    asked = ("/v1/rulesets/lead/evaluations", {"request": {"lead": lead}})
    refused = desk.api.client.post(*asked)
    assert refused.status == 422, refused.text
    assert "audience: has no recipients: add some first" in refused.text
    desk.recipients("marketing", JOHN)
    assert desk.api.client.post(*asked).status == 200
    desk.api.service.messaging.directory.remove(JOHN["user_id"])
    desk.works(1)
    (dead,) = all_dead_items(desk.api.service.store)
    assert "has no recipients" in dead.why
