"""What tests of every folder may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.aws import Environment, ministack

# How fast examples come says something about the machine's load, and nothing about the service.
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An AWS API on loopback, one for the whole run; the value is the environment by which boto3 finds it."""
    with ministack(tmp_path_factory.mktemp("aws")) as environment:
        yield environment


@pytest.fixture
def aws(aws_server: Environment, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Let boto3 in this test use the server on loopback."""
    for name, value in aws_server.items():
        monkeypatch.setenv(name, value)
    return aws_server
