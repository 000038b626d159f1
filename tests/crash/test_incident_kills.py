"""kill -9 of the worker at random instants over live incidents: each ends as its replies and its clock imply."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.app import Service
from service.config import Settings
from service.escalate.intake import GivenContact, NewIncident
from service.escalate.items import outgoing_of
from service.escalate.sns_events import InboundSms
from tests.functional.client import TOCSIN

INCIDENTS, KILLS, PATIENCE = 500, 40, 180
DONE = {"accepted", "delivered", "failed", "dropped"}


@dataclass(slots=True)
class Siege:
    """Incidents under the policy drill, a worker that is killed again and again, and people who answer some of them."""

    home: Path
    service: Service
    answered: set[int] = field(default_factory=set)

    def open_all(self) -> None:
        start = datetime.now(UTC) + timedelta(seconds=5)
        for n in range(INCIDENTS):
            contacts = (GivenContact(phone=phone(n)), GivenContact(phone=f"+4478{n:08d}"))
            at = start + timedelta(seconds=random.uniform(0, KILLS * 2))
            new = NewIncident(f"c{n}", "Pump failed", contacts, policy="drill", open_at=at)
            self.service.escalation.incidents.open(new, "siege", new.id or "")

    def worker(self) -> subprocess.Popen[bytes]:
        environment = {"TOCSIN_HOME": str(self.home), "TOCSIN_RULES_WATCH": "0"}
        return subprocess.Popen([TOCSIN, "worker"], env=environment, stderr=subprocess.DEVNULL)

    def some_answer(self) -> None:
        for n in random.sample(range(0, INCIDENTS, 3), 25):
            if n not in self.answered and self.service.escalation.incidents.get(f"c{n}").incident.pages:
                self.answered.add(n)
                sms = InboundSms(f"s{n}", phone(n), "", "yes", None, datetime.now(UTC))
                self.service.escalation.replies.receive(sms)

    def lost(self) -> list[str]:
        """Messages that no worker ever finished."""
        unfinished = []
        for n in range(INCIDENTS):
            sent = self.service.escalation.incidents.get(f"c{n}").incident.sent
            for name in (f"message-c{n}-{number:06d}" for number in range(1, sent + 1)):
                item = self.service.store.get(name)
                if item is None or outgoing_of(item).fate.value not in DONE:
                    unfinished.append(name)
        return unfinished

    def copies(self) -> Counter[str]:
        """How often each message went out."""
        found: Counter[str] = Counter()
        cursor: str | None = None
        while True:
            page = self.service.messaging.outbox.entries(cursor=cursor, limit=500)
            found.update(sent.entry.delivery_id for sent in page.items)
            cursor = page.cursor
            if cursor is None:
                return found


def phone(n: int) -> str:
    return f"+4479{n:08d}"


@pytest.fixture
def siege(tmp_path: Path) -> Iterator[Siege]:
    service = Service(Settings(home=tmp_path, rules_watch=False))
    yield Siege(tmp_path, service)
    service.store.close()


def wait_until_over(service: Service) -> None:
    deadline = time.monotonic() + PATIENCE
    while service.store.count("incidents-by-state", "open") and time.monotonic() < deadline:
        time.sleep(1)
    time.sleep(25)  # a killed worker's last messages come back when their leases end


@pytest.mark.long
def test_no_kill_loses_an_incident_a_page_or_an_answer(siege: Siege) -> None:
    siege.open_all()
    worker = siege.worker()
    for _ in range(KILLS):
        time.sleep(random.uniform(2.5, 6.0))
        siege.some_answer()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker = siege.worker()
    wait_until_over(siege.service)
    worker.terminate()
    worker.wait()

    records = [siege.service.escalation.incidents.get(f"c{n}") for n in range(INCIDENTS)]
    states = {n: record.incident.state.name for n, record in enumerate(records)}
    copies = siege.copies()
    twice = sum(count - 1 for count in copies.values())
    print(f"\n{KILLS} kills, {Counter(states.values())}, {len(copies)} messages, {twice} sent twice")
    expected = {n: "acknowledged" if n in siege.answered else "unacknowledged" for n in states}
    assert states == expected
    assert siege.lost() == []
    assert siege.answered, "somebody answered"
