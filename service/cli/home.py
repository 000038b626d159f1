"""The data folder belongs to one `tocsin up` at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.core import TocsinError


class AlreadyUp(TocsinError):
    """Another `tocsin up` works on this folder."""


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the data folder; `AlreadyUp` if another `tocsin up` does. The kernel releases it when this process ends."""
    home.mkdir(0o700, parents=True, exist_ok=True)
    with (home / "up.lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise AlreadyUp(
                f"Tocsin is up already on {home} (process {lock.read().strip() or 'unknown'}). "
                "Stop it first, or set TOCSIN_HOME to another folder."
            ) from error
        with suppress(OSError):  # a full disk: then nobody is told which process it is
            lock.truncate(0)
            os.write(lock.fileno(), str(os.getpid()).encode())
        yield
