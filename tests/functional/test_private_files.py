"""The data folder is for the user that runs the service, and nobody else on the machine."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.functional.client import Running, running, tocsin


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "new" / "home"


def open_to_others(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_nobody_else_can_read_what_a_service_writes(server: Running) -> None:
    made = [path for path in server.home.rglob("*") if path.name != "said.log"]  # that is the test's own
    assert {path.name for path in made} >= {"up.lock", "tocsin.db", "dev-key"}
    assert open_to_others(made) == []


def test_the_folder_itself_is_made_for_its_user_alone(tmp_path: Path, home: Path) -> None:
    with running(tmp_path / "said", "serve", HOME=str(home), WORKERS="1") as server:
        server.client.get("/readyz")
        assert open_to_others([home, *home.rglob("*")]) == []


def test_a_command_that_makes_the_folder_keeps_it_to_its_user_too(home: Path) -> None:
    tocsin("keys", "create", "--name", "an app", "--scope", "notify", settings={"TOCSIN_HOME": str(home)})
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
