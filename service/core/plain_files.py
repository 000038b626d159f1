"""Files that administrators write, read to their end: never a pipe or a device, and never more than a limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from service.core.errors import TocsinError

MAX_BYTES = 4 * 1024 * 1024
"""Size of a rule file, and of a table beside it; as much as an API caller may send."""


class CannotRead(TocsinError):
    """A file that cannot be read, or that is no ordinary file of a bearable size; `why` says which."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{shown(path)} cannot be read: {why}")
        self.path = path
        self.why = why


class FileMissing(CannotRead):
    """There is no file of this name, or a link leads to none."""


def read(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of an ordinary file; `FileMissing`, `CannotRead`."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise CannotRead(path, "it is not a regular file")
            content = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise FileMissing(path, str(error.strerror)) from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise CannotRead(path, getattr(error, "strerror", None) or str(error)) from error
    if len(content) > max_bytes:
        raise CannotRead(path, f"it is larger than {max_bytes >> 20} MiB")
    return content


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """A text in UTF-8 with all line ends as `\\n`; `FileMissing`, `CannotRead`, `UnicodeDecodeError`."""
    return read(path, max_bytes).decode().replace("\r\n", "\n").replace("\r", "\n")


def _at_once(path: str, flags: int) -> int:
    """Open a file without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def shown(path: Path) -> str:
    """A path in a form that can be stored and shown: one on disk may be no text."""
    return str(path).encode("utf-8", "replace").decode()


def named(folder: Path, suffix: str = ".yaml") -> list[Path]:
    """What has this suffix directly in a folder, sorted; a hidden file is an editor's, such as `.#fees.yaml` of Emacs.

    `CannotRead` if the folder cannot be listed; nothing where there is no folder.
    """
    return [path for path in _listed(folder) if path.suffix == suffix]


def misnamed(folder: Path) -> list[Path]:
    """The files directly in a folder that look like YAML and are not read, since their names do not end in `.yaml`."""
    alike = (path for path in _listed(folder) if path.suffix != ".yaml" and path.suffix.lower() in {".yml", ".yaml"})
    return [path for path in alike if not path.is_dir()]


def why_misnamed(path: Path) -> str:
    """What to say about a file that is `misnamed`."""
    return f"{shown(Path(path.name))} is not read: name it {shown(Path(path.stem))}.yaml, or move it out of the folder"


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CannotRead(folder, str(error.strerror)) from error


def size(path: Path) -> int:
    """Bytes of a file, 0 if nobody can say."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
