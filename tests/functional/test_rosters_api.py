"""Who is on call, asked over HTTP and by the command line, and calendars that follow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import icalendar
import pytest

from service.core.clock import HandClock
from service.core.enums import Scope
from tests.functional.backends import Install
from tests.functional.client import Client, Reply, tocsin
from tests.functional.conftest import Api, api_of
from tests.functional.test_roster_incidents import BACKUP, BEFORE, PUMPS

REPEATED_ON_AWS = False


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    for name, text in {"pumps": PUMPS, "backup": BACKUP}.items():
        (folder / "rosters").mkdir(parents=True, exist_ok=True)
        (folder / "rosters" / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture
def api(install: Install, rules: Path) -> Api:
    api = api_of(install(HandClock(BEFORE), rules_dir=rules))
    profile = {"user_id": "emp7", "first_name": "Cleo", "language": "en", "preference": "sms", "phone": "+447700900789"}
    assert api.client.call("PUT", "/v1/recipients/emp7", json=profile).status in (200, 201)
    return api


def items(reply: Reply) -> list[Mapping[str, object]]:
    return cast("list[Mapping[str, object]]", reply.json()["items"])


def anonymous(api: Api) -> Client:
    return api.client.with_key(None)


def test_who_is_on_call_since_when_until_when_and_who_follows(api: Api) -> None:
    reply = api.client.get("/v1/rosters/pumps")
    assert reply.status == 200
    assert reply.json() == {
        "roster": "pumps",
        "description": "",
        "timezone": "Europe/Berlin",
        "at": "2026-10-25T00:59:00.000000Z",
        "on_call": {"person": "ann", "name": "Ann", "phone": "+447700900123", "language": "en", "why": "turn"},
        "since": "2026-10-24T01:00:00.000000Z",
        "until": "2026-10-25T02:00:00.000000Z",
        "next": {"person": "ben", "name": "Ben", "phone": "+447700900456", "language": "de", "why": "turn"},
    }


@pytest.mark.parametrize(
    ("at", "who"),
    [
        ("2026-10-25T01:59:59Z", "ann"),
        ("2026-10-25T02:00:00Z", "ben"),
        ("2026-10-25T03:00:00%2B01:00", "ben"),
        ("2026-10-20T12:00:00Z", None),
    ],
)
def test_who_is_on_call_at_an_instant(api: Api, at: str, who: str | None) -> None:
    on_call = cast("Mapping[str, object] | None", api.client.get(f"/v1/rosters/pumps?at={at}").json()["on_call"])
    assert (on_call and on_call["person"]) == who


def test_contact_data_is_for_keys_with_pii_and_a_profile_says_the_rest(api: Api) -> None:
    client = api.client_with(Scope.INCIDENTS)
    shown = client.get("/v1/rosters/backup").json()["on_call"]
    assert shown == {
        "person": "cleo",
        "name": "Cleo",
        "phone": "+44…789",
        "language": "en",
        "recipient": "emp7",
        "why": "turn",
    }
    assert api.client_with(Scope.EVALUATE).get("/v1/rosters/backup").status == 403


def test_all_rosters_are_listed_with_the_files_that_cannot_be_used(api: Api, rules: Path) -> None:
    assert api.client.get("/v1/rosters").json()["problems"] == []
    (rules / "rosters" / "pumps.yaml").write_text(PUMPS.replace("+447700900123", "07700900123"))
    listed = api.client.get("/v1/rosters")
    assert [each["roster"] for each in items(listed)] == ["backup", "pumps"]
    (problem,) = cast("list[str]", listed.json()["problems"])
    assert "pumps.yaml:4:27: the phone number has no country code" in problem
    assert "07700900123" not in problem


@pytest.mark.parametrize("path", ["pumpz", "pumpz/calendars/x", "pumps/calendar/x.ics"])
def test_what_there_is_none_of_is_404(api: Api, path: str) -> None:
    method = "DELETE" if "calendars" in path else "GET"
    assert api.client.call(method, f"/v1/rosters/{path}").status == 404


@pytest.mark.parametrize("at", ["1999-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "noon"])
def test_an_instant_that_no_roster_is_about_is_refused(api: Api, at: str) -> None:
    assert api.client.get(f"/v1/rosters/pumps?at={at}").status == 422


def test_a_calendar_reads_the_shifts_with_its_own_token_until_it_is_revoked(api: Api) -> None:
    made = api.client.post("/v1/rosters/pumps/calendars", {"label": "Ann's phone"})
    assert made.status == 201, made.text
    path = str(made.json()["path"])
    reply = anonymous(api).get(path)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/calendar; charset=utf-8"
    calendar = icalendar.Calendar.from_ical(reply.text)
    assert isinstance(calendar, icalendar.Calendar)
    events = calendar.events
    first = [(str(event["summary"]), event.start, event.end) for event in events[:3]]
    assert first == [
        ("Ann is on call: pumps", datetime(2026, 10, 24, 1, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC)),
        ("Ben is on call: pumps", datetime(2026, 10, 25, 2, tzinfo=UTC), datetime(2026, 10, 26, 2, tzinfo=UTC)),
        ("Ann is on call: pumps", datetime(2026, 10, 26, 2, tzinfo=UTC), datetime(2026, 10, 27, 2, tzinfo=UTC)),
    ]
    assert len({str(event["uid"]) for event in events}) == len(events) == 183
    assert "+44" not in reply.text
    (listed,) = items(api.client.get("/v1/rosters/pumps/calendars"))
    assert listed["label"] == "Ann's phone"
    assert "path" not in listed
    assert anonymous(api).get(path.replace("/pumps/", "/backup/")).status == 404
    other = "B" if path[-5] == "A" else "A"
    assert anonymous(api).get(path[:-5] + f"{other}.ics").status == 404
    gone = api.client.call("DELETE", f"/v1/rosters/pumps/calendars/{listed['calendar_id']}")
    assert gone.status == 204
    assert anonymous(api).get(path).status == 404


def test_the_command_line_says_who_is_on_call_and_makes_calendars(tmp_path: Path, rules: Path) -> None:
    settings = {"TOCSIN_HOME": str(tmp_path / "home"), "TOCSIN_RULES_DIR": str(rules)}

    def says(*arguments: str) -> str:
        done = tocsin("rosters", *arguments, settings=settings)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert says("now", "pumps", "--at", "2026-10-25T02:30") == "pumps: Ann until Sun 2026-10-25 03:00, then Ben\n"
    assert says("now").splitlines()[0] == "backup: cleo"
    assert len(says("shifts", "pumps", "--days", "3").splitlines()) >= 3
    address = says("calendar", "pumps", "--label", "wall").strip()
    assert "/v1/rosters/pumps/calendar/" in address
    (line,) = says("calendars", "pumps").splitlines()
    assert "wall" in line
    says("revoke", line.split()[0])
    assert says("calendars", "pumps") == ""
