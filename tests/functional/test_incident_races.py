"""Replies, timers and two processes in the same instant: one outcome each."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from service.app import Service
from service.clock import HandClock
from service.config import Settings
from service.escalate.intake import GivenContact, NewIncident
from service.escalate.items import outgoing_of
from service.escalate.policy import PAGING
from service.escalate.sns_events import InboundSms
from tests.functional.conftest import NOON
from tests.functional.incident_room import ANN, BEN

ROUNDS = 1_000 if os.environ.get("TOCSIN_TEST_LONG") else 25


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Service, Service, HandClock]]:
    """Two processes' parts on one database."""
    clock = HandClock(NOON)
    services = [Service(Settings(home=tmp_path, rules_watch=False), clock) for _ in range(2)]
    yield services[0], services[1], clock
    for service in services:
        service.store.close()


def at_once(*actions: Callable[[], object]) -> None:
    """Do all of these in the same instant, and let any of their errors out."""
    barrier = Barrier(len(actions))

    def act(action: Callable[[], object]) -> None:
        barrier.wait()
        action()

    with ThreadPoolExecutor(len(actions)) as pool:
        for future in [pool.submit(act, action) for action in actions]:
            future.result()


def test_yes_and_the_timer_in_the_same_instant_have_one_outcome(two: tuple[Service, Service, HandClock]) -> None:
    first, second, clock = two
    workers = [service.worker() for service in (first, second)]
    contacts = (GivenContact(phone=ANN), GivenContact(phone=BEN))
    for n in range(ROUNDS):
        name = f"race-{n}"
        first.escalation.incidents.open(NewIncident(name, "Pump 1 failed", contacts), "app", name)
        workers[0].run_due()
        clock.advance(timedelta(seconds=40))
        replies = [InboundSms(f"sms-{n}-{twice}", ANN, "", "yes", None, clock.now()) for twice in range(2)]
        at_once(
            workers[0].run_due,
            workers[1].run_due,
            lambda replies=replies: first.escalation.replies.receive(replies[0]),  # type: ignore[misc]
            lambda replies=replies: second.escalation.replies.receive(replies[1]),  # type: ignore[misc]
        )
        for worker in workers:
            worker.run_due()
        check(first, name)
    for worker in workers:
        worker.close()


def check(service: Service, name: str) -> None:
    record = service.escalation.incidents.get(name)
    assert record.incident.state.name == "acknowledged"
    kinds = [entry.kind.value for entry in record.timeline]
    acknowledged = kinds.index("acknowledged")
    assert kinds.count("acknowledged") == 1
    roles = [entry.role for entry in record.timeline[acknowledged:]]
    assert not PAGING.intersection(role for role in roles if role is not None), "nobody is paged after it"
    assert [entry.role.value for entry in record.timeline if entry.role].count("thanks") == 1
    messages = [service.store.get(f"message-{name}-{n:06d}") for n in range(1, record.incident.sent + 1)]
    assert all(item is not None and outgoing_of(item).fate.value in ("accepted", "dropped") for item in messages)


def test_the_same_incident_opened_by_two_processes_at_once_is_one(two: tuple[Service, Service, HandClock]) -> None:
    first, second, _ = two
    created: list[bool] = []
    for n in range(10):
        new = NewIncident(f"once-{n}", "Pump 1 failed", (GivenContact(phone=ANN),))
        created.clear()
        at_once(
            *(
                lambda service=service, new=new: created.append(service.escalation.incidents.open(new, "app", "x")[1])
                for service in (first, second, first, second)
            )
        )
        assert created.count(True) == 1
    assert first.worker().run_due() == 10
