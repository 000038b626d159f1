"""What most unit tests begin with: a clock that stands still and a store on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.storage.sqlite import SqliteStore
from tests.unit.work import NOON


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "items.db", clock)
    yield store
    store.close()
