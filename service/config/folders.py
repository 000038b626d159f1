"""The folders that settings name: whether a process can work with them as they stand on this machine.

Looked at once, by the command that an operator calls. The processes that it starts do not look again: a folder that
goes away later must not keep a worker from being started again, and a home that is gone must not be made anew, empty.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.config.errors import SettingFault, name_of
from service.core import TocsinError, secrets

CHECKED = "_TOCSIN_CHECKED"
"""Environment name by which a command that has looked tells so to itself and to the processes that it starts."""

NEEDED = ("rules_dir", "templates_dir")
"""Folders that must be there for a service, named or not."""

NAMES = ("home", *NEEDED, "model_dir")

LEAST_ROOM = 1024 * 1024
"""Bytes that must be left on the disk of the home."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Folders:
    """What to look at: the home, the folders that settings name, where the others are by default, the secret's file."""

    home: Path
    named: Mapping[str, Path]
    by_default: Mapping[str, Path]
    secret: Path | None


def were_checked() -> bool:
    """Whether the process that started this one has looked."""
    return CHECKED in os.environ


def faults(folders: Folders, *, service: bool) -> Iterator[SettingFault]:
    """Everything that is wrong with the folders. A `service` needs its own folders, and its home is made."""
    if (reason := _reason_against(folders.home, make=service)) is not None:
        yield SettingFault(name_of("home"), f"{folders.home} {reason}")
    elif folders.secret is not None and folders.secret.exists():
        yield from _secret_faults(folders.secret)
    expected = {**(folders.by_default if service else {}), **folders.named}
    for name, folder in expected.items():
        if name != "home" and not folder.is_dir():
            yield SettingFault(name_of(name), f"{folder} is not a folder: name one that exists")


class NoRoom(TocsinError):
    """The disk of the home is full, or nearly."""


def check_room(home: Path) -> None:
    """`NoRoom` if less is left on the disk than what is written at a time may take.

    A small write may still succeed then, in place of an older one, while every decision is refused.
    """
    try:
        disk = os.statvfs(home)
    except OSError as error:
        raise NoRoom(f"{home} cannot be looked at ({os.strerror(error.errno or 0)})") from error
    blocks = disk.f_bfree if os.geteuid() == 0 else disk.f_bavail  # some are kept for root alone
    if blocks * disk.f_frsize < LEAST_ROOM:
        raise NoRoom(f"less than {LEAST_ROOM >> 20} MiB is left on the disk of {home}: make room")


def make_home(home: Path) -> None:
    """Make the home where there is none; not in a process whose parent has done so: then it went away since."""
    if not were_checked():
        home.mkdir(0o700, parents=True, exist_ok=True)


def _reason_against(home: Path, *, make: bool) -> str | None:
    advice = "give it to the user that runs Tocsin, or name another folder"
    try:
        if make:
            home.mkdir(0o700, parents=True, exist_ok=True)
        nearest = next((each for each in (home, *home.absolute().parents) if os.path.lexists(each)), home)
        if not nearest.is_dir():
            return f"cannot be a folder: {nearest} is a file; name another one"
        if nearest == home:
            _write_to(home)
        elif not os.access(nearest, os.W_OK | os.X_OK):
            return f"cannot be made in {nearest}, which this user may not write to: {advice}"
    except FileExistsError:
        return "cannot be a folder: a file is in its place; name another one"
    except OSError as error:
        return f"cannot be {'made or ' if make else ''}written to ({os.strerror(error.errno or 0)}): {advice}"
    return None


def _write_to(home: Path) -> None:
    """A full disk is no mistake in the settings: the service waits for room."""
    try:
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise


def _secret_faults(secret: Path) -> Iterator[SettingFault]:
    try:
        secrets.of_installation(None, secret)
    except TocsinError as error:
        yield SettingFault(name_of("secret"), str(error))
