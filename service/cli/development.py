"""The key for work on one's own machine."""

from __future__ import annotations

import os
from pathlib import Path

from service.core import Scope
from service.http import Keys


def development_key(path: Path, keys: Keys) -> None:
    """Make sure that the file holds a key that the store knows, with every scope; only its owner can read it."""
    key = keys.authenticate(path.read_text("ascii").strip()) if path.exists() else None
    if key is not None and key.scopes == frozenset(Scope):
        return
    _, text = keys.create("development", list(Scope))
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
