"""A folder that people edit: whether it looks other than before, once nobody is writing into it any more."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

MOST_FILES = 10_000
"""Files of a folder that are looked at."""


class SettledFolder:
    """Tells of changes of the files in a folder and its folders; what it holds when this is made counts as known."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = self._seen = _looks(folder)

    def has_changed(self) -> bool:
        """Whether the files look other than when this was last true, and alike twice in a row."""
        now = _looks(self._folder)
        settled = now == self._seen and now != self._known
        self._seen = now
        if settled:
            self._known = now
        return settled


def _looks(folder: Path) -> object:
    """What tells that a file was changed, added or taken away."""
    looks = []
    for number, path in enumerate(folder.rglob("*")):
        if number >= MOST_FILES:
            break
        with suppress(OSError):
            stat = path.stat()
            looks.append((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(sorted(looks))
