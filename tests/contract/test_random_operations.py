"""Random operations on every adapter and on the plainest model of the contract: they must not differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from service.core.clock import HandClock
from service.core.enums import Lane
from service.storage import AuditEntry, AuditQuery, Conflict, Item, Store
from service.storage.dynamodb import DynamoStore
from service.storage.sqlite import SqliteStore
from service.storage.sqs import QueuedStore
from tests.aws import Environment
from tests.contract.conftest import OVERDUE, dynamodb_client, fresh_queues, fresh_tables, sqs_client
from tests.contract.model import Model

T = TypeVar("T")

START = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=2)

ids = st.sampled_from(["a", "b", "c", "d"])
lanes = st.sampled_from([Lane.BULK, Lane.INCIDENT])
values = st.sampled_from(["x", "y"])
times = st.none() | st.integers(-3, 6)
states = st.dictionaries(
    st.text(max_size=2),
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=3)
    | st.decimals(allow_nan=False, allow_infinity=False),
    max_size=2,
)


@dataclass(frozen=True)
class Draft:
    """An item before it is known what version is stored; `stale` ones are held from before."""

    id: str
    lane: Lane
    state: dict[str, object]
    due: int | None
    expires: int | None
    keys: dict[str, str]
    stale: bool


keys = st.dictionaries(st.sampled_from(["p", "q"]), values)
drafts = st.builds(Draft, ids, lanes, states, times, times, keys, stale=st.sampled_from([False, False, False, True]))


@dataclass(frozen=True)
class Save:
    changes: list[Draft]
    spawn: list[Draft]
    audit: list[int]


@dataclass(frozen=True)
class Remove:
    draft: Draft


@dataclass(frozen=True)
class Claim:
    lane: Lane
    limit: int


@dataclass(frozen=True)
class Pass:
    seconds: int


@dataclass(frozen=True)
class List:
    value: str
    limit: int
    newest_first: bool


Step = Save | Remove | Claim | Pass | List

steps = st.one_of(
    st.builds(
        Save,
        st.lists(drafts, min_size=1, max_size=2, unique_by=lambda draft: draft.id),
        st.lists(drafts, max_size=2, unique_by=lambda draft: draft.id),
        st.lists(st.integers(0, 30), max_size=2, unique=True),
    ),
    st.builds(Remove, drafts),
    st.builds(Claim, lanes, st.integers(1, 3)),
    st.builds(Pass, st.integers(1, 4)),
    st.builds(List, values, st.integers(1, 3), st.booleans()),
)


@dataclass
class Client:
    """Somebody who works on items: with what is stored now, or with a version that was stored before."""

    seen: dict[str, tuple[int, int]] = field(default_factory=dict)

    def item(self, draft: Draft, there: Item | None, now: datetime) -> Item:
        """The item that a draft stands for, `there` being what is stored."""
        stored = there.version if there else 0
        before, latest = self.seen.get(draft.id, (0, 0))
        if stored and stored != latest:
            before, latest = latest, stored
            self.seen[draft.id] = before, latest
        version = stored if not draft.stale else before if stored == latest else latest
        due, expires = ((None if n is None else now + timedelta(seconds=n)) for n in (draft.due, draft.expires))
        return Item(draft.id, "k", draft.state, draft.lane, due, version, 0, draft.keys, expires)


@dataclass
class Trial:
    """One store beside the model, each with a client of its own; their answers must be equal but for versions."""

    store: Store
    clock: HandClock
    keeps_order: bool
    model: Model = field(default_factory=lambda: Model(START))
    modelled: Client = field(default_factory=Client)
    real: Client = field(default_factory=Client)

    def do(self, step: Step) -> None:
        match step:
            case Save():
                self._save(step)
            case Remove(draft):
                ours = self.modelled.item(draft, self.model.get(draft.id), self.model.now)
                theirs = self.real.item(draft, self.store.get(draft.id), self.model.now)
                assert outcome(lambda: self.store.remove(theirs)) == outcome(lambda: self.model.remove(ours))
            case Claim(lane, limit):
                self._claim(lane, limit)
            case Pass(seconds):
                self.passes(timedelta(seconds=seconds))
            case List(value, limit, newest_first):
                listed = self.model.listed("p", value, newest_first)
                assert alike(_walk(self.store, value, limit, newest_first)) == alike(listed)

    def passes(self, time: timedelta) -> None:
        """Let time pass, and do the store's periodic tasks."""
        self.clock.advance(time)
        self.model.now = self.clock.now()
        self.store.upkeep(self.clock.now())

    def everything_due_is_claimed_in_the_end(self) -> None:
        """However notices were sent, lost, early or doubled: after a while each due item is somebody's, once."""
        for lane in (Lane.BULK, Lane.INCIDENT):
            self.passes(2 * OVERDUE)
            due = self.model.due(lane)
            claimed = self.store.claim(lane, self.clock.now(), LEASE, 100)
            assert sorted(item.id for item in claimed) == sorted(due)
            assert alike(in_order(claimed)) == alike(in_order(self.model.take(due, LEASE)))

    def stands_as_the_model_does(self) -> None:
        """Everything that can be read is equal."""
        assert alike(map(self.store.get, "abcd")) == alike(map(self.model.get, "abcd"))
        for value in "xy":
            assert self.store.count("p", value) == len(self.model.listed("p", value, newest_first=False))
        entries = sorted(self.model.audit.values(), key=lambda one: one.audit_id)
        assert list(self.store.audit_entries(AuditQuery()).items) == entries

    def _save(self, step: Save) -> None:
        changed = {draft.id for draft in step.changes}
        spawn = [Client().item(draft, None, self.model.now) for draft in step.spawn if draft.id not in changed]
        audit = [entry(number) for number in step.audit]
        ours = [self.modelled.item(draft, self.model.get(draft.id), self.model.now) for draft in step.changes]
        theirs = [self.real.item(draft, self.store.get(draft.id), self.model.now) for draft in step.changes]
        expected = outcome(lambda: alike([self.model.save(*ours, spawn=spawn, audit=audit)]))
        assert outcome(lambda: alike([self.store.save(*theirs, spawn=spawn, audit=audit)])) == expected

    def _claim(self, lane: Lane, limit: int) -> None:
        claimed = self.store.claim(lane, self.clock.now(), LEASE, limit)
        ids, due = [item.id for item in claimed], self.model.due(lane)
        if self.keeps_order:
            assert ids == due[:limit]
        assert len(ids) == len(set(ids)) <= limit
        assert set(ids) <= set(due)
        assert alike(claimed) == alike(self.model.take(ids, LEASE))


