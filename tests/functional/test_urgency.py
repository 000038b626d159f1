"""Bulk never delays the urgent; one person's failure is nobody else's; what two workers hold is sent once."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec import structs
from typing_extensions import override

from service.channels.voice import Audio
from service.channels.voice_nanotts import NanoSpeech
from service.config import Settings
from service.core.clock import HandClock
from service.core.enums import Channel, Lane, Scope
from service.core.language_tags import Tag
from service.notify.model import (
    BATCH_SIZE,
    DeliveryStatus,
    Expansion,
    Notification,
    SourceMessage,
    Status,
    batch_item,
    cut,
    new_notification_item,
)
from service.notify.model.items import BATCH
from service.storage import AuditEntry, Item, StoreUnavailable
from service.wiring.app import Service
from service.work import POLICIES, Commit, HandlerRegistry, Task, TaskHandler, Worker, all_dead_items
from tests.aws import free_port
from tests.functional.client import ROOT, TOCSIN, Client, InProcess, environment_with
from tests.functional.few_rules import few_rules

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
TEXT = "Hello {{ first_name }}, the report is available on Monday."


def add_people(service: Service, *names: str, **more: object) -> None:
    """Readers of email in the audience `all`."""
    profiles = service.messaging.profiles
    given = {"language": "en", "preference": "email", **more}
    people = [{"user_id": name, "first_name": name, "email": f"{name}@example.com", **given} for name in names]
    service.messaging.directory.add("all", [profiles.parse(person) for person in people])


def queue_bulk(service: Service, deliveries: int) -> None:
    """A notification `bulk` of so many deliveries, all due now, as its fan-out leaves it; its pages share readers."""
    readers = [f"reader{number}" for number in range(BATCH_SIZE)]
    add_people(service, *readers)
    now, pages = service.clock.now(), deliveries // BATCH_SIZE + 1
    expansion = Expansion(None, pages, pages * BATCH_SIZE, ("en",), (Channel.EMAIL,), complete=True, released=pages)
    bulk = Notification(
        *("bulk", "test app", "r", SourceMessage("en", TEXT), now, "all"),
        status=Status.SENDING,
        expansion=expansion,
        translated=("en",),
    )
    queued = [cut("bulk", number, (number - 1) * BATCH_SIZE + 1, readers) for number in range(1, pages + 1)]
    items = [structs.replace(batch_item(page, Lane.BULK), due_at=now) for page in queued]
    service.store.add(new_notification_item(bulk))
    for start in range(0, pages, 100):
        service.store.add(*items[start : start + 100])


@contextmanager
def a_worker(home: Path) -> Iterator[None]:
    """`tocsin worker`, as an operator starts it."""
    environment = environment_with({"TOCSIN_HOME": str(home), "TOCSIN_RULES_WATCH": "0"})
    with (home / "worker.log").open("wb") as log:
        process = subprocess.Popen([TOCSIN, "worker"], env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def seconds_until(holds: Callable[[], object], most: float = 60) -> float:
    """How long it takes to come true."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + most, "it did not come true"
        time.sleep(0.01)
    return time.monotonic() - began


def test_with_100_000_bulk_deliveries_queued_a_page_leaves_within_two_seconds(tmp_path: Path) -> None:
    service = Service(Settings(home=tmp_path, rules_dir=few_rules(tmp_path), rules_watch=False))
    service.working_copies.sweep()
    queue_bulk(service, 100_000)
    outbox, store = service.messaging.outbox, service.store
    caller = Client(InProcess(service.flask()), service.keys.create("test app", list(Scope))[1])
    taken = []
    with a_worker(tmp_path):
        seconds_until(lambda: outbox.entries(limit=1).items)
        for number in range(5):
            phone = f"+44770090010{number}"
            contacts = [{"name": "Ann", "phone": phone}]
            assert caller.post("/v1/incidents", {"description": "Pump 9", "contacts": contacts}).status == 201
            taken.append(seconds_until(partial(_has_left, service, phone)))
        left = store.count("unfinished", "bulk")
    assert max(taken) < 2, f"seconds: {taken}"
    assert left > 1_000  # of 2,041: they were in the way all the time
    store.close()


def _has_left(service: Service, phone: str) -> bool:
    return bool(service.messaging.outbox.entries(to=phone).items)


