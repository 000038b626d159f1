"""Incidents, people who answer some of them, and processes that die meanwhile."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from service.escalate.effects import TimelineKind
from service.escalate.incident import Incident
from service.escalate.items import Fate, outgoing_of
from service.escalate.phonebook import FIRST_CODE
from service.escalate.record import IncidentRecord
from service.wiring.app import Service
from service.work import all_dead_items
from tests.crash.processes import UNANSWERED, Installation
from tests.functional.client import Reply

PATIENCE = 120.0
"""Seconds in which incidents end that nobody disturbs any more, whatever else the machine does."""

STEP = 0.004
"""Seconds that workers need for an incident, about: they are killed while they have something to do."""

ANSWERS = ("yes", "no", "done", "undo", "lapse", "escalate")
"""What is said of an incident that somebody answers; `lapse` is a YES of somebody who is then no longer on it."""

RENEWED = """\
escalation: {name}-renewed
levels:
  - {{contacts: [1], channels: [{channel}], wait: 2s, reminders: 1}}
  - {{contacts: [2], channels: [{channel}], wait: 2s, reminders: 1}}
on_no: escalate
renew: 2s
"""
"""The policy of those that lapse."""

DONE = {Fate.ACCEPTED, Fate.DELIVERED, Fate.FAILED, Fate.DROPPED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done and what is left. `wrong` are incidents whose state is not what replies and clock imply."""

    kills: Mapping[str, int]
    states: Mapping[str, int]
    answers: Mapping[str, int]
    wrong: frozenset[str]
    messages: int
    lost: frozenset[str]
    twice: frozenset[str]
    dead: int

    def __str__(self) -> str:
        return (
            f"kills {dict(self.kills)}, incidents {dict(self.states)}, answers {dict(self.answers)}, "
            f"{len(self.wrong)} in a wrong state, {self.messages} messages, {len(self.lost)} lost, "
            f"{len(self.twice)} sent twice, {self.dead} dead items"
        )


