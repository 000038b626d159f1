"""kill -9 of API and workers at random instants over live incidents: each ends as its replies and clock imply."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from service.app import Service
from service.escalate.incident import Incident
from service.escalate.items import Fate, outgoing_of
from service.work import all_dead_items
from tests.crash.processes import UNANSWERED, Installation

PATIENCE = 120.0
"""Seconds in which incidents end that nobody disturbs any more, whatever else the machine does."""

STEP = 0.004
"""Seconds that workers need for an incident, about: they are killed while they have something to do."""

DONE = {Fate.ACCEPTED, Fate.DELIVERED, Fate.FAILED, Fate.DROPPED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done and what is left. `wrong` are incidents whose state is not what replies and clock imply."""

    kills: Mapping[str, int]
    states: Mapping[str, int]
    wrong: frozenset[str]
    messages: int
    lost: frozenset[str]
    twice: int
    dead: int

    def __str__(self) -> str:
        return (
            f"kills {dict(self.kills)}, incidents {dict(self.states)}, {len(self.wrong)} in a wrong state, "
            f"{self.messages} messages, {len(self.lost)} lost, {self.twice} sent twice, {self.dead} dead items"
        )


@dataclass(slots=True)
class Siege:
    """Waves of incidents under the policy drill, people who answer some of them, and processes that die meanwhile.

    Each worker that replaces a dead one has its clock further on than any lease or wait of the drill lasts, so that
    every kill meets as many due timers as incidents are open.
    """

    installation: Installation
    service: Service
    chance: random.Random
    kills: int
    at_once: int
    killed: Counter[str] = field(default_factory=Counter)
    opened: list[str] = field(default_factory=list)
    yes: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Kill until it was often enough, then let everything end."""
        while self.killed.total() < self.kills:
            self._open_a_wave()
            while self._open_ones() and self.killed.total() < self.kills:
                self._some_answer_while_somebody_dies()
        _wait_until(lambda: not self._open_ones())
        _wait_until(lambda: Fate.PENDING not in self._fates().values())

    def judged(self) -> Outcome:
        """What is left, read from the store."""
        incidents = {name: self._incident(name) for name in self.opened}
        copies, sent = self._copies(), self._fates()
        accepted = {name for name, fate in sent.items() if fate is Fate.ACCEPTED}
        return Outcome(
            kills=self.killed,
            states=Counter(incident.state.name for incident in incidents.values()),
            wrong=frozenset(name for name, one in incidents.items() if not self._is_as_implied(one)),
            messages=len(sent),
            lost=frozenset(self._unfinished()) | (accepted - copies.keys()),
            twice=sum(count - 1 for count in copies.values()),
            dead=len(list(all_dead_items(self.service.store))),
        )

    def _is_as_implied(self, incident: Incident) -> bool:
        """A YES that was taken acknowledges, now or later; silence pages both contacts, then ends."""
        if incident.id in self.yes:
            return incident.state.name == "acknowledged"
        return incident.state.name == "unacknowledged" and {page.level for page in incident.pages} == {1, 2}

    def _open_a_wave(self) -> None:
        first = len(self.opened)
        numbers = range(first, first + self.at_once)
        with ThreadPoolExecutor(4) as pool:
            opening = pool.map(self._open, numbers)
            if first:  # a wave after the first is opened against an API that dies
                self._kill_the_api()
            self.opened += opening

    def _open(self, n: int) -> str:
        contacts = [{"phone": phone(n)}, {"phone": f"+4478{n:08d}"}]
        body = {"incident_id": f"c{n}", "description": "Pump failed", "policy": "drill", "contacts": contacts}
        self._post("/v1/incidents", body)
        return f"c{n}"

    def _some_answer_while_somebody_dies(self) -> None:
        silent = [name for name in self._open_ones() if name not in self.yes and int(name[1:]) % 3 == 0]
        answering = [name for name in silent[:200] if self._incident(name).pages][: max(1, self.at_once // 30)]
        with ThreadPoolExecutor(4) as pool:
            replies = pool.map(self._say_yes, answering)
            time.sleep(self.chance.uniform(0, STEP * self.at_once))  # the instant of death is real time
            if self.chance.random() < 0.15:
                self._kill_the_api()
            else:
                self._kill_some_workers()
            self.yes.update(replies)

    def _say_yes(self, name: str) -> str:
        self._post("/v1/simulator/sms", {"from": phone(int(name[1:])), "body": "yes"})
        return name

    def _post(self, path: str, body: Mapping[str, object]) -> None:
        """Ask until it is answered, as an app would."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                reply = self.installation.client().post(path, body)
            except UNANSWERED:
                time.sleep(0.1)
                continue
            assert reply.status in (200, 201, 202), reply.text
            return
        raise AssertionError(f"{path} was not answered")

    def _kill_the_api(self) -> None:
        self.installation.kill_api()
        self.installation.start_api()
        self.killed["API"] += 1

    def _kill_some_workers(self) -> None:
        victims = self.chance.randint(1, self.installation.workers())
        self.installation.kill_workers(victims)
        self.installation.start_workers(victims)
        self.killed["worker"] += victims

    def _incident(self, name: str) -> Incident:
        return self.service.escalation.incidents.get(name).incident

    def _open_ones(self) -> list[str]:
        page = self.service.store.by_index("incidents-by-state", "open", limit=10_000)
        return [item.id.removeprefix("incident-") for item in page.items]

    def _fates(self) -> Mapping[str, Fate | None]:
        """Every message that an incident counts, and where it is; None for one that is nowhere."""
        fates: dict[str, Fate | None] = {}
        for name in self.opened:
            for number in range(1, self._incident(name).sent + 1):
                item = self.service.store.get(f"message-{name}-{number:06d}")
                fates[f"message-{name}-{number:06d}"] = None if item is None else outgoing_of(item).fate
        return fates

    def _unfinished(self) -> Iterable[str]:
        return (name for name, fate in self._fates().items() if fate not in DONE)

    def _copies(self) -> Counter[str]:
        """How often each message went out."""
        found: Counter[str] = Counter()
        cursor: str | None = None
        while True:
            page = self.service.messaging.outbox.entries(cursor=cursor, limit=1_000)
            found.update(sent.entry.delivery_id for sent in page.items)
            cursor = page.cursor
            if cursor is None:
                return found


