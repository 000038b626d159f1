"""When DynamoDB takes no write, or is not there: what is answered, what stays undone, and that it mends by itself.

The same on a SQLite file is in `test_evaluations` and `test_work`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from service.config import Settings
from service.core.clock import HandClock, SystemClock
from service.core.enums import Lane
from service.storage import Item, Store
from service.storage.dynamodb import DynamoStore, TableNames, connect
from service.wiring.app import Service
from service.work import POLICIES, Commit, HandlerRegistry, Task, TaskHandler, Worker, finished
from tests.aws import Environment
from tests.aws_faults import Fault, FaultyAws, LostAnswer, Page, Refusal, faulty_aws
from tests.contract.conftest import dynamodb_client, fresh_tables, stored
from tests.functional.client import Reply
from tests.functional.conftest import NOON, Api, api_of
from tests.functional.evaluating import COMMENT, Mood, audited, types, with_mood
from tests.unit.test_work_running import Running, eventually

TRIES = 8
REFUSALS = (Refusal("ProvisionedThroughputExceededException"), Refusal("InternalServerError", 500), Page())
CALL = "/v1/rulesets/mood/evaluations"


@dataclass(frozen=True, slots=True)
class Site:
    """An installation on DynamoDB, and the proxy in between."""

    api: Api
    faults: FaultyAws
    tables: TableNames

    @property
    def store(self) -> Store:
        return self.api.service.store

    def writes_fail(self, fault: Fault = REFUSALS[0]) -> None:
        """The next call that writes is not taken, however often it is tried."""
        for operation in ("PutItem", "TransactWriteItems"):
            self.faults.script(operation, *[fault] * TRIES)


@pytest.fixture
def site(aws_server: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with ExitStack() as stack:
        faults, environment = stack.enter_context(faulty_aws(aws_server))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        client, tables, clock = connect(), fresh_tables(), HandClock(NOON)
        store = DynamoStore(lambda: client, tables, clock, pause=lambda _: None)
        stack.callback(store.close)
        yield Site(api_of(Service(Settings(home=tmp_path, rules_watch=False), clock, store)), faults, tables)


@pytest.mark.parametrize("fault", REFUSALS, ids=["throttled", "failed", "page"])
def test_when_the_request_cannot_be_audited_nothing_is_evaluated(site: Site, fault: Fault) -> None:
    scored: list[str] = []
    client = with_mood(site.api, Mood(Decimal("0.95"), lambda: scored.append("scored")))
    site.writes_fail(fault)
    answer = client.post(CALL, COMMENT)
    assert answer.status == 503
    assert "Retry-After" in answer.headers
    assert (scored, types(site.api)) == ([], [])
    site.faults.reset()
    assert client.post(CALL, COMMENT).status == 200


@pytest.mark.parametrize("fault", REFUSALS, ids=["throttled", "failed", "page"])
def test_when_the_response_cannot_be_audited_no_outcome_leaves(site: Site, fault: Fault) -> None:
    client = with_mood(site.api, Mood(Decimal("0.95"), lambda: site.writes_fail(fault)))
    answer = client.post(CALL, COMMENT)
    assert answer.status == 503
    site.faults.reset()
    assert types(site.api) == ["request"]
    assert site.store.claim(Lane.TRANSACTIONAL, NOON, timedelta(minutes=1), 10) == ()


def test_a_decision_that_was_written_down_is_answered_although_dynamodb_never_said_so_at_first(site: Site) -> None:
    client = with_mood(site.api, Mood(Decimal("0.95"), lambda: site.faults.script("TransactWriteItems", LostAnswer())))
    assert client.post(CALL, COMMENT).status == 200
    assert [entry.entry_type for entry in audited(site.api)] == ["request", "response"]
    assert len(site.store.claim(Lane.TRANSACTIONAL, NOON, timedelta(minutes=1), 10)) == 1


def test_tables_that_are_gone_are_a_503(site: Site) -> None:
    client = with_mood(site.api, Mood(Decimal("0.95")))
    assert client.post(CALL, COMMENT).status == 200
    for table in (site.tables.items, site.tables.audit):
        dynamodb_client().delete_table(TableName=table)
    answer = client.post(CALL, COMMENT)
    assert answer.status == 503
    assert client.get("/readyz").status == 503


def test_while_dynamodb_hangs_an_evaluation_is_refused_in_time_and_the_next_ones_at_once(site: Site) -> None:
    client = with_mood(site.api, Mood(Decimal("0.95")))
    assert client.post(CALL, COMMENT).status == 200
    site.faults.hang()
    (first, waited), *others = [timed(lambda: client.post(CALL, COMMENT)) for _ in range(4)]
    assert (first.status, first.headers["Retry-After"]) == (503, "2")
    assert waited < 3
    assert [answer.status for answer, _ in others] == [503] * 3
    assert max(took for _, took in others) < 0.5
    assert client.with_key(None).get("/healthz").status == 200
    site.faults.reset()
    assert eventually(lambda: client.post(CALL, COMMENT).status == 200)


def test_a_commit_that_hangs_is_given_up_within_the_time_of_its_request(site: Site) -> None:
    client = with_mood(site.api, Mood(Decimal("0.95"), site.faults.hang))
    answer, waited = timed(lambda: client.post(CALL, COMMENT))
    assert answer.status == 503
    assert waited < 3.5
    site.faults.reset()


def test_background_work_waits_for_a_dynamodb_that_hangs_and_then_goes_on(site: Site) -> None:
    site.faults.hang()
    threading.Timer(2.5, site.faults.reset).start()
    assert site.store.get("nobody") is None


def timed(call: Callable[[], Reply]) -> tuple[Reply, float]:
    """What a call answered, and after how many seconds."""
    begun = time.monotonic()
    return call(), time.monotonic() - begun


def done(task: Task) -> Commit:
    return Commit(finished(task.item, {"done": True}))


def test_what_a_worker_did_and_could_not_commit_is_done_again_when_its_lease_ends(site: Site) -> None:
    clock = site.api.clock
    site.store.add(Item("a", "job", {}, Lane.BULK, NOON))
    worker = Worker(site.store, HandlerRegistry([TaskHandler("job", done)]), clock, threads=1)
    site.faults.script("PutItem", *[REFUSALS[0]] * 2 * TRIES)  # neither what was done nor when to try again
    assert worker.run_due() == 1
    assert (stored(site.store, "a").state, stored(site.store, "a").attempts) == ({}, 1)
    assert worker.run_due() == 0
    clock.advance(POLICIES[Lane.BULK].lease)
    assert worker.run_due() == 1
    assert (stored(site.store, "a").state, stored(site.store, "a").due_at) == ({"done": True}, None)
    worker.close()


def test_a_worker_outlives_a_dynamodb_that_does_not_answer(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    clock = SystemClock()
    site.store.add(Item("a", "job", {}, Lane.BULK, clock.now()))
    site.faults.script("Query", *[Refusal("ServiceUnavailable", 503)] * TRIES)
    running = Running(Worker(site.store, HandlerRegistry([TaskHandler("job", done)]), clock, threads=1))
    assert eventually(lambda: stored(site.store, "a").due_at is None)
    running.stop()
    assert running.ended_well == [True]
    assert "The store does not answer; the worker looks again" in caplog.text
