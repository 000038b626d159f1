"""The files by which processes share metrics, so that no full disk ends a process that counts.

prometheus_client maps sparse files into memory: where the disk has no room for a page that is written to, the kernel
ends the process (SIGBUS). So the room is reserved before it is mapped, and what gets none is counted in memory alone.
The files are in memory anyway (`/dev/shm`) where that can be: some file systems (btrfs, ZFS) need fresh room for every
change, reserved or not.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import struct
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from prometheus_client import mmap_dict, values

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment name by which processes find the folder; without it each counts for itself."""

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  a folder of our own in it, that others can neither read nor make
_FIRST = 64 * 1024
"""Bytes of a file at first: some 500 values."""

_HEAD = 8
"""Bytes before the first value: the length that is used, and padding."""

_LENGTH, _VALUE = struct.Struct("i"), struct.Struct("dd")


class ReservedFile:
    """A process's values of one kind, by key, as prometheus_client's `MmapedDict` keeps and reads them.

    Those that the disk has no room for are kept here until it has. Not safe for threads: the library holds a lock.
    """

    def __init__(self, filename: str) -> None:
        self._path = filename
        self._file: BinaryIO | None = None
        self._map: mmap.mmap | None = None
        self._used = _HEAD
        self._places: dict[str, int] = {}
        self._unshared: dict[str, tuple[float, float]] = {}

    def read_value(self, key: str) -> tuple[float, float]:
        """The value and its time; 0 for a key that is new."""
        held = self._place(key)
        if held is None:
            return self._unshared.setdefault(key, (0.0, 0.0))
        mapped, place = held
        value, timestamp = _VALUE.unpack_from(mapped, place)
        return value, timestamp

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Change a value; one that had no room so far moves into the file as soon as there is some."""
        held = self._place(key)
        if held is None:
            self._unshared[key] = value, timestamp
            return
        mapped, place = held
        mapped[place : place + _VALUE.size] = _VALUE.pack(value, timestamp)
        self._unshared.pop(key, None)

    def close(self) -> None:
        """Let go of the file."""
        if self._map is not None:
            self._map.close()
        if self._file is not None:
            self._file.close()
        self._map = self._file = None

    def _place(self, key: str) -> tuple[mmap.mmap, int] | None:
        """Where a key's value is, put there if it is new; None if there is no room."""
        if self._map is not None and key in self._places:
            return self._map, self._places[key]
        entry = _entry(key)
        mapped = self._with_room(len(entry))
        if mapped is None:
            return None
        if key in self._places:  # of an earlier process
            return mapped, self._places[key]
        mapped[self._used : self._used + len(entry)] = entry
        self._used += len(entry)
        mapped[: _LENGTH.size] = _LENGTH.pack(self._used)  # last: readers look no further than this
        self._places[key] = self._used - _VALUE.size
        return mapped, self._places[key]

    def _with_room(self, more: int) -> mmap.mmap | None:
        """The mapped file with room for so many bytes; None, and nothing has changed, if the disk has none."""
        size = len(self._map) if self._map is not None else _FIRST
        while size < self._used + more:
            size *= 2
        if self._map is None or size > len(self._map):
            with suppress(OSError):
                self._grow(size)
        return self._map if self._map is not None and len(self._map) >= self._used + more else None

    def _grow(self, size: int) -> None:
        if self._file is not None:
            self._map = _reserved(self._file, size)
            return
        file = Path(self._path).open("a+b")  # noqa: SIM115  mapped for the life of the process
        try:
            self._map = _reserved(file, max(size, os.fstat(file.fileno()).st_size))
        except OSError:
            file.close()
            raise
        self._file = file
        self._read_on(self._map)

    def _read_on(self, mapped: mmap.mmap) -> None:
        """Go on with what a process of the same id has left, such as this one before it was renewed."""
        self._used = max(_HEAD, _LENGTH.unpack_from(mapped)[0])
        entries = mmap_dict._read_all_values(mapped, self._used)  # type: ignore[no-untyped-call]
        self._places = {key: place for key, _, _, place in entries}


def _reserved(file: BinaryIO, size: int) -> mmap.mmap:
    """The file in memory, every byte of it with room on the disk; OSError if there is none."""
    os.posix_fallocate(file.fileno(), 0, size)
    return mmap.mmap(file.fileno(), size)


def _entry(key: str) -> bytes:
    """A new value, as the library lays it out."""
    encoded = key.encode()
    padded = encoded + b" " * (8 - (len(encoded) + _LENGTH.size) % 8)
    return _LENGTH.pack(len(encoded)) + padded + _VALUE.pack(0.0, 0.0)


def install() -> None:
    """Let every metric that is made from now on use `ReservedFile`."""
    values.MmapedDict = ReservedFile  # type: ignore[assignment, attr-defined]  # where the library looks it up


def make_folder(home: Path) -> Path:
    """An empty folder for the metrics of one run: in memory, or else in the home."""
    name = hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:16]
    in_memory = _SHARED_MEMORY / f"tocsin-{os.getuid()}-{name}"
    for folder in (in_memory, home / "metrics"):
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # no such place, no room, or somebody else's
            folder.mkdir(mode=0o700)
            return folder.absolute()
    return (home / "metrics").absolute()  # not there: every process counts for itself


def remove_folder(folder: Path) -> None:
    """Give the memory back that the metrics of a run took."""
    if folder.parent == _SHARED_MEMORY:
        shutil.rmtree(folder, ignore_errors=True)