def phone(n: int) -> str:
    """The first contact's phone of an incident."""
    return f"+4479{n:08d}"


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "the incidents did not end"
        time.sleep(0.2)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installed = Installation(tmp_path)
    try:
        installed.start(workers=2)
        yield installed
    finally:
        installed.end()


def besieged(installation: Installation, kills: int, at_once: int, seed: int) -> Outcome:
    """Incidents while processes die, and what is left of them."""
    service = installation.parts()
    siege = Siege(installation, service, random.Random(seed), kills, at_once)
    siege.run()
    outcome = siege.judged()
    service.store.close()
    print(f"seed {seed}: {outcome}")
    assert siege.yes, "somebody answered"
    return outcome


def assert_nothing_lost(outcome: Outcome) -> None:
    assert (outcome.wrong, outcome.lost, outcome.dead) == (frozenset(), frozenset(), 0), str(outcome)


def test_a_dozen_kills_of_any_process_lose_no_incident_page_or_answer(installation: Installation) -> None:
    outcome = besieged(installation, kills=12, at_once=100, seed=1)
    assert_nothing_lost(outcome)
    assert outcome.twice == 0, "the outbox keeps a message in the commit that records it as sent"


@pytest.mark.long
def test_two_hundred_kills_over_500_live_incidents_lose_none(installation: Installation) -> None:
    outcome = besieged(installation, kills=200, at_once=500, seed=2)
    assert_nothing_lost(outcome)
    assert outcome.kills["API"] >= 20