@dataclass(slots=True)
class MailServer:
    """Takes letters, except for addresses that it answers otherwise."""

    answers: dict[str, str] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's interface)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get(address, "250 OK")

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (likewise)
        self.taken[envelope.rcpt_tos[0]] += 1
        return "250 OK"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer(port=free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    yield server
    controller.stop()


@dataclass(frozen=True, slots=True)
class Desk:
    """A service in this process on a clock moved by hand, and what became of its one notification."""

    service: Service
    clock: HandClock

    def sends(self, *names: str) -> None:
        """A bulk notification to these, judged already."""
        message, now = SourceMessage("en", TEXT), self.clock.now()
        approved = Notification("n1", "test app", "r", message, now, recipients=names, status=Status.APPROVED)
        self.service.store.add(new_notification_item(approved))

    def works(self, seconds: float, *duties: TaskHandler) -> None:
        """Let a worker do what comes due in these seconds; `duties` stand in for its own of their kind."""
        worker = self.worker(*duties)
        for _ in range(int(seconds * 10)):
            worker.run_due()
            self.clock.advance(timedelta(milliseconds=100))
        worker.close()

    def worker(self, *duties: TaskHandler) -> Worker:
        """Another worker on the same store."""
        kinds = {duty.kind: duty for duty in (*self.service.task_handlers(), *duties)}
        return Worker(self.service.store, HandlerRegistry(kinds.values()), self.clock)

    def statuses(self) -> dict[str, DeliveryStatus]:
        page = self.service.messaging.notifications.deliveries("n1", None, None, 500)
        return {delivery.recipient_id: delivery.status for delivery in page.items}

    def copies(self) -> Counter[str]:
        return Counter(sent.entry.delivery_id for sent in self.service.messaging.outbox.entries(limit=500).items)


Opens = Callable[..., Desk]


@pytest.fixture
def opens(tmp_path: Path) -> Iterator[Opens]:
    """Opens a desk, with settings of the test's own."""
    made: list[Service] = []

    def opens(**settings: object) -> Desk:
        clock = HandClock(NOON)
        service = Service(Settings.model_validate({"home": tmp_path, "rules_watch": False, **settings}), clock)
        made.append(service)
        return Desk(service, clock)

    yield opens
    for service in made:
        service.store.close()


NAMES = tuple(f"p{number}" for number in range(20))


def test_one_recipient_whose_server_refuses_costs_nobody_else_a_letter_or_gets_them_a_second(
    opens: Opens, mail: MailServer
) -> None:
    desk = opens(smtp_url=f"smtp://127.0.0.1:{mail.port}")
    add_people(desk.service, *NAMES)
    mail.answers = {"p3@example.com": "550 5.1.1 no such user", "p4@example.com": "450 4.2.1 mailbox busy"}
    desk.sends(*NAMES)
    desk.works(60)
    mail.answers.clear()
    desk.works(180)  # the fifth wait of the bulk lane is 80 s at most, whatever chance makes of the others
    statuses = desk.statuses()
    assert statuses.pop("p3") is DeliveryStatus.FAILED
    assert set(statuses.values()) == {DeliveryStatus.ACCEPTED}
    assert mail.taken == {f"{name}@example.com": 1 for name in statuses}


def test_one_recipient_who_cannot_be_reached_affects_no_other(opens: Opens) -> None:
    desk = opens()
    add_people(desk.service, *NAMES[1:])
    add_people(desk.service, "p0", preference="voice", phone="+447700900123", language="ja")  # no voice speaks it
    desk.sends(*NAMES)
    desk.works(5)
    statuses = desk.statuses()
    assert statuses.pop("p0") is DeliveryStatus.NEEDS_TRANSLATION
    assert set(statuses.values()) == {DeliveryStatus.ACCEPTED}


def overtaken(desk: Desk, *, before: bool) -> TaskHandler:
    """The duty of a worker that falls asleep, before or after its sending, until its lease is over and another came."""
    (own,) = (duty for duty in desk.service.task_handlers() if duty.kind == BATCH)
    slept: list[bool] = []

    def sleep() -> None:
        if not slept:
            slept.append(True)
            desk.clock.advance(POLICIES[Lane.BULK].lease)
            desk.works(1)

    def handle(task: Task) -> Commit:
        if before:
            sleep()
        step = own.handle(task)
        if not before:
            sleep()
        return step

    return TaskHandler(BATCH, handle)


@pytest.mark.parametrize("before", [True, False])
def test_a_page_that_two_workers_hold_goes_out_once(opens: Opens, before: bool) -> None:
    desk = opens()
    add_people(desk.service, *NAMES)
    desk.sends(*NAMES)
    desk.works(5, overtaken(desk, before=before))
    assert set(desk.statuses().values()) == {DeliveryStatus.ACCEPTED}
    assert set(desk.copies().values()) == {1}
    assert len(desk.copies()) == len(NAMES)


@pytest.mark.parametrize("before", [True, False])
def test_letters_that_two_workers_hold_are_handed_to_the_server_once(
    opens: Opens, mail: MailServer, before: bool
) -> None:
    desk = opens(smtp_url=f"smtp://127.0.0.1:{mail.port}")
    add_people(desk.service, *NAMES)
    desk.sends(*NAMES)
    desk.works(5, overtaken(desk, before=before))
    assert set(desk.statuses().values()) <= {DeliveryStatus.ACCEPTED, DeliveryStatus.UNKNOWN}
    assert mail.taken == {f"{name}@example.com": 1 for name in NAMES}


def test_a_page_of_long_speeches_is_renewed_and_no_other_worker_takes_it(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, spoken = list[str](), Counter[str]()

    def takes(task: Task) -> Commit:
        taken.append(task.item.id)
        return Commit(task.item)

    def slowly(_: NanoSpeech, text: str, voice: Tag, /) -> Audio:
        spoken[text] += 1
        desk.clock.advance(POLICIES[Lane.BULK].lease / 4)
        other.run_due()
        return Audio(b"sound", 1)

    monkeypatch.setattr(NanoSpeech, "speak", slowly)
    desk = opens()
    other = desk.worker(TaskHandler(BATCH, takes))
    add_people(desk.service, *NAMES, preference="voice", phone="+447700900123")
    add_people(desk.service, "p19", first_name="p18", preference="voice", phone="+447700900124")  # the same words
    desk.sends(*NAMES)
    desk.works(5)
    assert set(desk.statuses().values()) == {DeliveryStatus.ACCEPTED}
    assert set(desk.copies().values()) == {1}
    assert len(spoken) == 19
    assert set(spoken.values()) == {1}
    assert taken == []
    other.close()


class Marked(Task):
    """A task whose store takes one mark and then falls silent, before it hears what became of the letters."""

    marks = 0

    @override
    def checkpoint(
        self, item: Item, *others: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()
    ) -> Sequence[Item]:
        self.marks += 1
        if self.marks > 1:
            raise StoreUnavailable("nothing is committed any more")
        return super().checkpoint(item, *others, spawn=spawn, audit=audit)


def cut_off(desk: Desk, times: int) -> TaskHandler:
    """The duty of a worker whose store falls silent after each sending."""
    (own,) = (duty for duty in desk.service.task_handlers() if duty.kind == BATCH)
    left = [None] * times

    def handle(task: Task) -> Commit:
        if not left:
            return own.handle(task)
        left.pop()
        own.handle(Marked(task.item, desk.service.store, desk.clock, POLICIES[Lane.BULK].lease))
        raise StoreUnavailable("nothing is committed any more")

    return TaskHandler(BATCH, handle)


def test_a_worker_that_is_cut_off_after_each_handful_of_letters_gets_through_them(
    opens: Opens, mail: MailServer
) -> None:
    desk = opens(smtp_url=f"smtp://127.0.0.1:{mail.port}")
    names = tuple(f"p{number}" for number in range(40))
    add_people(desk.service, *names)
    desk.sends(*names)
    duty = cut_off(desk, times=9)  # more often than any item may be begun
    for _ in range(10):
        desk.works(1, duty)
        desk.clock.advance(POLICIES[Lane.BULK].lease)
    statuses = Counter(desk.statuses().values())
    assert statuses == {DeliveryStatus.UNKNOWN: 36, DeliveryStatus.ACCEPTED: 4}
    assert mail.taken == {f"{name}@example.com": 1 for name in names}
    assert list(all_dead_items(desk.service.store)) == []
