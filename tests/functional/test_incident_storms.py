"""Incidents that fall due at one instant: what becomes of them together is what would have become of each alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from service.config import Settings
from service.core.clock import HandClock
from service.escalate.intake import GivenContact, NewIncident
from service.escalate.record import IncidentRecord
from service.wiring.app import Service
from service.work import HandlerRegistry, TaskHandler, Worker
from tests.functional.conftest import NOON

INCIDENTS = 45
PHONES = 4
WAITS = (60, 10, 30, 10, 10, 20, 10, 10, 10, 40, 20, 40, 20, 60, 60)
"""Seconds from one instant at which something is due to the next: pages, summaries of those that did not go out alone,
reminders of the first, of the others, their summaries, the next level …
"""


@dataclass(frozen=True, slots=True)
class Storm:
    """What a storm left: every incident with its timeline and codes, and what each phone and address got."""

    records: Mapping[str, IncidentRecord]
    received: Counter[tuple[str, str]]


def alone(duty: TaskHandler) -> TaskHandler:
    return replace(duty, together=None)


def storm(home: Path, *, together: bool) -> Storm:
    """Let incidents over few phones fall due at one instant again and again, up to the last reminder."""
    clock = HandClock(NOON)
    service = Service(Settings(home=home, rules_watch=False), clock)
    for n in range(INCIDENTS):
        service.escalation.incidents.open(incident(n), "app", f"storm-{n:02d}")
    duties = service.task_handlers() if together else map(alone, service.task_handlers())
    worker = Worker(service.store, HandlerRegistry(duties), clock, threads=1)
    for seconds in WAITS:
        clock.advance(timedelta(seconds=seconds))
        worker.run_due()
    worker.close()
    records = {f"storm-{n:02d}": service.escalation.incidents.get(f"storm-{n:02d}") for n in range(INCIDENTS)}
    sent = service.messaging.outbox.entries(limit=10_000).items
    service.store.close()
    return Storm(records, Counter((one.entry.to, one.entry.text) for one in sent))


def incident(n: int) -> NewIncident:
    contacts = [GivenContact(phone=f"+4477009001{(n + m) % PHONES:02d}", email=f"p{n}@example.com") for m in range(2)]
    due = NOON + timedelta(seconds=60)
    return NewIncident(f"storm-{n:02d}", f"Pump {n}", tuple(contacts), open_at=due)


def test_a_storm_over_a_few_phones_ends_as_if_each_incident_had_been_alone(tmp_path: Path) -> None:
    together, one_by_one = storm(tmp_path / "a", together=True), storm(tmp_path / "b", together=False)
    assert together.records == one_by_one.records
    assert together.received == one_by_one.received
    assert all(record.incident.escalated for record in together.records.values())
    assert any(page.in_summary for record in together.records.values() for page in record.incident.pages)
