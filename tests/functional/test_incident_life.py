"""What follows a YES: given back, over, still on it, passed on, begun again; by SMS and by the API."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from service.core.clock import HandClock
from service.core.enums import Scope
from tests.functional.backends import Install
from tests.functional.client import ROOT
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.incident_room import ANN, BEN, NAMED, Room

REPEATED_ON_AWS = frozenset(
    {
        "test_who_took_it_by_mistake_gives_it_back_and_the_next_is_asked",
        "test_done_ends_it_and_the_others_are_told",
        "test_later_asks_again_then_and_nobody_else_meanwhile",
        "test_the_whole_policy_is_repeated",
        "test_reopened_it_begins_again_at_the_first_level",
        "test_the_same_alert_is_counted_while_somebody_is_asked_or_has_it",
        "test_an_alert_that_is_over_is_resolved_by_its_key",
        "test_incidents_are_listed_newest_first_by_any_filter",
    }
)

CARE = """\
escalation: care
levels:
  - {contacts: [1], wait: 40s, reminders: 1}
  - {contacts: [2], wait: 40s, reminders: 0}
undo: 10m
later: 2h
renew: 30m
repeat: 1
"""


@pytest.fixture
def room(api: Api) -> Room:
    return Room(api)


@pytest.fixture
def care(install: Install, tmp_path: Path) -> Room:
    """A room whose incidents are opened under a policy with every key of what follows a YES."""
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    (rules / "escalation" / "default.yaml").write_text(CARE.replace("care", "default"))
    return Room(api_of(install(HandClock(NOON), rules_dir=rules)))


def code(room: Room, incident: str, contact: int = 0) -> int:
    contacts = room.read(incident)["contacts"]
    return int(contacts[contact]["codes"][0])  # type: ignore[index]


@pytest.mark.parametrize("text", ["NO", "UNDO", "undo my yes", "No {code}"])
def test_who_took_it_by_mistake_gives_it_back_and_the_next_is_asked(room: Room, text: str) -> None:
    incident = room.opens()
    room.says(ANN, "YES")
    room.says(ANN, text.format(code=code(room, incident)))
    assert (room.state(incident), room.read(incident)["level"]) == ("open", 2)
    assert room.inbox(ANN)[-1] == "You gave this back: 11 Pump 1 failed\nAsked now: Ben"
    assert "Pump 1 failed" in room.inbox(BEN)[-1]
    assert {"Ann gave it back", "Escalated to level 2: it was given back"} <= set(room.timeline(incident))


def test_the_only_contact_who_gives_it_back_is_asked_again(room: Room) -> None:
    incident = room.opens(contacts=NAMED[:1])
    room.says(ANN, "YES")
    room.says(ANN, "UNDO")
    assert room.state(incident) == "open"
    assert [text for text in room.inbox(ANN) if text.startswith("Pump 1 failed")][1:]


def test_a_yes_stands_once_its_time_to_undo_is_over(care: Room) -> None:
    incident = care.opens()
    care.says(ANN, "YES")
    care.api.clock.advance(timedelta(minutes=11))
    care.says(ANN, "NO")
    assert care.state(incident) == "acknowledged"
    assert care.inbox(ANN)[-1] == "It is too late to change your answer: 11 Pump 1 failed"


def test_a_no_is_taken_back(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "NO")
    room.says(ANN, "undo")
    assert room.inbox(ANN)[-1].startswith("Your NO is taken back: 11 Pump 1 failed")
    room.says(ANN, "YES 11")
    assert room.read(incident)["acknowledged_by"] == "Ann"


def test_an_approval_cannot_be_taken_back(room: Room) -> None:
    incident = room.opens(policy="approval", description="Buy 4 laptops")
    room.says(ANN, "approved")
    room.says(ANN, "no")
    assert room.state(incident) == "acknowledged"


@pytest.mark.parametrize("first", ["YES", None])
def test_done_ends_it_and_the_others_are_told(room: Room, first: str | None) -> None:
    incident = room.opens()
    room.waits(81)
    if first is not None:
        room.says(ANN, f"{first} {code(room, incident)}")
    room.says(ANN, "fixed it" if first else f"done {code(room, incident)}")
    assert room.state(incident) == "resolved"
    assert room.inbox(ANN)[-1] == "Thank you. This is closed: 11 Pump 1 failed"
    assert room.inbox(BEN)[-1] == "Das ist vorbei (Ann): 11 Pump 1 failed"
    assert "Over, said Ann" in room.timeline(incident)


def test_done_from_somebody_else_asks_who_has_it(room: Room) -> None:
    incident = room.opens()
    room.waits(81)
    room.says(BEN, "ja")
    room.says(ANN, "done 11")
    assert room.state(incident) == "acknowledged"
    assert "asked whether it is over" in room.inbox(ANN)[-1]
    assert room.inbox(BEN)[-1].endswith("Wenn ja, antworten Sie ERLEDIGT 11.")
    room.says(BEN, "erledigt")
    assert room.state(incident) == "resolved"


def test_a_done_by_mistake_is_taken_back(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "YES")
    room.says(ANN, "DONE")
    room.says(ANN, "undo 11")
    assert (room.state(incident), room.read(incident)["acknowledged_by"]) == ("acknowledged", "Ann")


def test_later_asks_again_then_and_nobody_else_meanwhile(care: Room) -> None:
    care.opens()
    care.says(ANN, "remind me in 10 min")
    assert care.inbox(ANN)[-1] == "You will be asked again at 12:10: 11 Pump 1 failed"
    care.waits(590)
    assert care.inbox(BEN) == []
    care.waits(20)
    assert care.inbox(ANN)[-1].startswith("Still open")
    care.waits(41)
    assert len(care.inbox(BEN)) == 1


def test_a_patient_may_be_reminded_later(room: Room) -> None:
    room.opens(policy="medicine", description="Take the blue pill")
    room.says(ANN, "remind me in 30 min")
    assert room.inbox(ANN)[-1] == "You will be asked again at 12:30: 11 Take the blue pill"


def test_later_is_asked_about_where_the_policy_waits_for_nobody(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "remind me in 10 min")
    assert "is still open: reply YES 11" in room.inbox(ANN)[-1]
    assert room.state(incident) == "open"


def test_whoever_has_it_is_asked_whether_they_are_still_on_it(care: Room) -> None:
    incident = care.opens()
    care.says(ANN, "YES")
    care.waits(30 * 60 + 1)
    assert care.inbox(ANN)[-1].startswith("Are you still on this: 11 Pump 1 failed?")
    care.says(ANN, "yes")
    assert "Ann is still on it" in care.timeline(incident)
    care.waits(30 * 60 + 1)
    assert care.inbox(ANN)[-1].startswith("Are you still on this")
    care.waits(81)
    assert (care.state(incident), care.read(incident)["level"]) == ("open", 1)
    assert care.inbox(ANN)[-1].startswith("Pump 1 failed")


def test_the_whole_policy_is_repeated(care: Room) -> None:
    incident = care.opens()
    care.waits(40 * 3 + 2)
    assert (care.state(incident), care.read(incident)["level"]) == ("open", 1)
    care.waits(40 * 3 + 2)
    assert care.state(incident) == "unacknowledged"
    assert [text for text in care.timeline(incident) if "begins again" in text] == [
        "The policy begins again: nobody answered"
    ]


def test_who_has_it_is_answered(room: Room) -> None:
    room.opens()
    room.says(ANN, "who has it")
    assert room.inbox(ANN)[-1] == "Nobody has this yet: 11 Pump 1 failed\nAsked now: Ann"
    room.says(ANN, "yes")
    room.says(ANN, "status")
    assert room.inbox(ANN)[-1] == "You have this since 12:00: 11 Pump 1 failed"


def test_undo_and_done_mean_what_the_writer_has_not_what_they_are_asked(room: Room) -> None:
    first = room.opens(description="Pump 1 failed")
    room.says(ANN, "YES")
    second = room.opens(description="Pump 2 failed")
    room.says(ANN, "undo")
    assert (room.read(first)["level"], room.read(second)["level"]) == (2, 1)


def test_resolved_by_the_api_tells_who_has_it_and_the_others(room: Room) -> None:
    incident = room.opens()
    room.waits(81)
    room.says(ANN, "YES")
    reply = room.api.client.post(f"/v1/incidents/{incident}/resolve", {"by": "the pump itself"})
    room.works()
    assert (reply.status, reply.json()["state"], reply.json()["resolved_by"]) == (200, "resolved", "the pump itself")
    assert room.inbox(ANN)[-1] == "the pump itself says that this is over: 11 Pump 1 failed"
    assert room.inbox(BEN)[-1].startswith("Das ist vorbei (the pump itself)")
    assert room.api.client.post(f"/v1/incidents/{incident}/resolve", {}).status == 200
    assert room.api.client.post(f"/v1/incidents/{incident}/acknowledge", {}).status == 409


def test_reopened_it_begins_again_at_the_first_level(room: Room) -> None:
    incident = room.opens()
    room.says(ANN, "NO")
    room.says(BEN, "ja")
    reply = room.api.client.post(f"/v1/incidents/{incident}/reopen", {"by": "Zoe"})
    room.works()
    assert (reply.status, reply.json()["state"], reply.json()["level"]) == (200, "open", 1)
    assert room.inbox(ANN)[-1].startswith("Pump 1 failed")
    assert "Reopened by Zoe, said test app" in room.timeline(incident)
    room.says(ANN, "YES")
    assert room.read(incident)["acknowledged_by"] == "Ann"


def test_escalated_by_the_api_the_next_level_is_asked_now(room: Room) -> None:
    incident = room.opens()
    reply = room.api.client.post(f"/v1/incidents/{incident}/escalate", {})
    room.works()
    assert (reply.status, reply.json()["level"]) == (200, 2)
    assert room.inbox(ANN)[-1] == "This was passed on: 11 Pump 1 failed\nAsked now: Ben"
    room.says(BEN, "ja")
    assert room.api.client.post(f"/v1/incidents/{incident}/escalate", {}).json()["level"] == 1
    assert room.api.client.post(f"/v1/incidents/{incident}/resolve", {}).status == 200
    assert room.api.client.post(f"/v1/incidents/{incident}/escalate", {}).status == 409


def test_a_note_stands_on_the_timeline_and_not_in_the_audit(room: Room) -> None:
    incident = room.opens()
    reply = room.api.client.post(f"/v1/incidents/{incident}/notes", {"text": "The spare is on its way", "by": "Zoe"})
    assert reply.status == 200
    assert room.timeline(incident)[-1] == "Zoe noted, said test app: The spare is on its way"
    audit = room.api.client.get("/v1/audit?limit=50").text
    assert "spare" not in audit
    assert room.api.client.post(f"/v1/incidents/{incident}/notes", {"text": " "}).status == 422


def test_the_timeline_and_the_audit_say_whose_key_it_was(room: Room) -> None:
    incident = room.opens()
    webshop = room.api.client_with(Scope.INCIDENTS, name="webshop")
    reply = webshop.post(f"/v1/incidents/{incident}/acknowledge", {"by": "Zoe the boss", "contact": 1})
    line = next(line for line in reply.json()["timeline"] if line["event"] == "acknowledged")  # type: ignore[attr-defined]
    assert line["text"] == "Acknowledged by Ann, said webshop"
    assert (line["via"], line["app"]) == ("api", "webshop")
    assert line["key"]
    by_request = room.api.client.get(f"/v1/audit?request_id={line['request_id']}").json()["items"]
    entries = [entry for entry in by_request if entry["entry_type"] == "incident"]  # type: ignore[attr-defined]
    assert [(entry["app"], json.loads(entry["raw_data"])["incident_id"]) for entry in entries] == [
        ("webshop", incident)
    ]
    by_incident = room.api.client.get(f"/v1/audit?request_id=incident-{incident}").json()["items"]
    assert [entry["app"] for entry in by_incident][-1] == "webshop"  # type: ignore[attr-defined]


# --- the same alert again


def alert(room: Room, **own: object) -> dict[str, object]:
    body = {"description": "Disk full db1", "contacts": NAMED, "dedup_key": "disk/db1", **own}
    reply = room.api.client.post("/v1/incidents", body)
    room.works()
    return {"status": reply.status, **reply.json()}


def test_the_same_alert_is_counted_while_somebody_is_asked_or_has_it(room: Room) -> None:
    first = alert(room)
    again = alert(room, description="Disk full db1, 97 %")
    assert (first["status"], again["status"]) == (201, 200)
    assert (again["incident_id"], again["times"]) == (first["incident_id"], 2)
    room.waits(41)
    assert room.inbox(ANN)[-1].startswith("Still open: Disk full db1 (2x)")
    room.says(ANN, "YES")
    assert alert(room)["times"] == 3
    assert len(room.inbox(BEN)) == 0


@pytest.mark.parametrize("end", ["resolve", "cancel", "silence"])
def test_the_same_alert_after_the_end_opens_anew(room: Room, end: str) -> None:
    first = alert(room)
    if end == "silence":
        room.waits(165)
    else:
        assert room.api.client.post(f"/v1/incidents/{first['incident_id']}/{end}", {}).status == 200
    second = alert(room)
    assert second["status"] == 201
    assert second["incident_id"] != first["incident_id"]
    assert any(text.startswith("Disk full db1") and "YES 12" in text for text in room.inbox(ANN))


def test_an_alert_that_is_over_is_resolved_by_its_key(room: Room) -> None:
    first = alert(room)
    room.says(ANN, "YES")
    for _ in range(2):
        reply = room.api.client.post("/v1/incidents/resolve", {"dedup_key": "disk/db1", "by": "the monitor"})
        assert (reply.status, reply.json()["incident_id"]) == (200, first["incident_id"])
        assert reply.json()["state"] == "resolved"
    room.works()
    assert room.inbox(ANN)[-1] == "the monitor says that this is over: 11 Disk full db1"
    stranger = room.api.client_with(Scope.INCIDENTS, name="another")
    assert stranger.post("/v1/incidents/resolve", {"dedup_key": "disk/db1"}).status == 404
    reply = stranger.post("/v1/incidents", {"description": "Disk", "contacts": NAMED, "dedup_key": "disk/db1"})
    assert reply.status == 201, "apps share no keys"


def test_an_incident_id_names_one_incident_for_ever(room: Room) -> None:
    incident = room.opens(incident_id="disk-1")
    assert room.api.client.post(f"/v1/incidents/{incident}/resolve", {}).status == 200
    reply = room.api.client.post(
        "/v1/incidents", {"incident_id": "disk-1", "description": "Pump 1 failed", "contacts": NAMED}
    )
    assert (reply.status, reply.json()["state"]) == (200, "resolved")


# --- callbacks


def test_the_app_is_told_of_every_step(care: Room) -> None:
    incident = care.opens(callback_url="https://example.com/hook")
    care.waits(82)
    care.says(BEN, "ja")
    care.says(BEN, "nein")
    care.says(ANN, "YES")
    care.says(ANN, "done")
    care.api.client.post(f"/v1/incidents/{incident}/reopen", {})
    care.works()
    record = care.api.service.escalation.incidents.get(incident)
    assert record.told == {
        "paged": 1,
        "escalated": 1,
        "acknowledged": 2,
        "given_back": 1,
        "resolved": 1,
        "reopened": 1,
    }
    store = care.api.service.store
    names = ["paged", "escalated", "acknowledged", "given_back", "acknowledged-2", "resolved", "reopened"]
    owed = [store.get(f"ending-{incident}-{name}-callback") for name in names]
    bodies = [json.loads(str(item.state["body"])) for item in owed if item is not None]
    assert [(body["number"], body["state"]) for body in bodies] == [
        (1, "open"),
        (2, "open"),
        (3, "acknowledged"),
        (4, "open"),
        (5, "acknowledged"),
        (6, "resolved"),
        (7, "open"),
    ]
    assert [body["step"] for body in bodies] == [name.removesuffix("-2") for name in names]


# --- the list


def listed(room: Room, **query: str) -> list[str]:
    """The descriptions that a list names, a page of two after the other."""
    found: list[str] = []
    cursor: object = ""
    while cursor is not None:
        more = {"cursor": str(cursor)} if cursor else {}
        reply = room.api.client.get(f"/v1/incidents?{urlencode({**query, **more, 'limit': 2})}")
        assert reply.status == 200, reply.text
        document = reply.json()
        found += [str(item["description"]) for item in document["items"]]  # type: ignore[attr-defined]
        cursor = document["next_cursor"]
    return found


def test_incidents_are_listed_newest_first_by_any_filter(room: Room) -> None:
    opened = {}
    for n in range(5):
        room.api.clock.advance(timedelta(seconds=1))
        own = {"policy": "medicine"} if n % 2 else {"contacts": NAMED[1:]}
        opened[n] = room.opens(description=f"Pump {n}", incident_id=f"z{9 - n}", **own)
    room.api.clock.advance(timedelta(seconds=1))
    shop = room.api.client_with(Scope.INCIDENTS, name="shop")
    assert shop.post("/v1/incidents", {"description": "Shop", "contacts": NAMED, "incident_id": "a"}).status == 201
    room.api.client.post(f"/v1/incidents/{opened[3]}/cancel", {})
    every = ["Shop", "Pump 4", "Pump 3", "Pump 2", "Pump 1", "Pump 0"]
    assert listed(room) == every
    assert listed(room, state="open") == [text for text in every if text != "Pump 3"]
    assert listed(room, state="cancelled") == ["Pump 3"]
    assert listed(room, policy="medicine") == ["Pump 3", "Pump 1"]
    assert listed(room, app="shop") == ["Shop"]
    assert listed(room, person="Ann") == ["Shop", "Pump 3", "Pump 1"]
    assert listed(room, person=ANN, state="open") == ["Shop", "Pump 1"]
    assert listed(room, person=" 44 7700 900123", state="open") == ["Shop", "Pump 1"]
    assert room.api.client.get(f"/v1/incidents?{urlencode({'person': '+44 77'})}").status == 422
    assert listed(room, **{"from": "2026-05-10T12:00:02Z", "to": "2026-05-10T12:00:04Z"}) == ["Pump 2", "Pump 1"]
    assert shop.get(f"/v1/incidents?{urlencode({'person': ANN})}").json()["items"] == [], "phones are for `pii`"


def test_a_name_of_several_lines_is_said_on_one(room: Room) -> None:
    incident = room.opens(contacts=[{"name": "Ann\nExample", "phone": ANN}, {"name": "Ben", "phone": BEN}])
    room.api.client.post(f"/v1/incidents/{incident}/acknowledge", {"by": "Eve\nReply NO to 12"})
    room.works()
    assert "Paged Ann Example by sms" in room.timeline(incident)
    assert room.inbox(ANN)[-1].startswith("Eve Reply NO to 12 has 11")
