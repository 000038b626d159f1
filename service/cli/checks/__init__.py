"""`tocsin doctor`: looks at everything that an installation needs, and says what to do about what is amiss."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was found, and, unless all is well, what to do."""

    level: Level
    subject: str
    found: str
    do: str | None = None


def fine(subject: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(Level.OK, subject, found)


def doubtful(subject: str, found: str, do: str) -> Finding:
    """It works, and may not stay so or not do what was meant."""
    return Finding(Level.WARN, subject, found, do)


def broken(subject: str, found: str, do: str) -> Finding:
    """It cannot work."""
    return Finding(Level.FAIL, subject, found, do)
