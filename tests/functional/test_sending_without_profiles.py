"""Messages to people whom a request describes itself, with values of their own."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from service.core.clock import HandClock
from service.core.enums import Scope
from tests.functional.backends import Install
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import JOHN, MARY, Desk
from tests.functional.test_people import ids

REPEATED_ON_AWS = False


def sending(install: Install, tmp_path: Path, **settings: object) -> Desk:
    api = api_of(install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml"), **settings))
    api.service.working_copies.sweep()
    desk = Desk(api)
    desk.recipients("all", JOHN, MARY)
    return desk


HOURS = "The warehouse opens at {{ opens }} for {{ first_name }}."


def test_a_message_goes_to_people_who_have_no_profile_here(install: Install, tmp_path: Path) -> None:
    desk = sending(install, tmp_path)
    sent = desk.sends(
        text="The warehouse is closed on Monday.",
        recipients=["ui101", {"email": "zoe@example.com"}, {"phone": "+447700900123", "language": "en"}],
    )
    desk.works(5)
    assert desk.status(sent) == "completed"
    assert {entry.to for entry in desk.outbox()} == {"john@example.com", "zoe@example.com", "+447700900123"}
    assert ids(desk.api.client.get("/v1/recipients")) == ["ui101", "ui102"], "they are stored with the message alone"
    again = desk.sends(text="The warehouse opens on Tuesday.", recipients=[{"email": "zoe@example.com"}])
    desk.works(5)
    copies = desk.api.client.get(f"/v1/notifications/{again}/deliveries").json()["items"]
    assert isinstance(copies, list)
    history = desk.api.client.get(f"/v1/recipients/{copies[0]['recipient_id']}/deliveries").json()["items"]
    assert isinstance(history, list)
    assert [one["notification_id"] for one in history] == [again, sent], "one address has one history"


def test_values_of_ones_own_come_before_everybodys_and_a_profiles_name_before_both(
    install: Install, tmp_path: Path
) -> None:
    desk = sending(install, tmp_path)
    desk.sends(
        text=HOURS,
        variables={"opens": "nine", "first_name": "everybody"},
        recipients=[
            "ui101",
            {"email": "zoe@example.com", "variables": {"opens": "ten"}},
            {"email": "ann@example.com", "first_name": "Ann", "variables": {"opens": "noon"}},
        ],
    )
    desk.works(5)
    said = {entry.to: entry.text.strip() for entry in desk.outbox()}
    assert said["john@example.com"] == "The warehouse opens at nine for John."
    assert said["zoe@example.com"] == "The warehouse opens at ten for everybody."
    assert said["ann@example.com"] == "The warehouse opens at noon for Ann."


def test_what_does_not_fit_an_entry_is_named_at_it_and_nothing_is_sent(install: Install, tmp_path: Path) -> None:
    desk = sending(install, tmp_path)
    body = {
        "text": HOURS,
        "recipients": [
            {"email": "nobody"},
            {"user_id": "ui101", "email": "john@example.com"},
            {"language": "en"},
            {"user_id": "ui109", "variables": {"opens": "ten"}},
            {"email": "zoe@example.com", "variables": {"opens": "ten"}},
            {"email": "zoe@example.com", "variables": {"opens": "nine"}},
            {"phone": "+442071838750"},
        ],
    }
    reply = desk.api.client.post("/v1/notifications", body)
    assert reply.status == 422
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    paths = {error["path"] for error in errors}
    assert {"recipients[0].email", "recipients[1]", "recipients[2]", "recipients[3]", "recipients[5]"} <= paths
    assert "recipients[6].phone" in paths, "a landline takes no SMS"
    assert "recipients[0].variables.opens" in paths


def test_a_thousand_described_recipients_are_sent_their_own_values(install: Install, tmp_path: Path) -> None:
    desk = sending(install, tmp_path)
    people = [{"email": f"p{n}@example.com", "variables": {"opens": f"{n}.5", "n": n}} for n in range(1000)]
    sent = desk.sends(text="The warehouse opens at {{ opens }}.", recipients=people)
    desk.works(10)
    assert desk.counts(sent) == {"accepted": 1000}
    (mail,) = desk.api.client.get("/v1/outbox?to=p717@example.com").json()["items"]  # type: ignore[misc]
    assert "The warehouse opens at 717.5." in mail["text"]  # type: ignore[has-type]


def test_a_guest_leaves_bulk_mail_by_the_link_and_comes_back(install: Install, tmp_path: Path) -> None:
    desk = sending(install, tmp_path, public_url="https://tocsin.example")
    desk.sends(text="The warehouse is closed on Monday.", recipients=[{"email": "zoe@example.com"}])
    desk.works(5)
    guest = desk.api.client.get("/v1/notifications?limit=1").json()["items"]
    assert isinstance(guest, list)
    messaging = desk.api.service.messaging
    links = messaging.unsubscribe_links
    assert links is not None
    copies = desk.api.client.get(f"/v1/notifications/{guest[0]['notification_id']}/deliveries").json()["items"]
    assert isinstance(copies, list)
    person = messaging.profiles.parse({**JOHN, "user_id": "x"})
    link = links.of(structs.replace(person, user_id=copies[0]["recipient_id"])).removeprefix("https://tocsin.example")
    browser = desk.api.client.with_key(None)
    assert browser.call("POST", link, body="List-Unsubscribe=One-Click").status == 200
    bulk = desk.sends(text="The warehouse opens on Tuesday.", recipients=[{"email": "Zoe@example.com"}])
    desk.works(5)
    assert desk.counts(bulk) == {"suppressed": 1}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.call("POST", link, body="undo=1", headers=form).status == 200
    again = desk.sends(text="The warehouse opens on Friday.", recipients=[{"email": "zoe@example.com"}])
    desk.works(5)
    assert desk.counts(again) == {"accepted": 1}


def test_only_who_opens_incidents_sends_in_their_lane(api: Api) -> None:
    desk = Desk(api)
    desk.recipients("all", JOHN)
    body = {"text": "The pump failed.", "recipients": ["ui101"], "lane": "incident"}
    assert api.client_with(Scope.NOTIFY).post("/v1/notifications", body).status == 403
    assert api.client_with(Scope.NOTIFY, Scope.INCIDENTS).post("/v1/notifications", body).status == 202
