"""A real disk that fills up under a running service, is full for a while, and has room again; with the counts.

The home is a small file system of its own, and so is the memory that metrics live in: both are filled. The kernel lets
only root mount one, in a mount namespace of its own that ends with the service.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import urllib3

from tests.functional.client import ROOT, TOCSIN, Client, Network, Running, environment_with
from tests.functional.few_rules import few_rules
from tests.functional.test_full_disk import FACTS
from tests.functional.test_up import eventually, processes

HOME, METRICS = "12m", "160k"
ROUNDS, CALLS = 3, 50
GOES_ON_WITHIN_S = 45
"""The longest pause of the supervisor, and a start."""

MOUNTS = (
    'mount -t tmpfs -o size="$1" tmpfs "$TOCSIN_HOME" && mount -t tmpfs -o size="$2" tmpfs /dev/shm && exec "$3" up'
)


@dataclass(frozen=True, slots=True)
class Disks:
    """A running service whose disks can be filled."""

    server: Running
    inside: Path
    answered: list[str] = field(default_factory=list)
    """The evaluations that were answered with 200, by their ids."""

    def fill(self) -> None:
        """Write until nothing fits any more."""
        for disk in (self.inside / str(self.server.home).lstrip("/"), self.inside / "dev/shm"):
            with suppress(OSError), (disk / "fill").open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(4096))

    def make_room(self) -> None:
        """Remove what filled them."""
        for disk in (self.inside / str(self.server.home).lstrip("/"), self.inside / "dev/shm"):
            (disk / "fill").unlink()

    def pids(self, words: str) -> set[int]:
        """The processes whose command holds these words."""
        return {pid for pid, command in processes(self.server).items() if words in command}

    def evaluates(self, times: int = 1) -> Counter[int]:
        """How often each status was answered; 0 is no answer."""
        return Counter(self._evaluates() for _ in range(times))

    def _evaluates(self) -> int:
        try:
            reply = self.server.client.post("/v1/rulesets/premium/evaluations", {"request": FACTS})
        except urllib3.exceptions.HTTPError:
            return 0
        if reply.status == 200:
            self.answered.append(str(reply.json()["evaluation_id"]))
        return reply.status

    def kept(self) -> set[str]:
        """The evaluations of the audit trail."""
        text = self.server.client.get("/v1/audit?ruleset=premium&limit=500").text
        return {each for each in self.answered if each in text}

    def pages(self, number: int) -> int:
        """Open an incident; how many messages are in the outbox for its contact."""
        phone = f"+44770090{number:04}"
        contacts = [{"name": "Ann", "phone": phone, "language": "en"}]
        self.server.client.post("/v1/incidents", {"description": "Pump 1", "contacts": contacts})
        eventually(lambda: self._sent_to(phone) > 0, 30)
        return self._sent_to(phone)

    def _sent_to(self, phone: str) -> int:
        return self.server.client.get(f"/v1/outbox?to={phone.replace('+', '%2B')}&limit=50").text.count("Pump 1")


@contextmanager
def small_disks(folder: Path) -> Iterator[Disks]:
    """A service on them; skipped where none can be mounted, which fails where CI=1 promises that it can."""
    refusal = _refusal()
    if refusal is not None:
        (pytest.fail if os.environ.get("CI") == "1" else pytest.skip)(f"no disk can be mounted here: {refusal}")
    home = folder / "home"
    home.mkdir()
    settings = {
        "TOCSIN_HOME": str(home),
        "TOCSIN_PORT": "0",
        "TOCSIN_RULES_DIR": str(few_rules(folder, "premium.yaml")),
    }
    command = ["unshare", "--mount", "sh", "-c", MOUNTS, "sh", HOME, METRICS, TOCSIN]
    said = folder / "said.log"
    with said.open("wb") as log:
        up = subprocess.Popen(
            command, env=environment_with(settings), cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
    try:
        assert eventually(lambda: "Tocsin is up at" in said.read_text(), 60), said.read_text()
        url = said.read_text().partition("Tocsin is up at ")[2].split()[0]
        inside = Path(f"/proc/{up.pid}/root")
        key = (inside / str(home).lstrip("/") / "dev-key").read_text().strip()
        yield Disks(Running(home, url, up, Client(Network(url), key), said, settings), inside)
    finally:
        up.terminate()
        try:
            up.wait(15)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(up.pid, signal.SIGKILL)


def _refusal() -> str | None:
    """Why no file system can be mounted here; None if one can."""
    if shutil.which("unshare") is None:
        return "there is no `unshare` (util-linux)"
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True, check=False
    )
    return None if tried.returncode == 0 else tried.stderr.strip() or "it is not allowed"


@pytest.mark.long
def test_a_disk_that_fills_up_ends_nothing_and_room_is_enough(tmp_path: Path) -> None:
    with small_disks(tmp_path) as disks:
        assert eventually(lambda: disks.evaluates() == {200: 1}, 30)
        worker = disks.pids("service.cli worker")
        counts = Counter[int]()
        for number in range(ROUNDS):
            gunicorn = disks.pids("gunicorn")
            disks.fill()
            assert eventually(lambda: disks.evaluates() == {503: 1}, 60), "SQLite's log has some room of its own"
            counts += disks.evaluates(CALLS)
            assert disks.server.client.get("/readyz").status == 503
            assert disks.pids("gunicorn") == gunicorn, "no process of the API ended"
            for pid in gunicorn:
                os.kill(pid, signal.SIGKILL)
            time.sleep(3)
            disks.evaluates(5)
            assert disks.pids("service.cli worker") == worker, "nor the worker, although the API did"
            disks.make_room()
            began = time.monotonic()
            assert eventually(lambda: disks.evaluates() == {200: 1}, GOES_ON_WITHIN_S), disks.server.log()[-3000:]
            print(f"round {number + 1}: goes on {time.monotonic() - began:.1f} s after there was room")
            assert disks.pages(number) == 1
            assert eventually(lambda: disks.server.client.get("/readyz?strict=1").status == 200, GOES_ON_WITHIN_S)
        print(f"full disk: {dict(counts)} of {ROUNDS * CALLS} calls")
        assert set(counts) == {503}
        assert disks.kept() == set(disks.answered), "what was answered is kept"
        assert disks.pids("service.cli worker") == worker
