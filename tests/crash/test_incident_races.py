"""Two APIs hear a YES in the millisecond in which two workers find the timer due: one outcome each."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from service.config import Settings
from service.core.enums import Scope
from service.escalate.effects import TimelineKind
from service.escalate.intake import GivenContact, NewIncident
from service.escalate.items import Fate, outgoing_of
from service.escalate.policy import PAGING, Role
from service.escalate.record import IncidentRecord, lines
from service.storage import AuditQuery
from service.wiring.app import Service
from service.wiring.storage import SYSTEM_CLOCK
from service.work import HandlerRegistry, Worker
from tests.functional.client import Client, running

WAVES = 50 if os.environ.get("TOCSIN_TEST_LONG") else 5
MOST_WAVES = 2 * WAVES
WAVE = 20
"""Races at a time: a machine that is late with one wave begins the next one punctually."""
APART = timedelta(milliseconds=50)
"""From one race to the next: what two cores manage."""
POLL = timedelta(milliseconds=5)
"""How often these workers look: at the usual tenth of a second the replies would win nearly every race."""
PATIENCE = 60.0

_spawn = multiprocessing.get_context("spawn")


def settings_of(home: Path) -> Settings:
    return Settings(home=home, rules_watch=False)


def work(home: Path, begun: Event) -> None:
    """In a process of its own: a worker."""
    service = Service(settings_of(home))
    worker = Worker(service.store, HandlerRegistry(service.task_handlers()), SYSTEM_CLOCK, poll=POLL)
    begun.set()
    worker.run()


@dataclass(frozen=True, slots=True)
class Site:
    """Two API servers and two workers, each a process of its own, on one home; `parts` are for looking at it."""

    apis: Sequence[Client]
    parts: Service


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    home = tmp_path / "home"
    parts = Service(settings_of(home))
    key = parts.keys.create("phones", list(Scope))[1]
    begun = [_spawn.Event() for _ in range(2)]
    workers = [_spawn.Process(target=work, args=(home, event), daemon=True) for event in begun]
    with ExitStack() as servers:
        for process in workers:
            process.start()
            servers.callback(process.kill)
        given = {"HOME": str(home), "RULES_WATCH": "0", "WORKERS": "1"}
        apis = [servers.enter_context(running(tmp_path / f"api-{n}", "serve", **given)) for n in range(2)]
        assert all(event.wait(PATIENCE) for event in begun), "a worker did not start"
        yield Site([Client(api.client.line, key) for api in apis], parts)
    for process in workers:
        process.join()
    parts.store.close()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "other processes did not do it in time"
        time.sleep(0.02)


def phone(n: int) -> str:
    return f"+4479{n:08d}"


def opened(site: Site, n: int, at: datetime) -> str:
    contacts = (GivenContact(phone=phone(n)), GivenContact(phone=f"+4478{n:08d}"))
    new = NewIncident(f"race-{n}", "Pump 1 failed", contacts, policy="drill", open_at=at)
    site.parts.escalation.incidents.open(new, "app", f"race-{n}")
    return f"race-{n}"


def paged(site: Site, name: str) -> IncidentRecord:
    """The incident once its first contact was paged."""
    eventually(lambda: site.parts.escalation.incidents.get(name).incident.sent > 0)
    return site.parts.escalation.incidents.get(name)


def say_yes_at(client: Client, number: str, due: datetime) -> None:
    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))  # the race is in real time
    reply = client.post("/v1/simulator/sms", {"from": number, "body": "yes"})
    assert reply.status == 202, reply.text


def race(site: Site, names: Sequence[str], lead: timedelta) -> None:
    """For each incident let both APIs hear a YES in the millisecond in which its timer falls due.

    A reply is sent `lead` before that, which is what it takes to arrive.
    """
    replies: list[Future[None]] = []
    with ThreadPoolExecutor(32) as callers:
        for name in names:
            due = paged(site, name).incident.due_at
            assert due is not None
            number = phone(int(name.removeprefix("race-")))
            replies += [callers.submit(say_yes_at, client, number, due - lead) for client in site.apis]
    for reply in replies:
        reply.result()


def messages_of(site: Site, record: IncidentRecord) -> list[Fate]:
    ids = [f"message-{record.incident.id}-{number:06d}" for number in range(1, record.incident.sent + 1)]
    items = site.parts.store.get_many(ids)
    return [outgoing_of(items[each]).fate for each in ids]


def audited(site: Site, name: str) -> list[object]:
    """The timeline as the audit tells it."""
    entries = site.parts.store.audit_entries(AuditQuery(request_id=f"incident-{name}"), limit=100).items
    return [line for entry in entries for line in json.loads(entry.raw_data)["timeline"]]


def outcome(site: Site, name: str) -> str:
    """Who was first; fails unless state, timeline, messages and audit tell one story."""
    record = site.parts.escalation.incidents.get(name)
    assert record.incident.state.name == "acknowledged"
    kinds = [entry.kind for entry in record.timeline]
    assert kinds.count(TimelineKind.ACKNOWLEDGED) == 1
    after = record.timeline[kinds.index(TimelineKind.ACKNOWLEDGED) :]
    assert not PAGING & {entry.role for entry in after}, "nobody is paged after it"
    roles = Counter(entry.role for entry in record.timeline if entry.role is not None)
    assert roles[Role.THANKS] == 1, "one YES is thanked"
    assert roles[Role.ALREADY_ACKNOWLEDGED] == 0, "who has it hears nothing of a second YES"
    assert roles.total() == record.incident.sent
    assert set(messages_of(site, record)) <= {Fate.ACCEPTED, Fate.DROPPED}
    assert sorted(map(json.dumps, audited(site, name))) == sorted(map(json.dumps, lines(record.timeline)))
    return "timer first" if roles[Role.REMINDER] else "YES first"


def wave(site: Site, first: int, lead: timedelta) -> Counter[str]:
    """Who was first in so many races side by side."""
    start = datetime.now(UTC) + timedelta(seconds=0.5)
    names = [opened(site, first + n, start + n * APART) for n in range(WAVE)]
    race(site, names, lead)
    eventually(lambda: all(Fate.PENDING not in messages_of(site, paged(site, name)) for name in names))
    return Counter(outcome(site, name) for name in names)


def test_yes_on_two_apis_and_the_timer_on_two_workers_in_the_same_instant_have_one_outcome(
    site: Site,
) -> None:
    lead = 0.0
    outcomes: Counter[str] = Counter()
    for number in range(MOST_WAVES):
        if number >= WAVES and len(outcomes) > 1:
            break
        seen = wave(site, number * WAVE, timedelta(seconds=lead))
        outcomes += seen
        lead = lead / 2 if seen["YES first"] > seen["timer first"] else min(1.5, 2 * lead + 0.02)
    copies = Counter(one.entry.delivery_id for one in site.parts.messaging.outbox.entries(limit=10_000).items)
    print(f"{outcomes.total()} races: {dict(outcomes)}, {copies.total()} messages sent")
    assert set(copies.values()) == {1}
    assert outcomes.keys() == {"YES first", "timer first"}, "both were raced for"
