"""What tests of every folder may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, settings

from tests.aws import Environment, ministack

# How fast examples come says something about the machine's load, and nothing about the service.
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")

LONG_MAY_TAKE_S = 4 * 3600
"""The 20,000 rulesets of the verifier alone take eleven minutes of a processor, on a machine that is busy an hour."""


QUICK_FOLDERS = frozenset({"unit", "contract"})
"""The folders whose tests `make test` runs, as far as they neither draw examples nor start a process."""

STARTERS = frozenset({"subprocess", "multiprocessing", "running"})
"""What a module that starts processes imports: the library's modules, or a server of `tests.functional.client`."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what `make test-more` runs, and give long tests their time however they are started.

    A timeout that strikes while Hypothesis draws is no failed example to it: it draws the same once more, gets further
    than the last time, and reports strategies that depend on state (`FlakyStrategyDefinition`), which they do not.
    """
    for item in items:
        if _is_more(item):
            item.add_marker(pytest.mark.more)
        if item.get_closest_marker("long") is not None:
            item.add_marker(pytest.mark.timeout(LONG_MAY_TAKE_S))


def _is_more(item: pytest.Item) -> bool:
    """Whether a newcomer need not wait for a test: it draws examples, starts a process, or tries the whole service."""
    draws = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    starts = not STARTERS.isdisjoint(vars(getattr(item, "module", item)))
    needs_the_emulator = "aws_server" in getattr(item, "fixturenames", ())
    return draws or starts or needs_the_emulator or item.path.parent.name not in QUICK_FOLDERS


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An AWS API on loopback, one for the whole run; the value is the environment by which boto3 finds it."""
    with ministack(tmp_path_factory.mktemp("aws")) as environment:
        yield environment


@pytest.fixture
def aws(request: pytest.FixtureRequest, aws_server: Environment, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Let boto3 in this test use the server on loopback."""
    assert request.node.get_closest_marker("more"), "mark the parameter that needs the emulator: pytest.mark.more"
    for name, value in aws_server.items():
        monkeypatch.setenv(name, value)
    return aws_server
