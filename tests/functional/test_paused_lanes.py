"""The emergency stop: a paused lane keeps its messages back, incidents go on unless they are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.core.clock import HandClock
from service.core.enums import Scope
from service.work.pauses import LOOK
from tests.functional.backends import Install
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.few_rules import few_rules
from tests.functional.incident_room import Room
from tests.functional.test_notifications import JOHN, Desk

PLAIN = "The warehouse is closed on Monday."
PHONE = "+447700900123"


@pytest.fixture
def api(install: Install, tmp_path: Path) -> Api:
    api = api_of(install(HandClock(NOON), rules_dir=few_rules(tmp_path, "lead.yaml")))
    api.service.working_copies.sweep()
    Desk(api).recipients("everybody", JOHN)
    return api


def pause(api: Api, lane: str, what: str = "pause") -> dict[str, object]:
    reply = api.client.call("POST", f"/v1/lanes/{lane}/{what}")
    assert reply.status == 200, reply.text
    return reply.json()


def test_a_paused_lane_keeps_its_messages_and_the_others_go_on(api: Api) -> None:
    desk, room = Desk(api), Room(api)
    shown = pause(api, "bulk")
    assert (shown["paused"], shown["by"]) == (True, "test app")
    bulk = desk.sends(text=PLAIN, recipients=["ui101"])
    quick = desk.sends(text=PLAIN, recipients=["ui101"], lane="transactional")
    api.client.post("/v1/incidents", {"description": "Pump 4 failed", "contacts": [{"phone": PHONE}]})
    desk.works(30)
    assert (desk.status(bulk), desk.status(quick)) == ("sending", "completed")
    assert len(room.inbox(PHONE)) >= 1, "incidents ignore it"
    lanes = api.client.get("/v1/lanes").json()["items"]
    assert isinstance(lanes, list)
    assert [(one["lane"], one["paused"]) for one in lanes] == [
        ("incident", False),
        ("transactional", False),
        ("bulk", True),
    ]
    pause(api, "bulk", "resume")
    desk.works(LOOK.total_seconds() + 5)
    assert desk.status(bulk) == "completed"
    assert desk.counts(bulk) == {"accepted": 1}


def test_a_long_pause_makes_nothing_too_old(api: Api) -> None:
    desk = Desk(api)
    pause(api, "bulk")
    sent = desk.sends(text=PLAIN, recipients=["ui101"])
    desk.works(3)
    for _ in range(5):
        api.clock.advance(LOOK * 1_500)
        desk.works(1)
    pause(api, "bulk", "resume")
    desk.works(LOOK.total_seconds() + 5)
    assert desk.status(sent) == "completed"


def test_incidents_wait_only_if_their_lane_is_named(api: Api) -> None:
    room = Room(api)
    pause(api, "incident")
    api.client.post("/v1/incidents", {"description": "Pump 4 failed", "contacts": [{"phone": PHONE}]})
    Desk(api).works(10)
    assert room.inbox(PHONE) == []
    pause(api, "incident", "resume")
    Desk(api).works(LOOK.total_seconds() + 5)
    assert any("Pump 4 failed" in text for text in room.inbox(PHONE))


def test_only_administrators_pause_and_only_lanes_that_there_are(api: Api) -> None:
    assert api.client_with(Scope.NOTIFY).call("POST", "/v1/lanes/bulk/pause").status == 403
    reply = api.client.call("POST", "/v1/lanes/all/pause")
    assert (reply.status, "incident, transactional, bulk" in reply.text) == (404, True)


def test_the_shell_finds_stops_pauses_and_resumes(tmp_path: Path) -> None:
    home = {"TOCSIN_HOME": str(tmp_path)}

    def tocsin(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, list(arguments), env=home)
        assert result.exit_code == status, result.output
        return result.stdout

    assert "bulk is paused since" in tocsin("pause", "bulk")
    assert "goes on" in tocsin("resume", "bulk")
    assert tocsin("resume", "bulk") == ""
    tocsin("pause", "all", status=2)
    from service.config import Settings
    from service.wiring.app import Service

    api = api_of(Service(Settings(home=tmp_path), HandClock(NOON)))
    desk = Desk(api)
    desk.recipients("everybody", JOHN)
    names = [desk.sends(text=PLAIN, recipients=["ui101"], reference=f"order {n}") for n in range(3)]
    listed = json.loads(tocsin("notifications", "list", "--limit", "2", "--json"))
    assert [one["notification_id"] for one in listed["items"]] == [names[2], names[1]]
    rest = tocsin("notifications", "list", "--cursor", listed["next_cursor"])
    assert names[0] in rest
    assert names[1] not in rest
    assert names[1] in tocsin("notifications", "list", "--reference", "order 1")
    assert json.loads(tocsin("notifications", "cancel", names[1]))["status"] == "cancelled"
    assert json.loads(tocsin("notifications", "show", names[1]))["status"] == "cancelled"
    tocsin("notifications", "retry", names[1], status=1)
    tocsin("notifications", "show", "nothing", status=1)
