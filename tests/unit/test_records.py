"""Records: what many threads ask for at the same time is made once, and whole."""

from __future__ import annotations

import subprocess
import sys

FIRST_READS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import make_dataclass
from threading import Barrier
from service.core.exact_json import JsonObject
from service.core.records import from_state

sys.setswitchinterval(1e-6)
THREADS, ROUNDS = 4, 60
barrier = Barrier(THREADS)

def read(record):
    barrier.wait()
    return from_state(record, JsonObject('{"member":{"name":"Mary"}}')).member.name

with ThreadPoolExecutor(THREADS) as readers:
    for number in range(ROUNDS):
        member = make_dataclass("Member", [("name", str)] + [(f"more_{n}", int, 0) for n in range(20)])
        record = make_dataclass("Record", [("member", member)])
        print(*readers.map(read, [record] * THREADS))
"""


def test_threads_that_read_a_kind_of_record_for_the_first_time_do_not_end_the_process() -> None:
    """In a process of its own: before the lock, msgspec ended nearly every one of them by SIGSEGV."""
    ended = subprocess.run([sys.executable, "-c", FIRST_READS], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, set(ended.stdout.split()), ended.stdout.count("Mary")) == (0, {"Mary"}, 240), ended.stderr
