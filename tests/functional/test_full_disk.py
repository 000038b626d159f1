"""A disk without room: nothing ends, writes are 503, and everything goes on when there is room.

Here no file may grow, which is as good as a full disk and quick; `tests/crash/test_full_disk.py` fills a real one.
"""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import urllib3

from tests.functional.client import ROOT, TOCSIN, Client, Network, Reply, Running, environment_with
from tests.functional.conftest import Start
from tests.functional.few_rules import few_rules
from tests.functional.test_up import eventually, processes

FACTS = {
    "driver": {"age": "18", "name": "Brian"},
    "car": {"style": "SPORTS", "color": "RED"},
    "policy": {"id": "1231231", "premium": "300"},
}


def evaluated(client: Client) -> Reply:
    """Whether a decision can be asked for, which is a write: the audit."""
    return client.post("/v1/rulesets/premium/evaluations", {"request": FACTS})


@contextmanager
def full(server: Running) -> Iterator[None]:
    """Let no file of any of the server's processes grow."""
    _allow(server, 4096)
    try:
        yield
    finally:
        _allow(server, resource.RLIM_INFINITY)


def _allow(server: Running, size: int) -> None:
    for pid in processes(server):
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_without_room_writes_are_503_reads_go_on_no_process_ends_and_room_is_enough(
    start: Start, tmp_path: Path
) -> None:
    server = start(RULES_DIR=str(few_rules(tmp_path, "premium.yaml")), WORKERS="1")
    assert eventually(lambda: evaluated(server.client).status == 200)
    before = processes(server).keys()
    with full(server):
        for number in range(20):
            refused = evaluated(server.client)
            assert refused.status == 503, refused.text
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert int(refused.headers["Retry-After"]) >= 1
            assert server.client.get(f"/v1/rulesets/none-{number}").status in {404, 503}  # a route more to count
        assert server.client.get("/v1/rulesets").status == 200
        assert server.client.get("/metrics").status == 200
        assert server.client.get("/healthz").status == 200
        assert processes(server).keys() == before
    assert evaluated(server.client).status == 200
    assert processes(server).keys() == before


def test_output_that_goes_to_a_full_disk_ends_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    given = {"TOCSIN_HOME": str(home), "TOCSIN_PORT": "0", "TOCSIN_ACCESS_LOG": "1", "TOCSIN_WROKERS": "1"}
    with Path("/dev/full").open("wb") as nowhere:
        up = subprocess.Popen([TOCSIN, "up"], env=environment_with(given), cwd=ROOT, stdout=nowhere, stderr=nowhere)
    try:
        assert eventually(lambda: _url_of(up.pid) is not None, 60)
        assert eventually((home / "dev-key").exists, 60)
        client = Client(Network(_url_of(up.pid) or ""), (home / "dev-key").read_text().strip())
        assert eventually(lambda: _evaluates(client), 120)
    finally:
        up.terminate()
        assert up.wait(15) in {0, 120}  # 120: Python could not write its last words


def _evaluates(client: Client) -> bool:
    """Whether a call is answered; one made before the API processes are ready may wait too long for them."""
    with suppress(urllib3.exceptions.HTTPError):
        return evaluated(client).status == 200
    return False


def _url_of(pid: int) -> str | None:
    """Where the process listens, by what it holds open: it could not say so."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            inodes.add(str(descriptor.readlink()).removeprefix("socket:[").rstrip("]"))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[9] in inodes and words[3] == "0A":
            return f"http://127.0.0.1:{int(words[1].split(':')[1], 16)}"
    return None
