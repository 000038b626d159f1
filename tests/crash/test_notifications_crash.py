"""kill -9 of API and workers at random instants of a send: nothing is lost, all of it ends, nobody gets it twice."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from service.channels.phones import PhoneRules
from service.notify.model import FINAL, DeliveryStatus, Status
from service.recipients import ProfileRules
from service.wiring.app import Service
from service.work import all_dead_items
from tests.aws import free_port
from tests.crash.mailbox import reference_of
from tests.crash.processes import UNANSWERED, Installation

AUDIENCE = "everybody"
ANNOUNCEMENT = (
    "The company is adding a new item to the menu, this will go live by May 10th. "
    "Please ensure you are prepared for this change and plan out accordingly."
)
ENDED = {DeliveryStatus.ACCEPTED.value, DeliveryStatus.UNKNOWN.value}
PATIENCE = 120.0
"""Seconds in which a send ends that nobody disturbs any more, whatever else the machine does."""


@dataclass(frozen=True, slots=True)
class Ordeal:
    """What was done to the installation and what is left; `handed_out` counts copies by delivery."""

    kills: int
    notifications: int
    unfinished: int
    dead: int
    recipients: int
    statuses: Mapping[str, int]
    accepted: frozenset[str]
    handed_out: Mapping[str, int]

    @property
    def expected(self) -> int:
        return self.notifications * self.recipients

    @property
    def duplicates(self) -> int:
        return sum(copies - 1 for copies in self.handed_out.values())

    @property
    def lost(self) -> int:
        """Deliveries that nobody accounts for, and those that are said to be accepted and were not handed out."""
        return self.expected - sum(self.statuses.values()) + len(self.accepted - self.handed_out.keys())

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.notifications} notifications, "
            f"{self.expected} deliveries {dict(self.statuses)}, {sum(self.handed_out.values())} copies, "
            f"{self.duplicates} duplicates, {self.lost} lost, "
            f"{self.unfinished} unfinished, {self.dead} dead"
        )


@dataclass(slots=True)
class Killer:
    """Sends to everybody again and again, and kills until it has killed often enough."""

    installation: Installation
    chance: random.Random
    kills: int
    longest_s: float
    killed: int = 0
    acknowledged: list[str] = field(default_factory=list)

    def run(self, service: Service) -> None:
        while self.killed < self.kills:
            sent = self._post()
            _wait_until(lambda sent=sent: _status(service, sent) not in {Status.ACCEPTED, Status.VALIDATING})
            while self.killed < self.kills and _status(service, sent) not in FINAL:
                time.sleep(self.chance.uniform(0, self.longest_s))  # the instant of death is real time
                self._kill_some()
        for each in self.acknowledged:
            _wait_until(lambda each=each: _status(service, each) in FINAL)

    def _kill_some(self) -> None:
        victims = self.chance.randint(1, self.installation.workers())
        self.installation.kill_workers(victims)
        self.installation.start_workers(victims)
        self.killed += victims

    def _post(self) -> str:
        """Ask for the send until it is acknowledged; now and then the API dies over it."""
        answers: list[str] = []
        while not answers:
            asking = threading.Thread(target=self._ask, args=(answers,))
            asking.start()
            if self.killed < self.kills and self.chance.random() < 0.25:
                time.sleep(self.chance.uniform(0, 0.03))
                self.installation.kill_api()
                self.killed += 1
                self.installation.start_api()
            asking.join()
        self.acknowledged += answers
        return answers[0]

    def _ask(self, answers: list[str]) -> None:
        body = {"text": ANNOUNCEMENT, "audience": AUDIENCE}
        try:
            reply = self.installation.client().post("/v1/notifications", body)
        except UNANSWERED:
            return
        assert reply.status == 202, reply.text
        answers.append(str(reply.json()["notification_id"]))


def _status(service: Service, notification_id: str) -> Status:
    return service.messaging.notifications.get(notification_id).status


def _wait_until(holds: object) -> None:
    assert callable(holds)
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "the send did not end"
        time.sleep(0.02)


def _people(service: Service, number: int, *, mail_only: bool) -> None:
    profiles = ProfileRules(PhoneRules(None, reserved_allowed=True), test_domains=True)
    people = [
        {
            "user_id": f"p{index}",
            "first_name": f"P{index}",
            "language": ("en", "de", "fr", "es")[index % 4],
            "preference": "email" if mail_only or index % 2 else "sms",
            "email": f"p{index}@example.com",
            "phone": "+447700900123",
        }
        for index in range(number)
    ]
    service.messaging.directory.add(AUDIENCE, [profiles.parse(person) for person in people])


def _outbox(service: Service) -> Counter[str]:
    """Copies of each delivery that left by the outbox."""
    copies: Counter[str] = Counter()
    cursor: str | None = None
    while True:
        page = service.messaging.outbox.entries(cursor=cursor, limit=1000)
        copies.update(sent.entry.delivery_id for sent in page.items)
        cursor = page.cursor
        if cursor is None:
            return copies


def _judged(killer: Killer, service: Service, recipients: int, handed_out: Mapping[str, int]) -> Ordeal:
    desk = service.messaging.notifications
    deliveries = [
        delivery
        for notification in killer.acknowledged
        for delivery in desk.deliveries(notification, None, None, recipients + 1).items
    ]
    return Ordeal(
        kills=killer.killed,
        notifications=len(killer.acknowledged),
        unfinished=sum(_status(service, each) not in FINAL for each in killer.acknowledged),
        dead=len(list(all_dead_items(service.store))),
        recipients=recipients,
        statuses=Counter(delivery.status.value for delivery in deliveries),
        accepted=frozenset(each.id for each in deliveries if each.status is DeliveryStatus.ACCEPTED),
        handed_out=handed_out,
    )


def through_the_outbox(home: Path, kills: int, seed: int, recipients: int = 2_000) -> Ordeal:
    """Send by email and SMS through the outbox while processes die."""
    installation = Installation(home)
    service = installation.parts()
    _people(service, recipients, mail_only=False)
    killer = Killer(installation, random.Random(seed), kills, longest_s=0.5)
    try:
        installation.start(workers=2)
        killer.run(service)
    finally:
        installation.end()
    ordeal = _judged(killer, service, recipients, _outbox(service))
    service.store.close()
    print(f"outbox, seed {seed}: {ordeal}")
    return ordeal


class MailServer:
    """Takes every letter and remembers which delivery it was."""

    def __init__(self) -> None:
        self.letters: Counter[str] = Counter()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's)
        assert isinstance(envelope.content, bytes)
        self.letters[reference_of(envelope.content).delivery_id] += 1
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[MailServer, int]]:
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield server, controller.port
    finally:
        controller.stop()


def through_a_mail_server(home: Path, kills: int, seed: int, recipients: int) -> Ordeal:
    """Send by SMTP, which knows no transactions, while processes die."""
    with mail_server() as (server, port):
        installation = Installation(home, {"smtp_url": f"smtp://127.0.0.1:{port}"})
        service = installation.parts()
        _people(service, recipients, mail_only=True)
        killer = Killer(installation, random.Random(seed), kills, longest_s=0.5)
        try:
            installation.start(workers=2)
            killer.run(service)
        finally:
            installation.end()
        ordeal = _judged(killer, service, recipients, server.letters)
    service.store.close()
    print(f"SMTP, seed {seed}: {ordeal}")
    return ordeal


def assert_nothing_lost_or_sent_twice(ordeal: Ordeal) -> None:
    assert (ordeal.lost, ordeal.duplicates, ordeal.unfinished, ordeal.dead) == (0, 0, 0, 0), str(ordeal)
    assert set(ordeal.statuses) <= ENDED, str(ordeal)


def test_a_dozen_kills_lose_no_delivery_and_send_none_twice(tmp_path: Path) -> None:
    ordeal = through_the_outbox(tmp_path, kills=12, seed=1)
    assert_nothing_lost_or_sent_twice(ordeal)
    assert ordeal.statuses == {"accepted": ordeal.expected}
    assert ordeal.kills >= 12


def test_a_mail_server_gets_no_letter_twice_and_every_letter_is_accounted_for(tmp_path: Path) -> None:
    ordeal = through_a_mail_server(tmp_path, kills=6, seed=2, recipients=300)
    assert_nothing_lost_or_sent_twice(ordeal)


@pytest.mark.long
def test_a_hundred_kills_lose_no_delivery_and_send_none_twice(tmp_path: Path) -> None:
    ordeal = through_the_outbox(tmp_path, kills=100, seed=3)
    assert_nothing_lost_or_sent_twice(ordeal)
    assert ordeal.statuses == {"accepted": ordeal.expected}
    assert ordeal.kills >= 100


@pytest.mark.long
def test_a_mail_server_gets_no_letter_twice_in_a_hundred_kills(tmp_path: Path) -> None:
    ordeal = through_a_mail_server(tmp_path, kills=100, seed=4, recipients=500)
    assert_nothing_lost_or_sent_twice(ordeal)
