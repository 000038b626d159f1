"""How children are started again: at once after a sound life, then ever later, without end and each for itself."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise

import pytest

from service.cli.supervisor import LONGEST_PAUSE, SOUND_AFTER, Child, Supervisor, pause_after


@dataclass
class Seconds:
    """A clock in seconds, moved by hand."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


class Process:
    """A process that is ended by the test."""

    def __init__(self) -> None:
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Process]]:
    """The processes that were started, by their command's first word."""
    processes: list[tuple[str, Process]] = []

    def start(command: list[str], **_: object) -> Process:
        if command[0] == "nothing":
            raise OSError(11, "Resource temporarily unavailable")
        processes.append((command[0], Process()))
        return processes[-1][1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return processes


def supervised(clock: Seconds, *names: str) -> Supervisor:
    return Supervisor([Child(name, [name], {}) for name in names], clock)


def test_a_child_that_keeps_dying_is_started_ever_later_and_never_given_up(
    started: list[tuple[str, Process]],
) -> None:
    clock = Seconds()
    supervisor = supervised(clock, "API", "worker")
    supervisor._start(supervisor._children[0])
    supervisor._start(supervisor._children[1])
    starts: list[float] = []
    for _ in range(10_000):
        api = [process for name, process in started if name == "API"]
        if api[-1].returncode is None:
            starts.append(clock.at)
            api[-1].returncode = -7
        supervisor.look()
        clock.at += 0.2
    waits = [later - earlier for earlier, later in pairwise(starts)]
    assert len(waits) > 60
    assert waits[0] < 1 < waits[3] < waits[6]
    assert max(waits) < LONGEST_PAUSE + 1
    assert min(waits[8:]) >= LONGEST_PAUSE
    assert [name for name, _ in started].count("worker") == 1, "which lives all the while"


def test_a_child_that_lived_for_a_while_is_started_again_at_once(started: list[tuple[str, Process]]) -> None:
    clock = Seconds()
    supervisor = supervised(clock, "API")
    supervisor._start(supervisor._children[0])
    for _ in range(5):
        clock.at += SOUND_AFTER
        started[-1][1].returncode = 1
        supervisor.look()
        assert started[-1][1].returncode is None


def test_a_child_that_cannot_even_be_started_is_tried_again(started: list[tuple[str, Process]]) -> None:
    clock = Seconds()
    supervisor = supervised(clock, "nothing", "worker")
    for child in supervisor._children:
        supervisor._start(child)
    for _ in range(100):
        supervisor.look()
        clock.at += 1
    assert [name for name, _ in started] == ["worker"]
    supervisor._children[0].command = ["API"]
    clock.at += LONGEST_PAUSE
    supervisor.look()
    assert [name for name, _ in started] == ["worker", "API"]


def test_pauses_grow_and_are_bounded() -> None:
    pauses = [pause_after(deaths) for deaths in range(1, 5_000)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0, LONGEST_PAUSE)


def test_ending_ends_those_that_wait_and_those_that_run() -> None:
    lives = Child("lives", [sys.executable, "-c", "import time; time.sleep(600)"], {})
    dead = Child("dead", [sys.executable, "-c", "pass"], {})
    supervisor = Supervisor([lives, dead])
    for child in (lives, dead):
        supervisor._start(child)
    assert lives.process is not None
    supervisor.end()
    assert lives.process.returncode is not None
