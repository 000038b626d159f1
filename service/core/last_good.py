"""Folders that administrators edit, and what of them could last be used.

A slip in a template must not silence the pagers at the next restart. So what a process could use is kept in the home;
where a folder cannot be used as it stands, that copy is used instead, and every fault is logged.
"""

from __future__ import annotations

import logging
import os
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from service.core import plain_files
from service.core.errors import TocsinError
from service.core.plain_files import CannotRead

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_BYTES = 64 * 1024 * 1024
"""Size of a file that is kept."""


def read(folder: Path, kept: Path, parse: Callable[[Path], T]) -> T:
    """What `parse` makes of a folder, or of the copy of it in the file `kept`; raises as `parse` if there is none."""
    try:
        content = parse(folder)
    except TocsinError as error:
        if not kept.exists():
            raise
        logger.error("%s cannot be used; what was last used of it goes on. Mend it: %s", folder, error)  # noqa: TRY400
        return _unpacked(kept, parse)
    try:
        _keep(folder, kept)
    except OSError as error:
        logger.warning("What is used of %s cannot be copied into the home: %s", folder, error.strerror)
    return content


def _keep(folder: Path, kept: Path) -> None:
    """Pack the folder beside `kept` and put it in its place at once: another process may be reading."""
    kept.parent.mkdir(0o700, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=kept.parent)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                with suppress(CannotRead):  # nothing that is used: `parse` could read what it needs
                    archive.writestr(str(path.relative_to(folder)), plain_files.read(path, MAX_BYTES))
        fresh.replace(kept)
    finally:
        fresh.unlink(missing_ok=True)


def _unpacked(kept: Path, parse: Callable[[Path], T]) -> T:
    with tempfile.TemporaryDirectory() as place, zipfile.ZipFile(kept) as archive:
        archive.extractall(place)
        return parse(Path(place))
