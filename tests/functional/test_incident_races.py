"""The same incident asked for by several processes in the same instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from service.app import Service
from service.clock import HandClock
from service.config import Settings
from service.escalate.intake import GivenContact, NewIncident
from tests.functional.conftest import NOON
from tests.functional.incident_room import ANN


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Service, Service]]:
    """Two processes' parts on one database."""
    clock = HandClock(NOON)
    services = [Service(Settings(home=tmp_path, rules_watch=False), clock) for _ in range(2)]
    yield services[0], services[1]
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


def test_the_same_incident_opened_by_two_processes_at_once_is_one(two: tuple[Service, Service]) -> None:
    first, second = two
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
    worker = first.worker()
    assert worker.run_due() == 10
    worker.close()
