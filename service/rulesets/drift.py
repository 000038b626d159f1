"""Whether a file of the rules folder may replace the active version, or another publication overtook it.

A file's `base` is the version that was last published from it. Where that is active, an edit of the file follows it.
Where another version is active (published by HTTP, activated by hand), the edit began with something else: it would
silently undo what somebody did.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from service.core import timestamp
from service.rulesets.versions import Activation, Version


class DriftStep(Enum):
    """What becomes of a sound file."""

    PUBLISH = "publish"
    ACTIVATE = "activate"
    """Its text is an earlier version's: the file was edited back."""
    KEEP = "keep"
    """Its text is published already."""
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class DriftState:
    """Numbers of versions: the active one, the file's base, a version of the file's text, those that begin later."""

    active: int | None
    base: int | None
    known: int | None
    is_active: bool
    """Whether the file's text is the active version's."""
    coming: Collection[int] = ()

    def step(self) -> DriftStep:
        """Every standing has its step."""
        if self.is_active or (self.known is not None and self.known in self.coming):
            return DriftStep.KEEP
        follows = self.active is None or self.base == self.active or self.base in self.coming
        match self.known:
            case _ if not follows:
                return DriftStep.DRIFT
            case None:
                return DriftStep.PUBLISH
            case known if self.base is not None and known < self.base:
                return DriftStep.ACTIVATE
            case _:  # somebody published it after the base, and something else was activated since
                return DriftStep.KEEP


def overtaken(file: str, base: int | None, active: Version, since: Activation | None) -> str:
    """Why a file that was edited is not published."""
    began = f"it was made from version {base}" if base is not None else "no version was ever published from it"
    return f"{file} is not published: {began}, but {_active(active, since)}"


def behind(file: str, version: int, active: Version, since: Activation | None) -> str:
    """How a file that was not edited differs from what decides."""
    return f"{file} is version {version}, but {_active(active, since)}"


def advice(file: Path, active: Version, command: str = "rules") -> str:
    """What to do about either."""
    name, number = active.ruleset, active.number
    return (
        f"`tocsin {command} pull {name}` writes version {number} to the file (an edit is kept beside it); "
        f"`tocsin {command} publish --over {number} {file}` publishes the file instead"
    )


def _active(active: Version, since: Activation | None) -> str:
    if since is None or since.at == active.at:
        return f"version {active.number} is active, published by {active.author} at {timestamp(active.at)}"
    return f"version {active.number} is active, activated by {since.by} at {timestamp(since.at)}"
