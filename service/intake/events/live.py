"""The mappings as their file has them now; a slip in it leaves those that were last sound."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from service.decide import report
from service.errors import Unavailable
from service.intake.events.file import ParsedMappings, parse
from service.intake.events.mappings import Mappings

logger = logging.getLogger(__name__)

Stamp = tuple[int, int]
"""Time of the last change, in nanoseconds, and size."""


class MappingsRefused(Unavailable):
    """The file cannot be used and never could: events wait until it is mended."""


class LiveMappings:
    """Reads the file again when it has changed; safe for any number of threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: Stamp | None = None
        self._sound: Mappings | None = Mappings()

    def current(self) -> Mappings:
        """The mappings; none where there is no file. `MappingsRefused`."""
        with self._lock:
            stamp = self._stamp()
            if stamp != self._seen:
                self._read(stamp)
            if self._sound is None:
                raise MappingsRefused(f"{self._path} cannot be used: run `tocsin rules check {self._path}`")
            return self._sound

    def _stamp(self) -> Stamp | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size

    def _read(self, stamp: Stamp | None) -> None:
        first = self._seen is None
        self._seen = stamp
        if stamp is None:
            self._sound = Mappings()
            return
        source = self._path.read_bytes()
        parsed = parse(source)
        if parsed.mappings is not None:
            self._sound = parsed.mappings
            return
        if first:
            self._sound = None
        self._complain(source, parsed)

    def _complain(self, source: bytes, parsed: ParsedMappings) -> None:
        what = "events wait" if self._sound is None else "what was last used of it goes on"
        faults = report.render(parsed.findings, source, str(self._path))
        logger.error("%s cannot be used; %s. Mend it: %s", self._path, what, faults)
