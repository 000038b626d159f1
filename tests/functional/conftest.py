"""A real server of its own for the session, one for tests that need their own settings, and the app in process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.core.clock import Clock, HandClock
from service.core.enums import Scope
from service.wiring.app import Service
from tests.functional.backends import Backend, Install, embedded, on_aws
from tests.functional.client import Client, InProcess, Running, running
from tests.installed_once import what_all_installations_share_is_made_once

__all__ = ["what_all_installations_share_is_made_once"]

NOON = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)

Start = Callable[..., Running]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`tocsin up` with the defaults on a free port: gunicorn, a worker, an empty home."""
    with running(tmp_path_factory.mktemp("home")) as started:
        yield started


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a `tocsin up` with settings of the test's own: `start(BODY_LIMIT="1024")`; ended with the test."""
    with ExitStack() as servers:

        def start(command: str = "up", home: Path = tmp_path / "home", **settings: str) -> Running:
            started: AbstractContextManager[Running] = running(home, command, **settings)
            return servers.enter_context(started)

        yield start


@dataclass(frozen=True, slots=True)
class Api:
    """The app in this process, on a database file of its own and a clock that is moved by hand."""

    service: Service
    clock: HandClock
    client: Client

    def client_with(self, *scopes: Scope, name: str = "another app") -> Client:
        """A caller whose key has just these scopes."""
        return self.client.with_key(self.key(name, scopes))

    def key(self, name: str, scopes: Sequence[Scope]) -> str:
        """A new key's text."""
        return self.service.keys.create(name, scopes)[1]


@pytest.fixture(params=list(Backend))
def install(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs on each backend, empty at first; what was opened is closed with the test."""
    opened: list[Service] = []
    match request.param:
        case Backend.EMBEDDED:
            opens = embedded(tmp_path)
        case _:
            request.getfixturevalue("aws")
            opens = on_aws(tmp_path, monkeypatch)

    def install(clock: Clock, **settings: object) -> Service:
        opened.append(opens(clock, **settings))
        return opened[-1]

    yield install
    for service in opened:
        service.store.close()


@pytest.fixture
def api(install: Install) -> Api:
    """The API in process, at noon, with a client that has every scope; on each backend."""
    return api_of(install(HandClock(NOON)))


def api_of(service: Service) -> Api:
    """The API of an installation whose clock is moved by hand, with a client that has every scope."""
    assert isinstance(service.clock, HandClock)
    _, key = service.keys.create("test app", list(Scope))
    return Api(service, service.clock, Client(InProcess(service.flask()), key))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave repetitions on AWS to `make test-long` where a module says that it asks nothing new of the store.

    Such a module has `REPEATED_ON_AWS = False`: what it looks at is the same code over the same few calls of the store,
    which the contract suite and the other modules try on DynamoDB. Or it names the tests that are repeated there.
    """
    if os.environ.get("TOCSIN_TEST_LONG"):
        return
    left_out = [item for item in items if _repeats_nothing_new(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not _repeats_nothing_new(item)]


def _repeats_nothing_new(item: pytest.Item) -> bool:
    call, module = getattr(item, "callspec", None), getattr(item, "module", None)
    is_on_aws = call is not None and call.params.get("install") is Backend.AWS
    repeated = getattr(module, "REPEATED_ON_AWS", True)
    name = getattr(item, "originalname", item.name)
    return is_on_aws and (name not in repeated if isinstance(repeated, frozenset) else not repeated)