def in_order(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda item: item.id)


def alike(items: Iterable[Item | None]) -> list[Item | None]:
    """Items without their versions, of which every store begins with others."""
    return [None if item is None else structs.replace(item, version=0) for item in items]


def entry(number: int) -> AuditEntry:
    return AuditEntry(f"e{number}", f"r{number % 2}", "request", START, "app", "{}", detail={"n": Decimal(number)})


def outcome(act: Callable[[], T]) -> T | type[Conflict]:
    try:
        return act()
    except Conflict as error:
        return type(error)


def _walk(store: Store, value: str, limit: int, newest_first: bool) -> list[Item]:
    page = store.by_index("p", value, limit=limit, newest_first=newest_first)
    found = list(page.items)
    while page.cursor:
        page = store.by_index("p", value, limit=limit, newest_first=newest_first, cursor=page.cursor)
        found += page.items
    return found


def compare(opens: Callable[[HandClock], Store], program: list[Step], *, keeps_order: bool = True) -> None:
    clock = HandClock(START)
    trial = Trial(opens(clock), clock, keeps_order)
    for step in program:
        trial.do(step)
    trial.stands_as_the_model_does()
    trial.everything_due_is_claimed_in_the_end()
    trial.stands_as_the_model_does()
    trial.store.close()


programs = st.lists(steps, min_size=3, max_size=25)

RELAXED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


def on_sqlite(folders: pytest.TempPathFactory, program: list[Step]) -> None:
    folder = folders.mktemp("random")
    compare(lambda clock: SqliteStore(folder / "tocsin.db", clock), program)


def on_every_store(folders: pytest.TempPathFactory, program: list[Step]) -> None:
    """The same program on SQLite, on DynamoDB, and on DynamoDB with SQS, which promises no order."""
    on_sqlite(folders, program)
    tables = fresh_tables()
    compare(lambda clock: DynamoStore(dynamodb_client, tables, clock), program)
    tables, queues = fresh_tables(), fresh_queues()
    compare(lambda clock: QueuedStore(dynamodb_client, sqs_client, tables, queues, clock), program, keeps_order=False)


@settings(RELAXED, max_examples=100)
@given(program=programs)
def test_sqlite_does_what_the_model_does(tmp_path_factory: pytest.TempPathFactory, program: list[Step]) -> None:
    on_sqlite(tmp_path_factory, program)


@settings(RELAXED, max_examples=12)
@given(program=programs)
def test_every_store_does_what_the_model_does(
    aws: Environment, tmp_path_factory: pytest.TempPathFactory, program: list[Step]
) -> None:
    on_every_store(tmp_path_factory, program)


@pytest.mark.long
@settings(RELAXED, max_examples=5000)
@given(program=programs)
def test_sqlite_does_what_the_model_does_very_often(
    tmp_path_factory: pytest.TempPathFactory, program: list[Step]
) -> None:
    on_sqlite(tmp_path_factory, program)


@pytest.mark.long
@settings(RELAXED, max_examples=500)
@given(program=programs)
def test_every_store_does_what_the_model_does_very_often(
    aws: Environment, tmp_path_factory: pytest.TempPathFactory, program: list[Step]
) -> None:
    on_every_store(tmp_path_factory, program)
