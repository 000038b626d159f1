"""`tocsin up` and its processes, as an operator meets them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest
import urllib3

from tests.functional.client import Running, tocsin
from tests.functional.conftest import Start

QUIET = {"RULES_WATCH": "0", "RULES_DIR": "tests/functional"}
"""A folder without rule files: these tests are about processes."""


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it comes true in time: other processes have their own pace."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def processes(server: Running) -> Mapping[int, str]:
    """The living processes of the server's group with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getpgid(int(entry.name)) == server.process.pid and _alive(entry):
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found


def _alive(entry: Path) -> bool:
    return (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"


def _children(server: Running) -> Mapping[str, int]:
    """The process id of each child of `up`, by what it is."""
    named = {"gunicorn": "API", "service.cli worker": "worker"}
    living = processes(server)
    return {
        name: pid
        for words, name in named.items()
        for pid, command in living.items()
        if words in command and _parent(pid) == server.process.pid
    }


def _parent(pid: int) -> int | None:
    try:
        return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except (ProcessLookupError, FileNotFoundError):
        return None  # it ended meanwhile


def test_it_says_where_it_is_and_what_to_paste(server: Running) -> None:
    said = server.log()
    assert server.url in said
    assert f"development key  {server.home}/dev-key" in said
    calls = [line for line in said.splitlines() if line.startswith("curl ")]
    assert len(calls) == 3
    answers = [subprocess.check_output(["bash", "-c", f"{call} -w ' %{{http_code}}'"], text=True) for call in calls]
    assert [answer[-3:] for answer in answers] == ["200"] * 3, answers
    assert "360.00" in answers[1]
    assert "REQ-99999" in answers[2]


def test_the_development_key_is_for_the_owners_eyes_alone(server: Running) -> None:
    assert stat.S_IMODE((server.home / "dev-key").stat().st_mode) == 0o600


def test_a_port_that_is_taken_is_told_at_once(server: Running, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    ended = tocsin("up", settings={"TOCSIN_HOME": str(tmp_path / "other"), "TOCSIN_PORT": port})
    assert ended.returncode == 1
    assert "TOCSIN_PORT" in ended.stderr
    assert port in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_up_on_one_home_is_refused_and_the_first_unharmed(server: Running) -> None:
    ended = server.tocsin("up")
    assert ended.returncode == 1
    assert f"process {server.process.pid}" in ended.stderr
    assert server.client.get("/healthz").status == 200


def test_on_sigterm_it_ends_within_ten_seconds_and_leaves_no_process(start: Start) -> None:
    server = start(**QUIET)
    assert len(processes(server)) >= 5
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(15) == 0
    assert time.monotonic() - began < 10
    assert processes(server) == {}
    assert "Traceback" not in server.log()


@pytest.fixture
def not_under_nohup() -> Iterator[None]:
    """Under nohup the service ignores the end of its terminal, as it should: let it be started without."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("not_under_nohup")
@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGHUP], ids=["ctrl-c", "terminal-closed"])
def test_what_a_terminal_sends_reaches_every_process_and_still_ends_in_order(start: Start, signalled: int) -> None:
    server = start(**QUIET)
    os.killpg(server.process.pid, signalled)
    assert server.process.wait(60) == 0, server.log()
    assert processes(server) == {}
    assert "Traceback" not in server.log()


def test_a_child_that_dies_is_started_again(start: Start) -> None:
    server = start(**QUIET)
    old = _children(server)
    for victim in ("API", "worker"):
        os.kill(old[victim], signal.SIGKILL)
        assert eventually(partial(_is_new, server, victim, old[victim]))
        assert f"The {victim} ended" in server.log()
    assert eventually(lambda: _answers(server))


def test_it_runs_as_many_workers_as_are_set(start: Start) -> None:
    server = start(**QUIET, WORKER_PROCESSES="2")
    commands = processes(server).values()
    assert sum("service.cli worker" in command for command in commands) == 2, commands


def _is_new(server: Running, name: str, old: int) -> bool:
    return _children(server).get(name, old) != old


def _answers(server: Running) -> bool:
    try:
        return server.client.get("/healthz").status == 200
    except urllib3.exceptions.HTTPError:
        return False


def test_a_killed_parent_takes_its_children_along_and_the_same_home_starts_again(start: Start) -> None:
    server = start(**QUIET)
    server.process.kill()
    server.process.wait()
    assert eventually(lambda: processes(server) == {}, 15), processes(server)
    began = time.monotonic()
    again = start(**QUIET)
    assert time.monotonic() - began < 60  # 3 s on a machine that does nothing else
    assert again.client.key == server.client.key
    assert again.client.get("/v1/audit?request_id=x").status == 200


def test_a_database_that_cannot_be_used_is_told_and_everything_ends(tmp_path: Path) -> None:
    (tmp_path / "tocsin.db").mkdir()
    ended = tocsin("up", settings={"TOCSIN_HOME": str(tmp_path), "TOCSIN_PORT": "0"})
    assert ended.returncode == 1
    assert "tocsin.db" in ended.stderr
    assert "Traceback" not in ended.stderr