@dataclass(slots=True)
class Siege:
    """Waves of incidents, people who answer some of them, and processes that die meanwhile.

    Of eighteen silent incidents one each is answered by YES, NO, DONE, YES with an UNDO after it, YES under a policy
    that asks again, and by the API, which asks the next level. Each worker that
    replaces a dead one has its clock further on than any lease or wait lasts, so that every kill meets as many due
    timers as incidents are open.

    `elsewhere` counts the messages that left by a provider outside the store. With one no worker survives a kill, for
    it would be a lease behind the new ones, who would take from its hands what it is sending.
    """

    installation: Installation
    service: Service
    chance: random.Random
    kills: int
    at_once: int
    policy: str = "drill"
    elsewhere: Callable[[], Counter[str]] | None = None
    killed: Counter[str] = field(default_factory=Counter)
    deaths: list[float] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    answered: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Kill until it was often enough, then let everything end."""
        while self.killed.total() < self.kills:
            self._open_a_wave()
            while self._open_ones() and self.killed.total() < self.kills:
                self._some_answer_while_somebody_dies()
        _wait_until(lambda: not self._open_ones() and not self._to_lapse())
        _wait_until(lambda: Fate.PENDING not in self._fates().values())

    def judged(self) -> Outcome:
        """What is left, read from the store."""
        records = {name: self.service.escalation.incidents.get(name) for name in self.opened}
        copies, sent = self._copies(), self._fates()
        accepted = {name for name, fate in sent.items() if fate is Fate.ACCEPTED}
        return Outcome(
            kills=self.killed,
            states=Counter(record.incident.state.name for record in records.values()),
            answers=Counter(self.answered.values()),
            wrong=frozenset(name for name, one in records.items() if not self._is_as_implied(one)),
            messages=len(sent),
            lost=frozenset(self._unfinished()) | (accepted - copies.keys()),
            twice=frozenset(name for name, count in copies.items() if count > 1),
            dead=len(list(all_dead_items(self.service.store))),
        )

    def _is_as_implied(self, record: IncidentRecord) -> bool:
        """A YES that was taken acknowledges, now or later, and a DONE resolves.

        Silence, a NO or a YES that was taken back pages both contacts, then ends.
        """
        incident = record.incident
        match self.answered.get(incident.id):
            case "yes":
                return incident.state.name == "acknowledged"
            case "done":
                return incident.state.name == "resolved"
            case "undo":
                return _exhausted(incident) and TimelineKind.GIVEN_BACK in {entry.kind for entry in record.timeline}
            case "lapse":
                return _exhausted(incident) and TimelineKind.LAPSED in {entry.kind for entry in record.timeline}
            case "no":
                return _exhausted(incident) and _left_at_once(record)
            case _:
                return _exhausted(incident)

    def _open_a_wave(self) -> None:
        first = len(self.opened)
        numbers = range(first, first + self.at_once)
        with ThreadPoolExecutor(4) as pool:
            opening = pool.map(self._open, numbers)
            if first:  # a wave after the first is opened against an API that dies
                self._kill_the_api()
            self.opened += opening

    def _open(self, n: int) -> str:
        contacts = [
            {"phone": phone(n), "email": f"a{n}@example.com"},
            {"phone": f"+4478{n:08d}", "email": f"b{n}@example.com"},
        ]
        policy = f"{self.policy}-renewed" if _word(n) == "lapse" else self.policy
        body = {"incident_id": f"c{n}", "description": "Pump failed", "policy": policy, "contacts": contacts}
        self._post("/v1/incidents", body)
        return f"c{n}"

    def _some_answer_while_somebody_dies(self) -> None:
        silent = [name for name in self._open_ones() if name not in self.answered and int(name[1:]) % 3 == 0]
        said = Counter(self.answered.values())
        seldom = sorted(silent[:200], key=lambda name: said[_word(int(name[1:]))])  # each way soon, however few answer
        answering = [name for name in seldom if self._incident(name).pages][: max(3, self.at_once // 20)]
        with ThreadPoolExecutor(4) as pool:
            replies = pool.map(self._answer, answering)
            time.sleep(self.chance.uniform(0, STEP * self.at_once))  # the instant of death is real time
            if self.chance.random() < 0.15:
                self._kill_the_api()
            else:
                self._kill_some_workers()
            self.answered.update(zip(answering, replies, strict=True))

    def _answer(self, name: str) -> str:
        n = int(name[1:])
        word = _word(n)
        if word == "escalate":
            self._post(f"/v1/incidents/{name}/escalate", {})
            return word
        for said in _SAID.get(word, (word,)):
            # By its code: clocks of workers are ahead of the API's here, so that no page was sent before any reply.
            self._post("/v1/simulator/sms", {"from": phone(n), "body": f"{said} {FIRST_CODE}"})
        return word

    def _post(self, path: str, body: Mapping[str, object]) -> None:
        """Ask until it is answered, as an app would."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                reply = self.installation.client().post(path, body)
            except UNANSWERED:
                time.sleep(0.1)
                continue
            assert reply.status in (200, 201, 202) or _is_over(reply), reply.text
            return
        raise AssertionError(f"{path} was not answered")

    def _kill_the_api(self) -> None:
        self.installation.kill_api()
        self.installation.start_api()
        self.killed["API"] += 1

    def _kill_some_workers(self) -> None:
        everybody = self.installation.workers()
        victims = self.chance.randint(1, everybody) if self.elsewhere is None else everybody
        self.installation.kill_workers(victims)
        self.deaths.append(time.monotonic())
        self.installation.start_workers(victims)
        self.killed["worker"] += victims

    def _incident(self, name: str) -> Incident:
        return self.service.escalation.incidents.get(name).incident

    def _to_lapse(self) -> list[str]:
        """Those whose owner has not yet been found to be gone."""
        said = (name for name, word in self.answered.items() if word == "lapse")
        return [name for name in said if self._incident(name).state.name == "acknowledged"]

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
        found: Counter[str] = Counter() if self.elsewhere is None else self.elsewhere()
        cursor: str | None = None
        while True:
            page = self.service.messaging.outbox.entries(cursor=cursor, limit=1_000)
            found.update(sent.entry.delivery_id for sent in page.items)
            cursor = page.cursor
            if cursor is None:
                return found


_SAID = {"undo": ("yes", "undo"), "lapse": ("yes",)}


def _word(n: int) -> str:
    """What is said of an incident, if anything is."""
    return ANSWERS[n // 3 % len(ANSWERS)]


def _is_over(reply: Reply) -> bool:
    """Whether nobody is left whom the API could have asked next."""
    return reply.status == 409


def _exhausted(incident: Incident) -> bool:
    return incident.state.name == "unacknowledged" and {page.level for page in incident.pages} == {1, 2}


def _left_at_once(record: IncidentRecord) -> bool:
    """Whether a NO left its level in the same commit, or came when the level had been left before; never twice."""
    kinds = [entry.kind for entry in record.timeline]  # in the order of commits; their clocks differ
    said, left = kinds.index(TimelineKind.SAID_NO), kinds.index(TimelineKind.ESCALATED)
    at_once = record.timeline[said].at == record.timeline[left].at
    return kinds.count(TimelineKind.ESCALATED) == 1 and (left < said or at_once)


def phone(n: int) -> str:
    """The first contact's phone of an incident."""
    return f"+4479{n:08d}"


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "the incidents did not end"
        time.sleep(0.2)
