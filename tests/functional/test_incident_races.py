"""Replies, timers and the same incident, by two processes in the same instant: one outcome each, on each backend."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from service.channels.inbound import InboundSms
from service.core.clock import HandClock
from service.escalate.effects import TimelineKind
from service.escalate.intake import GivenContact, NewIncident
from service.escalate.items import Fate, outgoing_of
from service.escalate.policy import PAGING, Role
from service.escalate.record import IncidentRecord
from service.wiring.app import Service
from tests.functional.backends import Install
from tests.functional.conftest import NOON

ROUNDS = 10
SILENCE = timedelta(seconds=40)
"""How long the default policy waits for an answer."""


def phone(n: int) -> str:
    """A phone of its own for each page: from the sixth in five minutes a phone gets summaries."""
    return f"+4477009001{n:02d}"


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def two(install: Install, clock: HandClock) -> tuple[Service, Service]:
    """Two processes' parts on one database."""
    return install(clock), install(clock)


def at_once(*actions: Callable[[], object]) -> None:
    """Do all of these in the same instant, and let any of their errors out."""
    barrier = Barrier(len(actions))

    def act(action: Callable[[], object]) -> None:
        barrier.wait()
        action()

    with ThreadPoolExecutor(len(actions)) as pool:
        for future in [pool.submit(act, action) for action in actions]:
            future.result()


def test_yes_twice_and_the_timer_twice_in_the_same_instant_have_one_outcome(
    two: tuple[Service, Service], clock: HandClock
) -> None:
    first, second = two
    workers = [service.worker() for service in two]
    for n in range(ROUNDS):
        ann, ben = GivenContact(phone=phone(n)), GivenContact(phone=phone(ROUNDS + n))
        new = NewIncident(f"race-{n}", "Pump 1 failed", (ann, ben))
        first.escalation.incidents.open(new, "app", f"race-{n}")
        workers[0].run_due()
        clock.advance(SILENCE)
        yes = [InboundSms(f"sms-{n}-{copy}", phone(n), "", "yes", None, clock.now()) for copy in range(2)]
        at_once(
            *(worker.run_due for worker in workers),
            lambda yes=yes: first.escalation.replies.receive(yes[0]),  # type: ignore[misc]  # bound in the loop
            lambda yes=yes: second.escalation.replies.receive(yes[1]),  # type: ignore[misc]  # bound in the loop
        )
        for worker in workers:
            worker.run_due()
        assert_one_outcome(first, first.escalation.incidents.get(f"race-{n}"))
    for worker in workers:
        worker.close()


def assert_one_outcome(service: Service, record: IncidentRecord) -> None:
    """Somebody has it, nobody is paged after that, and every message that the record counts is there and done."""
    assert record.incident.state.name == "acknowledged"
    kinds = [entry.kind for entry in record.timeline]
    assert kinds.count(TimelineKind.ACKNOWLEDGED) == 1
    assert not PAGING & {entry.role for entry in record.timeline[kinds.index(TimelineKind.ACKNOWLEDGED) :]}
    assert [entry.role for entry in record.timeline].count(Role.THANKS) == 1
    sent = [f"message-{record.incident.id}-{number:06d}" for number in range(1, record.incident.sent + 1)]
    kept = service.store.get_many(sent)
    assert kept.keys() == set(sent)
    assert {outgoing_of(item).fate for item in kept.values()} <= {Fate.ACCEPTED, Fate.DROPPED}


def test_the_same_incident_opened_by_two_processes_at_once_is_one(two: tuple[Service, Service]) -> None:
    first, second = two
    created: list[bool] = []
    for n in range(ROUNDS):
        new = NewIncident(f"once-{n}", "Pump 1 failed", (GivenContact(phone=phone(n)),))
        created.clear()
        at_once(
            *(
                lambda service=service, new=new: created.append(service.escalation.incidents.open(new, "app", "x")[1])
                for service in (first, second, first, second)
            )
        )
        assert created.count(True) == 1
    worker = first.worker()
    assert worker.run_due() == ROUNDS
    worker.close()
