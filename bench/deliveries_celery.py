"""Celery doing the same for each recipient: a filesystem broker, acknowledged late, the rows in one transaction.

`python -m bench.deliveries_celery FOLDER NUMBER` queues that many tasks, lets one worker process do them and prints how
many seconds lie between the first and the last. Queueing and starting are not counted.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

from celery import Celery

from bench.deliveries_work import INSERT_ITEM, INSERT_KEY, Rows, open_file, people
from service.channels.phones import Phone
from service.core.enums import Channel
from service.recipients import Recipient

FOLDER = "BENCH_CELERY_FOLDER"
ROOT = Path(os.environ.get(FOLDER, "."))
PATIENCE = 600

app = Celery("deliveries", broker="filesystem://")
app.conf.update(
    broker_transport_options={name: str(ROOT / "queue") for name in ("data_folder_in", "data_folder_out")}
    | {"control_folder": str(ROOT / "control")},
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=16,
    worker_hijack_root_logger=False,
)


@lru_cache(maxsize=1)
def _parts() -> tuple[sqlite3.Connection, Rows]:
    return open_file(ROOT / "celery.db"), Rows()


@app.task(name="deliver")  # type: ignore[untyped-decorator]  # the library ships no types
def deliver(number: int, profile: dict[str, str]) -> None:
    """Render and keep one delivery."""
    connection, rows = _parts()
    phone = Phone(profile["phone"], "GB", reserved=True)
    person = Recipient(
        *(profile["user_id"], profile["first_name"], profile["language"], Channel(profile["preference"])),
        email=profile["email"],
        phone=phone,
    )
    items, keys = rows.of(number, person)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(INSERT_ITEM, items)
    connection.executemany(INSERT_KEY, keys)
    connection.execute("COMMIT")


def main(folder: str, deliveries: str) -> None:
    """Print the seconds."""
    for name in ("queue", "control"):
        (Path(folder) / name).mkdir(parents=True, exist_ok=True)
    for number, person in enumerate(people(int(deliveries)), start=1):
        deliver.delay(number, person.as_json())
    command = [sys.executable, "-m", "celery", "-A", "bench.deliveries_celery", "worker"]
    worker = subprocess.Popen([*command, "--pool", "solo", "--loglevel", "ERROR"], stdout=subprocess.DEVNULL)
    try:
        print(_seconds(Path(folder) / "celery.db", int(deliveries)))
    finally:
        worker.kill()
        worker.wait()


def _seconds(path: Path, deliveries: int) -> float:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        time.sleep(0.2)
        if path.exists() and (taken := _taken(path, deliveries)) is not None:
            return taken
    raise RuntimeError(f"Celery did not do {deliveries} tasks in {PATIENCE} s")


def _taken(path: Path, deliveries: int) -> float | None:
    """Seconds from the first delivery to the last, once all are there."""
    query = "SELECT count(*), min(expires_at), max(expires_at) FROM items WHERE kind = 'outbox'"
    with sqlite3.connect(path, timeout=60) as connection:
        try:
            done, first, last = connection.execute(query).fetchone()
        except sqlite3.OperationalError:
            return None  # the tables are not made yet
    return (last - first) / 1e6 if done == deliveries else None


if __name__ == "__main__":
    main(*sys.argv[1:])
