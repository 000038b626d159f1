"""What a data folder needs for work on one's own machine: one Tocsin at a time, and a key."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import TocsinError
from service.http import Keys
from service.words import Scope


class AlreadyUp(TocsinError):
    """Another `tocsin up` works on this folder."""


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the data folder; `AlreadyUp` if another `tocsin up` does. The kernel lets go of it however we end."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise AlreadyUp(
                f"Tocsin is up already on {home} (process {lock.read().strip() or 'unknown'}). "
                "Stop it first, or set TOCSIN_HOME to another folder."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def development_key(path: Path, keys: Keys) -> None:
    """Make sure that the file holds a key with every scope that the store knows; only its owner can read it."""
    if path.exists() and keys.authenticate(path.read_text("ascii").strip()):
        return
    _, text = keys.create("development", list(Scope))
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
