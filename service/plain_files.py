"""Files that administrators write, read to their end: never a pipe or a device, and never more than a limit."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

MAX_BYTES = 4 * 1024 * 1024
"""Size of a rule file, and of a table beside it; as much as an API caller may send."""


def check(path: Path) -> None:
    """Raise `OSError` for a pipe, a device, and a file of more than `MAX_BYTES`; a directory fails when it is read."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode) and not stat.S_ISDIR(about.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    if about.st_size > MAX_BYTES:
        raise OSError(errno.EFBIG, f"it is larger than {MAX_BYTES >> 20} MiB")


def read(path: Path) -> bytes:
    """The bytes of an ordinary file; `OSError` as `check` says."""
    check(path)
    return path.read_bytes()
