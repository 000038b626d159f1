"""What an incident costs the worker, and that it goes on whatever becomes of its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from service.core.clock import HandClock
from service.escalate.answers import Answers
from service.escalate.incidents import Incidents
from service.escalate.intake import GivenContact, NewIncident
from service.work import Commit
from tests.functional.backends import Install
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.incident_room import ANN, Room


@dataclass(slots=True)
class MovingClock:
    """A microsecond further at every look."""

    at: datetime = NOON

    def now(self) -> datetime:
        self.at += timedelta(microseconds=1)
        return self.at


def test_a_page_that_nothing_holds_back_is_handled_once(install: Install) -> None:
    service = install(MovingClock())
    service.escalation.incidents.open(NewIncident("1", "Pump failed", (GivenContact(phone=ANN),)), "test", "1")
    worker = service.worker()
    assert worker.run_due() == 1
    assert len(service.messaging.outbox.entries(to=ANN).items) == 1
    worker.close()


@pytest.fixture
def room(install: Install) -> Room:
    return Room(api_of(install(HandClock(NOON))))


def dead(api: Api) -> list[dict[str, object]]:
    items = api.client.get("/v1/dead").json()["items"]
    assert isinstance(items, list)
    return items


def breaks(*_: object) -> Commit:
    raise ZeroDivisionError("a fault of the program")


def passes(room: Room, hours: float) -> None:
    """Time goes by in steps of half a minute, which any back-off fits."""
    worker = room.api.service.worker()
    for _ in range(int(hours * 120)):
        room.api.clock.advance(timedelta(seconds=30))
        worker.run_due()
    worker.close()


def test_an_incident_whose_timer_died_is_listed_as_dead_and_goes_on_when_the_fault_is_over(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = room.opens()
    with monkeypatch.context() as fault:
        fault.setattr(Incidents, "_moved", breaks)
        passes(room, 1)
        (item,) = dead(room.api)
        assert (item["id"], item["kind"]) == (f"incident-{incident}", "incident")
        assert item["next_try"] is not None
        assert room.read(incident)["level"] == 1
    passes(room, 0.25)
    assert room.state(incident) != "open" or room.read(incident)["level"] == 2
    assert dead(room.api) == []


def test_a_yes_to_an_incident_whose_timer_is_dead_counts_and_ends_that(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = room.opens()
    with monkeypatch.context() as fault:
        fault.setattr(Incidents, "on_time_together", breaks)
        passes(room, 0.25)
        assert dead(room.api)
        room.says(ANN, "yes")
    assert room.state(incident) == "acknowledged"
    assert dead(room.api) == []


def test_the_rest_of_an_answer_is_applied_although_its_work_died(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    incidents = [room.opens() for _ in range(3)]
    with monkeypatch.context() as fault:
        fault.setattr(Answers, "handle", breaks)
        fault.setattr(Answers, "finish", lambda *_: None)  # the process that heard the reply ends here
        fault.setattr("service.escalate.answers.AT_ONCE", 1)
        room.says(ANN, "yes all")
        passes(room, 0.25)
        assert [item["kind"] for item in dead(room.api)] == ["incident-heard"]
    passes(room, 0.25)
    assert {room.state(incident) for incident in incidents} == {"acknowledged"}
    assert dead(room.api) == []
