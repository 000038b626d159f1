"""`tocsin doctor`: looks at everything that an installation needs, and says what to do about what is amiss."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckLevel(StrEnum):
    """How bad it is."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """What was looked at, what was found, and, unless all is well, what to do."""

    level: CheckLevel
    subject: str
    found: str
    do: str | None = None


def fine(subject: str, found: str) -> CheckFinding:
    """Nothing to do."""
    return CheckFinding(CheckLevel.OK, subject, found)


def doubtful(subject: str, found: str, do: str) -> CheckFinding:
    """It works, and may not stay so or not do what was meant."""
    return CheckFinding(CheckLevel.WARN, subject, found, do)


def broken(subject: str, found: str, do: str) -> CheckFinding:
    """It cannot work."""
    return CheckFinding(CheckLevel.FAIL, subject, found, do)
