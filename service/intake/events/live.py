"""The mappings as their file has them now; a slip in it leaves those that were last sound."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from service.core import CannotRead, FileMissing, Unavailable, plain_files
from service.decide import report
from service.intake.events.file import parse
from service.intake.events.mappings import Mappings

logger = logging.getLogger(__name__)

Stamp = tuple[int, int]
"""Time of the last change, in nanoseconds, and size."""


class MappingsRefused(Unavailable):
    """The file cannot be used and never could: events wait until it is corrected."""


class LiveMappings:
    """Reads the file again when it has changed; safe for any number of threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: Stamp | None = None
        self._sound: Mappings | None = None
        self._complaint = ""

    def current(self) -> Mappings:
        """The mappings; none where there is no file. `MappingsRefused`."""
        with self._lock:
            try:
                self._look()
            except FileMissing:
                self._seen, self._sound, self._complaint = None, None, ""
                return Mappings()
            except CannotRead as error:  # tried again by the next event: the disk's trouble changes no file
                self._complain(str(error))
            if self._sound is None:
                raise MappingsRefused(f"{self._path} cannot be used: run `tocsin rules check {self._path}`")
            return self._sound

    def _look(self) -> None:
        """Read the file if it has changed; `FileMissing`, `CannotRead`."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        source = plain_files.read(self._path)
        parsed = parse(source)
        self._seen = stamp
        if parsed.mappings is None:
            self._complain(report.render(parsed.findings, source, str(self._path)))
            return
        self._sound, self._complaint = parsed.mappings, ""

    def _stamp(self) -> Stamp:
        try:
            status = self._path.stat()
        except FileNotFoundError as error:
            raise FileMissing(self._path, str(error.strerror)) from error
        except OSError as error:
            raise CannotRead(self._path, str(error.strerror)) from error
        return status.st_mtime_ns, status.st_size

    def _complain(self, why: str) -> None:
        """Log what is wrong with the file, once."""
        if why == self._complaint:
            return
        self._complaint = why
        what = "events wait" if self._sound is None else "what was last used of it goes on"
        logger.error("%s cannot be used; %s. Mend it: %s", self._path, what, why)
