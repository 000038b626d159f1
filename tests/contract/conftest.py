"""Every adapter behind one door: a test here runs once for each."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.core.clock import HandClock
from service.storage import Item, Store
from service.storage.dynamodb import DynamoStore, TableNames, connect, create_tables
from service.storage.dynamodb.tables import FORGET
from service.storage.sqlite import SqliteStore
from service.storage.sqs import QueuedStore, QueueNames, create_queues
from service.storage.sqs import connect as connect_queues

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

ADAPTERS = ("sqlite", *(pytest.param(name, marks=pytest.mark.more) for name in ("dynamodb", "dynamodb+sqs")))

OVERDUE = timedelta(minutes=1)
"""After how long upkeep has certainly seen to an item whose notice was lost."""

Open = Callable[[], Store]
"""Opens another store on the same data, as another process would."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime(2026, 5, 10, 9, 0, 0, 123456, tzinfo=UTC))


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_store(adapter: str, clock: HandClock, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens stores on one and the same data, empty at first; all are closed at the end."""
    opened: list[Store] = []
    opens = _sqlite(tmp_path, clock) if adapter == "sqlite" else _on_aws(adapter, clock, request)

    def open_another() -> Store:
        opened.append(opens())
        return opened[-1]

    yield open_another
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Open) -> Store:
    return open_store()


def _sqlite(folder: Path, clock: HandClock) -> Open:
    return lambda: SqliteStore(folder / "tocsin.db", clock)


def _on_aws(adapter: str, clock: HandClock, request: pytest.FixtureRequest) -> Open:
    request.getfixturevalue("aws")
    tables = fresh_tables()
    if adapter == "dynamodb":
        return lambda: DynamoStore(dynamodb_client, tables, clock)
    queues = fresh_queues()
    return lambda: QueuedStore(dynamodb_client, sqs_client, tables, queues, clock)


@lru_cache
def dynamodb_client() -> DynamoDBClient:
    """One client for all tests: making one takes longer than most of them."""
    return connect()


@lru_cache
def sqs_client() -> SQSClient:
    """One client for all tests."""
    return connect_queues()


def fresh_tables() -> TableNames:
    """Tables of this test's own."""
    name = uuid.uuid4().hex
    tables = TableNames(f"items-{name}", f"audit-{name}")
    create_lasting_tables(tables)
    return tables


def create_lasting_tables(tables: TableNames) -> None:
    """Tables that keep what has expired.

    DynamoDB deletes by the clock on the wall, once a minute here. Tests live by clocks of their own, months behind it:
    what they had just stored for a month or a quarter was gone whenever that minute ended within a test.
    """
    create_tables(dynamodb_client(), tables)
    dynamodb_client().update_time_to_live(
        TableName=tables.items, TimeToLiveSpecification={"Enabled": False, "AttributeName": FORGET}
    )


def fresh_queues() -> QueueNames:
    """Queues of this test's own."""
    queues = QueueNames(f"test-{uuid.uuid4().hex}")
    create_queues(sqs_client(), queues)
    return queues


def stored(store: Store, item_id: str) -> Item:
    """An item that must be there."""
    item = store.get(item_id)
    assert item is not None, f"item {item_id!r} is not stored"
    return item
