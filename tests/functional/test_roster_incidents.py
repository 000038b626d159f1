"""Incidents that page whoever is on call, on both backends, across a hand-over at a clock change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.core.clock import HandClock
from tests.functional.backends import Install
from tests.functional.client import Reply
from tests.functional.conftest import api_of
from tests.functional.incident_room import ANN, BEN, Room

REPEATED_ON_AWS = False

CLEO = "+447700900789"

BEFORE = datetime(2026, 10, 25, 0, 59, tzinfo=UTC)
"""A minute before the clocks of Berlin go back from 03:00 to 02:00, on a Sunday."""

PUMPS = """\
roster: pumps
timezone: Europe/Berlin
people:
  ann: {name: Ann, phone: "+447700900123", language: en}
  ben: {name: Ben, phone: "+447700900456", language: de}
rotation: {order: [ann, ben], start: 2026-10-24, hand_over: "03:00"}
"""

BACKUP = """\
roster: backup
timezone: Europe/Berlin
people: {cleo: {recipient: emp7}}
rotation: {order: cleo, start: 2026-10-01, hand_over: "03:00"}
"""

NIGHT = """\
escalation: night
levels:
  - {contacts: [{roster: pumps}], wait: 40s}
  - {contacts: [1, {roster: backup}], wait: 40s}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    for name, text in {
        "rosters/pumps.yaml": PUMPS,
        "rosters/backup.yaml": BACKUP,
        "escalation/night.yaml": NIGHT,
        "escalation/default.yaml": Path("rules/escalation/default.yaml").read_text(),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def room(install: Install, rules: Path) -> Room:
    room = Room(api_of(install(HandClock(BEFORE), rules_dir=rules)))
    profile = {"user_id": "emp7", "first_name": "Cleo", "language": "en", "preference": "sms", "phone": CLEO}
    assert room.api.client.call("PUT", "/v1/recipients/emp7", json=profile).status in (200, 201)
    return room


def test_whoever_is_on_call_is_paged_and_a_level_that_begins_after_the_hand_over_pages_the_next(room: Room) -> None:
    incident = room.opens(contacts=[{"roster": "pumps"}, {"roster": "pumps"}])
    assert len(room.inbox(ANN)) == 1
    room.api.clock.advance(BEFORE.replace(hour=2, minute=0) - BEFORE)  # 03:00 in Berlin, two hours on the clock later
    room.waits(1)
    assert len(room.inbox(ANN)) == 2  # a level keeps whom it began with
    assert room.inbox(BEN) == []
    room.waits(45)
    assert len(room.inbox(BEN)) == 1
    room.says(BEN, "ja")
    assert room.read(incident)["acknowledged_by"] == "Ben"
    assert room.timeline(incident) == [
        "Opened",
        "Ann is on call for pumps",
        "Paged Ann by sms",
        "Reminded Ann by sms",
        "Told Ann that it is escalated",
        "Escalated to level 2: nobody answered",
        "Ben is on call for pumps",
        "Paged Ben by sms",
        "Ben said yes",
        "Thanked Ben",
        "Acknowledged by Ben",
        "Told Ann who has it",
    ]
    shown = room.read(incident)["contacts"]
    assert isinstance(shown, list)
    assert [(one["number"], one.get("roster"), one.get("name"), one.get("on_call")) for one in shown] == [
        (1, "pumps", None, None),
        (2, "pumps", None, None),
        (3, None, "Ann", "pumps"),
        (4, None, "Ben", "pumps"),
    ]


@pytest.mark.parametrize(("at", "who"), [(BEFORE.replace(hour=1), ANN), (BEFORE.replace(hour=2, minute=0), BEN)])
def test_the_hour_that_comes_twice_belongs_to_who_had_it(install: Install, rules: Path, at: datetime, who: str) -> None:
    room = Room(api_of(install(HandClock(at), rules_dir=rules)))
    room.opens(contacts=[{"roster": "pumps"}])
    assert len(room.inbox(who)) == 1


def test_a_policy_names_rosters_and_the_incident_needs_no_contact(room: Room) -> None:
    incident = room.opens({"description": "Pump 1 failed", "policy": "night"})
    assert len(room.inbox(ANN)) == 1
    room.says(ANN, "no")
    assert len(room.inbox(CLEO)) == 1
    assert "Cleo is on call for backup" in room.timeline(incident)
    room.says(CLEO, "yes")
    assert room.read(incident)["acknowledged_by"] == "Cleo"


def test_contacts_and_rosters_of_a_level_are_paged_together(room: Room) -> None:
    incident = room.opens({"description": "Pump 1", "policy": "night", "contacts": [{"name": "Ben", "phone": BEN}]})
    room.says(ANN, "no")
    assert (len(room.inbox(BEN)), len(room.inbox(CLEO))) == (1, 1)
    assert room.state(incident) == "open"


def test_who_is_changed_in_the_file_is_paged_by_the_next_incident(room: Room, rules: Path) -> None:
    room.opens(contacts=[{"roster": "pumps"}])
    (rules / "rosters" / "pumps.yaml").write_text(PUMPS.replace("[ann, ben]", "[ben, ann]"))
    room.opens(contacts=[{"roster": "pumps"}])
    assert (len(room.inbox(ANN)), len(room.inbox(BEN))) == (1, 1)
    (rules / "rosters" / "pumps.yaml").write_text("roster: [")
    room.opens(contacts=[{"roster": "pumps"}])
    assert len(room.inbox(BEN)) == 2


def test_a_roster_that_goes_away_or_has_nobody_on_call_passes_to_the_next_level(room: Room, rules: Path) -> None:
    later = PUMPS.replace("2026-10-24", "2026-12-24")
    (rules / "rosters" / "pumps.yaml").write_text(later)
    incident = room.opens(contacts=[{"roster": "pumps"}, {"phone": BEN}])
    assert "Level 1 skipped: nobody is on call" in room.timeline(incident)
    (rules / "rosters" / "pumps.yaml").write_text(PUMPS)
    following = room.opens(contacts=[{"phone": BEN}, {"roster": "pumps"}])
    (rules / "rosters" / "pumps.yaml").unlink()
    room.waits(90)
    assert room.state(following) == "unacknowledged"
    assert "Level 2 skipped: nobody is on call" in room.timeline(following)


def test_an_unknown_roster_is_refused_by_the_nearest_name(room: Room) -> None:
    reply = room.api.client.post("/v1/incidents", {"description": "Pump 1", "contacts": [{"roster": "pmups"}]})
    assert reply.status == 422
    errors = [{"path": "contacts[0].roster", "message": 'there is no roster "pmups": did you mean "pumps"?'}]
    assert reply.json()["errors"] == errors


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"contacts": []}, 'name at least one: the policy "default" names no roster'),
        ({}, 'name at least one: the policy "default" names no roster'),
        ({"contacts": [{"roster": "pumps", "phone": ANN}]}, "Name a roster or say how to reach the contact, not both"),
        ({"contacts": [{"name": "Ann"}]}, "A contact needs a phone, a chat_url, the id of a recipient, or a roster"),
    ],
)
def test_an_incident_that_names_nobody_is_refused(room: Room, body: dict[str, object], said: str) -> None:
    reply = room.api.client.post("/v1/incidents", {"description": "Pump 1", **body})
    assert reply.status == 422
    assert said in reply.json()["errors"][0]["message"]  # type: ignore[index]


