"""Recurring incidents and notifications, as an app schedules them and people receive them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from service.core.enums import Scope
from service.schedules import ScheduleTarget
from tests.functional.conftest import NOON, Api
from tests.functional.incident_room import ANN, NAMED, Room

REPEATED_ON_AWS = frozenset(
    {
        "test_a_daily_medicine_opens_one_incident_each_morning",
        "test_a_crash_between_opening_and_recording_opens_nothing_twice",
        "test_a_deleted_schedule_runs_no_more",
        "test_a_paused_schedule_makes_nothing_and_goes_on_with_the_next",
        "test_the_same_idempotency_key_makes_one_schedule",
    }
)

MEDICINE = {"description": "Take the blue pill", "policy": "medicine", "contacts": NAMED}
DAILY: Mapping[str, object] = {"cron": "0 8 * * *", "timezone": "Europe/Berlin", "incident": MEDICINE}


@pytest.fixture
def room(api: Api) -> Room:
    return Room(api)


def schedule(api: Api, body: Mapping[str, object] = DAILY) -> str:
    reply = api.client.post("/v1/schedules", body)
    assert reply.status == 201, reply.text
    return str(reply.json()["schedule_id"])


def incidents(api: Api) -> list[str]:
    """The ids of all incidents, oldest first."""
    items = api.client.get("/v1/incidents").json()["items"]
    assert isinstance(items, list)
    return [str(one["incident_id"]) for one in reversed(items)]


def set_clock(room: Room, at: datetime) -> None:
    """Let time pass at once, as if everything had been down, then let the worker do what is due."""
    room.api.clock.advance(at - room.api.clock.now())
    room.works()


def test_a_daily_medicine_opens_one_incident_each_morning(room: Room) -> None:
    name = schedule(room.api)
    room.works()
    assert incidents(room.api) == []
    set_clock(room, datetime(2026, 5, 11, 6, 0, tzinfo=UTC))
    assert incidents(room.api) == [f"{name}-20260511T060000Z"]
    assert "Take the blue pill" in room.inbox(ANN)[0]
    set_clock(room, datetime(2026, 5, 12, 6, 0, 1, tzinfo=UTC))
    assert incidents(room.api) == [f"{name}-20260511T060000Z", f"{name}-20260512T060000Z"]


def test_of_the_occurrences_missed_while_everything_was_down_only_the_latest_runs(room: Room) -> None:
    name = schedule(room.api)
    set_clock(room, datetime(2026, 5, 15, 11, 0, tzinfo=UTC))
    assert incidents(room.api) == [f"{name}-20260515T060000Z"]
    shown = room.api.client.get(f"/v1/schedules/{name}").json()
    assert shown["next_at"] == "2026-05-16T06:00:00.000000Z"
    assert shown["last"] == {"at": "2026-05-15T06:00:00.000000Z", "id": f"{name}-20260515T060000Z", "problem": None}


def test_a_crash_between_opening_and_recording_opens_nothing_twice(room: Room) -> None:
    name = schedule(room.api)
    room.api.clock.advance(timedelta(hours=18))
    store, timetable = room.api.service.store, room.api.service.timetable
    kept = timetable.get(name)
    at = kept.schedule.recurrence.latest(room.api.clock.now())
    maker = timetable.makers[kept.schedule.makes]
    maker.make(kept.body, kept.schedule.occurrence_id(at), kept.schedule.app)  # and here the worker died
    assert store.count("incidents", "all") == 1
    room.works()
    assert incidents(room.api) == [f"{name}-20260511T060000Z"]
    assert len([text for text in room.inbox(ANN) if "blue pill" in text]) == 1


def test_a_weekly_report_is_a_notification(room: Room) -> None:
    client = room.api.client
    client.call("PUT", "/v1/recipients/ann", json={"email": "ann@example.com", "language": "en", "preference": "email"})
    report = {"text": "The weekly report is ready.", "recipients": ["ann"]}
    name = schedule(room.api, {"cron": "0 9 * * MON", "timezone": "UTC", "notification": report})
    set_clock(room, datetime(2026, 5, 11, 9, 0, tzinfo=UTC))
    shown = client.get(f"/v1/notifications/{name}-20260511T090000Z").json()
    assert shown["text"] == "The weekly report is ready."


@pytest.mark.parametrize(
    "ignored",
    [
        {"template": "follow-up", "variables": {"name": "Jo", "lead": "L-7"}, "subject": "A lead"},
        {"text": "The weekly report is ready.", "translations": {"en-US": "It is ready."}},
    ],
)
def test_what_an_earlier_version_took_and_ignored_goes_on(ignored: dict[str, object], room: Room) -> None:
    room.api.client.call(
        "PUT", "/v1/recipients/ann", json={"email": "ann@example.com", "language": "en", "preference": "email"}
    )
    body = {**ignored, "recipients": ["ann"]}
    assert room.api.client.post("/v1/schedules", {**DAILY, "incident": None, "notification": body}).status == 422
    room.api.service.timetable.makers[ScheduleTarget.NOTIFICATION].make(body, "weekly-1", "app")
    assert room.api.client.get("/v1/notifications/weekly-1").status == 200


def test_a_deleted_schedule_runs_no_more(room: Room) -> None:
    name = schedule(room.api)
    assert room.api.client.call("DELETE", f"/v1/schedules/{name}").status == 204
    set_clock(room, NOON + timedelta(days=3))
    assert incidents(room.api) == []
    assert room.api.client.get(f"/v1/schedules/{name}").status == 404
    assert room.api.client.call("DELETE", f"/v1/schedules/{name}").status == 404


def test_a_paused_schedule_makes_nothing_and_goes_on_with_the_next(room: Room) -> None:
    client, name = room.api.client, schedule(room.api)
    shown = client.get(f"/v1/schedules/{name}").json()
    assert shown["next_runs"] == [f"2026-05-{day}T06:00:00.000000Z" for day in range(11, 16)]
    for _ in range(2):
        paused = client.call("POST", f"/v1/schedules/{name}/pause").json()
    assert (paused["paused_at"], paused["next_runs"]) == ("2026-05-10T12:00:00.000000Z", [])
    set_clock(room, datetime(2026, 5, 12, 7, 0, tzinfo=UTC))
    assert incidents(room.api) == []
    resumed = client.call("POST", f"/v1/schedules/{name}/resume").json()
    assert (resumed["paused_at"], resumed["next_at"]) == (None, "2026-05-13T06:00:00.000000Z")
    set_clock(room, datetime(2026, 5, 13, 6, 0, tzinfo=UTC))
    assert incidents(room.api) == [f"{name}-20260513T060000Z"], "what the pause left out is not made up for"


def test_a_schedule_is_changed_in_part(room: Room) -> None:
    client, name = room.api.client, schedule(room.api)
    changed = client.call("PATCH", f"/v1/schedules/{name}", json={"cron": "30 9 * * *", "timezone": "UTC"}).json()
    assert (changed["next_at"], changed["incident"]) == (
        "2026-05-11T09:30:00.000000Z",
        client.get(f"/v1/schedules/{name}").json()["incident"],
    )
    body = {"incident": {**MEDICINE, "description": "Take the red pill"}}
    assert client.call("PATCH", f"/v1/schedules/{name}", json=body).status == 200
    set_clock(room, datetime(2026, 5, 11, 9, 30, tzinfo=UTC))
    assert incidents(room.api) == [f"{name}-20260511T093000Z"]
    assert "Take the red pill" in room.inbox(ANN)[0]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"cron": "x"}, "cron"),
        ({"timezone": "Berlin"}, "timezone"),
        ({"notification": {"text": "x", "recipients": ["ann"]}}, "notification"),
        ({"incident": {**MEDICINE, "policy": "medecine"}}, "incident.policy"),
        ({"paused": True}, "paused"),
    ],
)
def test_a_change_that_could_never_run_changes_nothing(api: Api, change: Mapping[str, object], path: str) -> None:
    name = schedule(api)
    before = api.client.get(f"/v1/schedules/{name}").json()
    reply = api.client.call("PATCH", f"/v1/schedules/{name}", json=dict(change))
    assert reply.status == 422, reply.text
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    assert [error["path"] for error in errors] == [path]
    assert api.client.get(f"/v1/schedules/{name}").json() == before


def test_a_schedule_runs_now_beside_its_clock(room: Room) -> None:
    client, name = room.api.client, schedule(room.api)
    for _ in range(2):
        ran = client.call("POST", f"/v1/schedules/{name}/run").json()
    assert (ran["last"], ran["next_at"]) == (
        {"at": "2026-05-10T12:00:00.000000Z", "id": f"{name}-20260510T120000Z", "problem": None},
        "2026-05-11T06:00:00.000000Z",
    )
    assert incidents(room.api) == [f"{name}-20260510T120000Z"]
    notify = room.api.client.with_key(room.api.service.keys.create("n", [Scope.NOTIFY])[1])
    for deed in ("run", "pause", "resume"):
        assert notify.call("POST", f"/v1/schedules/{name}/{deed}").status == 403


def test_a_schedule_whose_recipient_is_gone_says_so_and_goes_on(room: Room) -> None:
    client = room.api.client
    profile = {"phone": ANN, "language": "en", "preference": "sms"}
    client.call("PUT", "/v1/recipients/ann", json=profile)
    name = schedule(room.api, {**DAILY, "incident": {"description": "Pill", "contacts": [{"recipient": "ann"}]}})
    client.call("DELETE", "/v1/recipients/ann")
    set_clock(room, datetime(2026, 5, 11, 6, 0, tzinfo=UTC))
    last = client.get(f"/v1/schedules/{name}").json()["last"]
    assert isinstance(last, dict)
    assert "there is no recipient 'ann'" in str(last["problem"])
    client.call("PUT", "/v1/recipients/ann", json=profile)
    set_clock(room, datetime(2026, 5, 12, 6, 0, tzinfo=UTC))
    assert incidents(room.api) == [f"{name}-20260512T060000Z"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"cron": "0 8 * *"}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"timezone": "Berlin"}, "timezone"),
        ({"incident": None}, ""),
        ({"notification": {"text": "x", "recipients": ["ann"]}}, ""),
        ({"incident": {**MEDICINE, "incident_id": "7"}}, "incident.incident_id"),
        ({"incident": {**MEDICINE, "policy": "medecine"}}, "incident.policy"),
        ({"incident": {**MEDICINE, "contacts": [{"phone": "12"}]}}, "incident.contacts[0].phone"),
        ({"incident": {**MEDICINE, "contacts": [{"recipient": "bob"}]}}, "incident.contacts[0].recipient"),
        ({"incident": None, "notification": {"text": "x", "recipients": ["bob"]}}, "notification.recipients[0]"),
    ],
)
def test_what_could_never_run_is_refused_with_its_path(api: Api, change: Mapping[str, object], path: str) -> None:
    reply = api.client.post("/v1/schedules", {**DAILY, **change})
    assert reply.status == 422, reply.text
    errors = reply.json()["errors"]
    assert isinstance(errors, list)
    assert [error["path"] for error in errors] == [path]
    assert api.client.get("/v1/schedules").json()["items"] == []


def test_each_kind_needs_the_scope_of_its_own_call(api: Api) -> None:
    for_notify = api.client_with(Scope.NOTIFY)
    assert for_notify.post("/v1/schedules", DAILY).status == 403
    assert for_notify.get("/v1/schedules").status == 200
    assert api.client_with(Scope.AUDIT, name="auditor").get("/v1/schedules").status == 403
    name = schedule(api)
    assert for_notify.call("DELETE", f"/v1/schedules/{name}").status == 403


def test_phones_are_shown_in_full_only_with_the_scope_for_it(api: Api) -> None:
    name = schedule(api)
    limited = api.client_with(Scope.INCIDENTS)
    assert ANN not in limited.get(f"/v1/schedules/{name}").text
    assert ANN in api.client.get(f"/v1/schedules/{name}").text
    assert ANN not in api.client.get("/v1/audit").text


def test_the_same_idempotency_key_makes_one_schedule(api: Api) -> None:
    headers = {"Idempotency-Key": "medicine-1"}
    first, again = (api.client.post("/v1/schedules", DAILY, headers) for _ in range(2))
    assert first.json() == again.json()
    items = api.client.get("/v1/schedules").json()["items"]
    assert isinstance(items, list)
    assert len(items) == 1
