"""Random operations on every adapter and on the plainest model of the contract: they must not differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.clock import HandClock
from service.storage import AuditEntry, AuditQuery, Conflict, Item, Store
from service.storage.dynamodb import DynamoStore
from service.storage.sqlite import SqliteStore
from service.words import Lane
from tests.aws import Environment
from tests.contract.conftest import dynamodb_client, fresh_tables
from tests.contract.model import Model

T = TypeVar("T")

START = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)

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
    """An item before it is known what version is stored; `stale` is how many versions it is behind."""

    id: str
    lane: Lane
    state: dict[str, object]
    due: int | None
    expires: int | None
    keys: dict[str, str]
    stale: int


keys = st.dictionaries(st.sampled_from(["p", "q"]), values)
drafts = st.builds(Draft, ids, lanes, states, times, times, keys, stale=st.sampled_from([0, 0, 0, 1]))


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


def item_of(draft: Draft, model: Model) -> Item:
    there = model.get(draft.id)
    version = max(0, (there.version if there else 0) - draft.stale)
    due, expires = ((None if n is None else model.now + timedelta(seconds=n)) for n in (draft.due, draft.expires))
    return Item(draft.id, "k", draft.state, draft.lane, due, version, 0, draft.keys, expires)


def entry(number: int) -> AuditEntry:
    return AuditEntry(f"e{number}", f"r{number % 2}", "request", START, "app", "{}", detail={"n": Decimal(number)})


def outcome(act: Callable[[], T]) -> T | type[Conflict]:
    try:
        return act()
    except Conflict as error:
        return type(error)


def do(step: Step, model: Model, store: Store, clock: HandClock) -> tuple[object, object]:
    """What the model answers and what the store answers."""
    match step:
        case Save():
            return _save(step, model, store)
        case Remove(draft):
            item = item_of(draft, model)
            return outcome(lambda: model.remove(item)), outcome(lambda: store.remove(item))
        case Claim(lane, limit):
            lease = timedelta(seconds=2)
            return model.claim(lane, lease, limit), list(store.claim(lane, clock.now(), lease, limit))
        case Pass():
            store.upkeep(clock.now())
            return None, None
        case List(value, limit, newest_first):
            return model.listed("p", value, newest_first), _walk(store, value, limit, newest_first)


def _save(step: Save, model: Model, store: Store) -> tuple[object, object]:
    items = [item_of(draft, model) for draft in step.changes]
    changed = {item.id for item in items}
    spawn = [replace(item_of(draft, model), version=0) for draft in step.spawn if draft.id not in changed]
    audit = [entry(number) for number in step.audit]
    expected = outcome(lambda: model.save(*items, spawn=spawn, audit=audit))
    return expected, outcome(lambda: store.save(*items, spawn=spawn, audit=audit))


def _walk(store: Store, value: str, limit: int, newest_first: bool) -> list[Item]:
    page = store.by_index("p", value, limit=limit, newest_first=newest_first)
    found = list(page.items)
    while page.cursor:
        page = store.by_index("p", value, limit=limit, newest_first=newest_first, cursor=page.cursor)
        found += page.items
    return found


def compare(opens: Callable[[HandClock], Store], program: list[Step]) -> None:
    clock = HandClock(START)
    model, store = Model(START), opens(clock)
    for step in program:
        if isinstance(step, Pass):
            clock.advance(timedelta(seconds=step.seconds))
            model.now = clock.now()
        expected, answered = do(step, model, store, clock)
        assert answered == expected, step
    assert [store.get(item_id) for item_id in "abcd"] == [model.get(item_id) for item_id in "abcd"]
    assert {value: store.count("p", value) for value in "xy"} == {
        value: len(model.listed("p", value, newest_first=False)) for value in "xy"
    }
    assert list(store.audit_entries(AuditQuery()).items) == sorted(model.audit.values(), key=lambda one: one.audit_id)
    store.close()


programs = st.lists(steps, min_size=3, max_size=25)

RELAXED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)


def compare_sqlite(tmp_path_factory: pytest.TempPathFactory, program: list[Step]) -> None:
    folder = tmp_path_factory.mktemp("random")
    compare(lambda clock: SqliteStore(folder / "tocsin.db", clock), program)


def compare_dynamodb(program: list[Step]) -> None:
    tables = fresh_tables()
    compare(lambda clock: DynamoStore(dynamodb_client, tables, clock), program)


@settings(RELAXED, max_examples=100)
@given(program=programs)
def test_sqlite_does_what_the_model_does(tmp_path_factory: pytest.TempPathFactory, program: list[Step]) -> None:
    compare_sqlite(tmp_path_factory, program)


@settings(RELAXED, max_examples=12)
@given(program=programs)
def test_dynamodb_does_what_the_model_does(aws: Environment, program: list[Step]) -> None:
    compare_dynamodb(program)


@pytest.mark.long
@settings(RELAXED, max_examples=5000)
@given(program=programs)
def test_sqlite_does_what_the_model_does_very_often(
    tmp_path_factory: pytest.TempPathFactory, program: list[Step]
) -> None:
    compare_sqlite(tmp_path_factory, program)


@pytest.mark.long
@settings(RELAXED, max_examples=500)
@given(program=programs)
def test_dynamodb_does_what_the_model_does_very_often(aws: Environment, program: list[Step]) -> None:
    compare_dynamodb(program)