RULES = """\
ruleset: leaks
facts:
  team: {type: text}
  urgency: {type: integer, min: 0, max: 9}
rules:
  - {name: Page the team, when: urgency >= 5, then: [{open incident: Leak, contacts: [{roster: "{{ team }}"}]}]}
  - {name: Page the night, when: urgency < 5, then: [{open incident: Drip, policy: night}]}
"""


def test_a_rule_pages_the_roster_that_a_fact_names_or_those_of_its_policy(install: Install, rules: Path) -> None:
    (rules / "leaks.yaml").write_text(RULES)
    service = install(HandClock(BEFORE), rules_dir=rules)
    service.working_copies.sweep()
    room = Room(api_of(service))

    def asks(team: str, urgency: int) -> Reply:
        request = {"request": {"team": team, "urgency": urgency}}
        reply = room.api.client.post("/v1/rulesets/leaks/evaluations", request)
        room.works()
        return reply

    assert asks("pumps", 9).status == 200
    assert asks("pumps", 1).status == 200
    pages = room.inbox(ANN)
    assert ["Leak" in pages[0], "Drip" in pages[1], len(pages)] == [True, True, 2]
    refused = asks("pmups", 9)
    assert refused.status == 422
    assert "team" in refused.text
    assert "did you mean" in refused.text


def test_a_schedule_opens_incidents_for_whoever_is_on_call_then(room: Room) -> None:
    body = {"description": "Look at the pumps", "contacts": [{"roster": "pumps"}]}
    made = room.api.client.post("/v1/schedules", {"cron": "30 1 * * *", "timezone": "UTC", "incident": body})
    assert made.status == 201, made.text
    room.api.clock.advance(BEFORE.replace(day=26, hour=1, minute=30) - BEFORE)
    room.works()
    assert len(room.inbox(BEN)) == 1
