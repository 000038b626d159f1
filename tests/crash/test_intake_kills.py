"""A worker is killed before each of its calls to AWS while it takes a letter in: the next one finishes, done once."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.aws.inbox import SqsInbox
from service.config import Backend, Settings
from service.core.clock import HandClock, SystemClock
from service.core.enums import Channel, Scope
from service.intake.poller import Poller
from service.storage.dynamodb import connect as connect_dynamodb
from service.storage.sqs import QueuedStore
from service.storage.sqs import connect as connect_queues
from service.wiring.app import Service
from service.wiring.storage import prepare_aws, queue_names, table_names
from tests.aws import Environment
from tests.functional.client import Client, InProcess
from tests.functional.conftest import Api
from tests.functional.intake_queue import Intake, intake_of, intake_rules, payload
from tests.functional.test_notifications import EVENT, JOHN, Desk

if TYPE_CHECKING:
    from botocore.client import BaseClient

FORKED = multiprocessing.get_context("fork")
MOST_CALLS = 40
"""No letter takes so many."""

Letter = Mapping[str, object]
Done = Callable[[Intake, str], Mapping[str, int]]
"""How often each thing was done that a letter of an id asks for."""


@dataclass
class Doomed:
    """A worker that was never used: each of its forks dies before its call number `dies_at`."""

    poller: Poller
    calls: Iterator[int]
    dies_at: list[int] = field(default_factory=list)

    def takes_in_a_batch_and_dies_before(self, call: int) -> bool:
        """Whether it died; it does not where it makes fewer calls."""
        self.dies_at[:] = [call]
        process = FORKED.Process(target=self.poller.once)
        process.start()
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode != 0


@pytest.fixture
def settings(aws: Environment, tmp_path: Path) -> Settings:
    settings = Settings(
        home=tmp_path,
        rules_dir=intake_rules(tmp_path, "purchase"),
        rules_watch=False,
        backend=Backend.AWS,
        aws_prefix=uuid.uuid4().hex,
        language_services=Backend.EMBEDDED,
        outbox_channels=frozenset(Channel),
    )
    prepare_aws(settings)
    return settings


@pytest.fixture
def intake(settings: Settings) -> Iterator[Intake]:
    """The worker that comes after, and the API."""
    service = Service(settings)
    service.working_copies.publish_unknown()
    _, key = service.keys.create("test app", list(Scope))
    intake = intake_of(Api(service, HandClock(SystemClock().now()), Client(InProcess(service.flask()), key)))
    Desk(intake.api).recipients(EVENT, JOHN)
    yield intake
    service.store.close()


@pytest.fixture
def doomed(settings: Settings, intake: Intake) -> Doomed:
    calls, dies_at = itertools.count(1), list[int]()

    def die_in_time(**_: object) -> None:
        if [next(calls)] == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(client: BaseClient) -> None:
        client.meta.events.register("before-call", die_in_time)

    dynamodb, dispatch, letters = connect_dynamodb(), connect_queues(), connect_queues()
    for client in (dynamodb, dispatch, letters):
        watched(client)
    store = QueuedStore(lambda: dynamodb, lambda: dispatch, table_names(settings), queue_names(settings))
    box = SqsInbox(intake.queue, lambda: letters, wait=timedelta(0))
    return Doomed(Poller(box, Service(settings, store=store).consumer(), lambda: None), calls, dies_at)


def an_event(name: str) -> Letter:
    return payload("purchase_requested") | {"id": name}


def event_done(intake: Intake, name: str) -> Mapping[str, int]:
    entries = [entry["entry_type"] for entry in intake.audit(request_id=name)]
    page = intake.api.service.store.by_index("reviews", "open", limit=500)
    return {"answers": entries.count("response"), "reviews": _of(name, [item.state for item in page.items])}


def an_incident(name: str) -> Letter:
    return {"id": name, "incident": {"description": name, "contacts": [{"phone": "+447700900123"}]}}


def incident_done(intake: Intake, name: str) -> Mapping[str, int]:
    items = intake.api.client.get("/v1/incidents?limit=500").json()["items"]
    assert isinstance(items, list)
    return {"incidents": sum(incident["description"] == name for incident in items)}


def a_notification(name: str) -> Letter:
    return {"id": name, "notification": {"text": name, "audience": EVENT}}


def notification_done(intake: Intake, name: str) -> Mapping[str, int]:
    entries = [entry["entry_type"] for entry in intake.audit(request_id=name)]
    return {"notifications": entries.count("notification")}


def _of(name: str, states: list[Mapping[str, object]]) -> int:
    return sum(state.get("request_id") == name for state in states)


@pytest.mark.parametrize(
    ("letter", "done"),
    [
        pytest.param(an_event, event_done, id="event", marks=pytest.mark.long),
        pytest.param(an_incident, incident_done, id="incident"),
        pytest.param(a_notification, notification_done, id="notification", marks=pytest.mark.long),
    ],
)
def test_a_worker_may_die_before_any_of_its_calls_and_all_is_done_once(
    intake: Intake, doomed: Doomed, letter: Callable[[str], Letter], done: Done
) -> None:
    kills = 0
    for call in range(1, MOST_CALLS):
        name = f"letter-{call}"
        intake.puts(letter(name))
        died = doomed.takes_in_a_batch_and_dies_before(call)
        intake.works()
        assert set(done(intake, name).values()) == {1}, f"killed before call {call}"
        if not died:
            break
        kills += 1
    print(f"{kills} kills, each letter done once")
    assert 8 <= kills < MOST_CALLS - 1
    assert (intake.waiting(), intake.dead()) == (0, [])


def test_a_bad_letter_is_never_lost_between_the_queue_and_its_dead_letters(intake: Intake, doomed: Doomed) -> None:
    for call in range(1, MOST_CALLS):
        intake.puts("not json")
        died = doomed.takes_in_a_batch_and_dies_before(call)
        intake.works()
        assert 1 <= len(intake.buries()) <= 2
        assert intake.waiting() == 0
        if not died:
            break
    assert 3 <= call < MOST_CALLS - 1
