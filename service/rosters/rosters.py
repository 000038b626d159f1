"""The rosters of an installation: every `*.yaml` of one folder, read again when it changes.

A file that cannot be used harms no other: what was last used of it goes on, in this process and, from a copy in the
home, in those that start later.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.core import CannotRead, TocsinError, nearest_word, plain_files
from service.decide import Finding, Severity
from service.rosters import roster_file
from service.rosters.roster import Roster

logger = logging.getLogger(__name__)

Stamp = tuple[int, int, int]
"""Time of the last change, in nanoseconds, size, and the number by which the disk knows the file."""

MAX_FILES = 500

MAX_SAID = 5
"""Errors that are said of one file."""


class UnknownRoster(TocsinError):
    """No roster has this name."""


@dataclass(frozen=True, slots=True)
class RosterFile:
    """A file as it was last looked at: what is used of it, if anything, and what is wrong with it, if anything."""

    stamp: Stamp | None
    roster: Roster | None
    complaint: str = ""


class Rosters:
    """Rosters by name; safe for any number of threads. `kept` is the folder of the copies in the home."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self._folder = folder
        self._kept = kept
        self._lock = threading.Lock()
        self._files: dict[str, RosterFile] = {}

    def all(self) -> Mapping[str, Roster]:
        """Every roster by its name, sorted; of several of one name the first file's."""
        with self._lock:
            self._look()
            rosters: dict[str, Roster] = {}
            for file in self._files.values():
                if file.roster is not None:
                    rosters.setdefault(file.roster.name, file.roster)
        return dict(sorted(rosters.items()))

    def get(self, name: str) -> Roster:
        """The roster of this name; `UnknownRoster` with the nearest one."""
        rosters = self.all()
        if name not in rosters:
            near = nearest_word(name, rosters)
            hint = f'did you mean "{near}"?' if near else f"there are: {', '.join(rosters) or 'none'}"
            raise UnknownRoster(f'there is no roster "{name}": {hint}')
        return rosters[name]

    def complaints(self) -> Mapping[str, str]:
        """What is wrong with files that cannot be used as they stand, by their names."""
        with self._lock:
            self._look()
            return {name: file.complaint for name, file in self._files.items() if file.complaint}

    def _look(self) -> None:
        """Read what has changed since the last time. While the folder cannot be listed nothing changes."""
        try:
            paths = {path.name: path for path in plain_files.named(self._folder)[:MAX_FILES]}
        except CannotRead as error:
            logger.error("The rosters cannot be read; what was last used of them goes on: %s", error)  # noqa: TRY400
            return
        for name in self._files.keys() - paths.keys():
            (self._kept / name).unlink(missing_ok=True)
        self._files = {name: self._looked_at(path) for name, path in paths.items()}

    def _looked_at(self, path: Path) -> RosterFile:
        known = self._files.get(path.name) or RosterFile(None, self._kept_of(path.name), "")
        stamp = _stamp(path)
        if stamp is not None and stamp == known.stamp:
            return known
        try:
            source = plain_files.read(path)
        except CannotRead as error:
            return self._refused(path, stamp, known, str(error))
        parsed = roster_file.parse(source)
        if parsed.roster is None:
            return self._refused(path, stamp, known, _without_excerpts(path, parsed.findings))
        self._keep(path.name, source)
        return RosterFile(stamp, parsed.roster)

    def _refused(self, path: Path, stamp: Stamp | None, known: RosterFile, why: str) -> RosterFile:
        if why != known.complaint:
            goes_on = "nobody is on call by it" if known.roster is None else "what was last used of it goes on"
            logger.error("%s cannot be used; %s. Mend it: %s", plain_files.shown(path), goes_on, why)
        return RosterFile(stamp, known.roster, why)

    def _kept_of(self, name: str) -> Roster | None:
        try:
            return roster_file.parse(plain_files.read(self._kept / name)).roster
        except CannotRead:
            return None

    def _keep(self, name: str, source: bytes) -> None:
        """Put a copy in its place at once: another process may be reading."""
        try:
            self._kept.mkdir(0o700, parents=True, exist_ok=True)
            descriptor, fresh = tempfile.mkstemp(dir=self._kept)
            with os.fdopen(descriptor, "wb") as file:
                file.write(source)
            Path(fresh).replace(self._kept / name)
        except OSError as error:
            logger.warning("The roster file %s cannot be copied into the home: %s", name, error.strerror)


def _without_excerpts(path: Path, findings: Sequence[Finding]) -> str:
    """The errors with their places; the lines of a roster hold phone numbers, which no log may."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR][:MAX_SAID]
    name = plain_files.shown(path)
    return "; ".join(f"{name}:{each.at.line}:{each.at.column}: {each.message}" for each in errors)


def _stamp(path: Path) -> Stamp | None:
    """What changes with a file; None where it cannot be known, so that it is read again each time."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
