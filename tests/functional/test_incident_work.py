"""What an incident costs the worker, on a clock that moves while it works, as every real one does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.escalate.intake import GivenContact, NewIncident
from tests.functional.backends import Install
from tests.functional.conftest import NOON
from tests.functional.incident_room import ANN


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
