"""Rules' incidents and notifications: whom they cannot reach is said, and that they reach nobody, before the answer."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from service.core.clock import HandClock
from tests.functional.backends import Install
from tests.functional.client import ROOT, Reply
from tests.functional.conftest import NOON, api_of
from tests.functional.incident_room import ANN, BEN, Room
from tests.functional.test_notifications import JOHN

REPEATED_ON_AWS = False

NEWS = """\
ruleset: news
facts:
  who.first:  {type: text}
  who.second: {type: text}
  urgency:    {type: integer, min: 0, max: 9}
rules:
  - name: Tell
    when: urgency >= 0
    then:
      - notify: follow-up
        recipients: ["{{ who.first }}", "{{ who.second }}"]
        variables: {name: "{{ urgency }}", lead: "{{ urgency }}"}
"""
BAD = "0170 1"


@pytest.fixture
def room(install: Install, tmp_path: Path) -> Room:
    rules = tmp_path / "who"
    (rules / "escalation").mkdir(parents=True)
    shutil.copy(ROOT / "rules" / "gas-leak.yaml", rules)
    shutil.copy(ROOT / "rules" / "escalation" / "default.yaml", rules / "escalation")
    (rules / "news.yaml").write_text(NEWS)
    service = install(HandClock(NOON), rules_dir=rules)
    service.working_copies.sweep()
    return Room(api_of(service))


def leak(room: Room, first: Mapping[str, object], second: Mapping[str, object], methane: object = "6.0") -> Reply:
    request = {"sensor": {"id": "s1", "place": "hall", "methane": methane}, "duty": {"first": first, "second": second}}
    reply = room.api.client.post("/v1/rulesets/gas-leak/evaluations", {"request": request})
    room.works()
    return reply


def outcomes(reply: Reply) -> list[dict[str, list[dict[str, str]]]]:
    found = reply.json()["outcomes"]
    assert isinstance(found, list)
    return found


def incidents(room: Room) -> list[dict[str, object]]:
    items = room.api.client.get("/v1/incidents").json()["items"]
    assert isinstance(items, list)
    return items


def dead(room: Room) -> int:
    from service.work import all_dead_items

    return len(list(all_dead_items(room.api.service.store)))


def test_one_contact_with_a_bad_number_keeps_nobody_from_paging_the_other(room: Room) -> None:
    reply = leak(room, {"name": "Ann", "phone": BAD}, {"name": "Ben", "phone": BEN})
    assert reply.status == 200, reply.text
    opened = outcomes(reply)[0]
    (left_out,) = opened["left_out"]
    assert left_out["path"] == "duty.first.phone"
    assert "has no country code" in left_out["message"]
    (incident,) = incidents(room)
    assert room.inbox(BEN)[0].startswith("GAS LEAK at hall")
    assert incident["level"] == 2, "the contacts keep their places in the policy"
    lines = room.timeline(str(incident["incident_id"]))
    assert lines[0].startswith("Left out for Ann: contacts[0].phone: the phone number has no country code")
    assert dead(room) == 0


def test_a_request_whose_incident_would_page_nobody_is_refused_at_its_facts(room: Room) -> None:
    reply = leak(room, {"name": "Ann", "phone": BAD}, {"name": "Ben", "phone": "+1"})
    assert reply.status == 422, reply.text
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    assert [error["path"] for error in errors] == ["duty.first.phone", "duty.second.phone"]
    assert incidents(room) == []
    assert dead(room) == 0


def test_what_is_too_long_or_empty_keeps_no_page_back(room: Room) -> None:
    long = "x" * 2_000
    reply = leak(room, {"name": long, "phone": ANN}, {"name": "", "phone": BEN})
    assert reply.status == 200, reply.text
    assert len(room.inbox(ANN)) == 1
    assert dead(room) == 0


def test_a_recipient_that_no_profile_has_is_named_and_the_others_are_told(room: Room) -> None:
    messaging = room.api.service.messaging
    messaging.directory.put(messaging.profiles.parse(JOHN))
    request = {"who": {"first": "nobody", "second": JOHN["user_id"]}, "urgency": 1}
    reply = room.api.client.post("/v1/rulesets/news/evaluations", {"request": request})
    assert reply.status == 200, reply.text
    (told,) = outcomes(reply)
    assert [one["path"] for one in told["left_out"]] == ["who.first"]
    room.works()
    assert dead(room) == 0
    nobody = {"who": {"first": "a", "second": "b"}, "urgency": 1}
    refused = room.api.client.post("/v1/rulesets/news/evaluations", {"request": nobody})
    assert refused.status == 422, refused.text
    errors = refused.json()["errors"]
    assert isinstance(errors, list)
    assert [error["path"] for error in errors] == ["who.first", "who.second"]
    room.works()
    assert dead(room) == 0


WELCOME = """\
ruleset: welcome
facts:
  to.audience: {type: text}
  order.placed: {type: text}
rules:
  - name: Tell
    when: always
    then:
      - notify: TEMPLATE
        audience: "{{ to.audience }}"
        variables: {name: "Ann", lead: "L1", placed: "{{ order.placed }}"}
"""
DATED = "Order of {{ placed | date }}."


def welcomed(install: Install, folder: Path, template: str, **facts: str) -> tuple[Room, Reply]:
    """A service whose one rule sends `template` to the audience of its facts, and its answer to such a request."""
    shutil.copytree(ROOT / "templates", folder / "templates")
    (folder / "templates" / "dated").mkdir()
    (folder / "templates" / "dated" / "sms.txt").write_text(DATED)
    (folder / "rules").mkdir()
    (folder / "rules" / "welcome.yaml").write_text(WELCOME.replace("TEMPLATE", template))
    service = install(HandClock(NOON), rules_dir=folder / "rules", templates_dir=folder / "templates")
    service.working_copies.sweep()
    messaging = service.messaging
    messaging.directory.add("staff", [messaging.profiles.parse(JOHN)])
    room = Room(api_of(service))
    audience, placed = facts.get("audience", "staff"), facts.get("placed", "2026-05-10")
    request = {"to": {"audience": audience}, "order": {"placed": placed}}
    reply = room.api.client.post("/v1/rulesets/welcome/evaluations", {"request": request})
    room.works()
    return room, reply


@pytest.mark.parametrize(
    ("template", "facts", "path", "message"),
    [
        ("follow-up", {"audience": "stuff"}, "to.audience", "audience: has no recipients"),
        ("follow-upp", {}, "", "did you mean 'follow-up'?"),
        ("dated", {"placed": "10/05/2026"}, "order.placed", "variables.placed: "),
        ("incident-page", {}, "", "is missing, and the message needs it"),
    ],
)
def test_a_notification_that_cannot_be_sent_is_refused_before_the_answer(
    install: Install, tmp_path: Path, template: str, facts: dict[str, str], path: str, message: str
) -> None:
    room, reply = welcomed(install, tmp_path, template, **facts)
    assert reply.status == 422, reply.text
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    assert errors[0]["path"] == path
    assert message in errors[0]["message"]
    assert dead(room) == 0


def test_a_notification_that_can_be_sent_is(install: Install, tmp_path: Path) -> None:
    room, reply = welcomed(install, tmp_path, "dated")
    assert reply.status == 200, reply.text
    assert dead(room) == 0
