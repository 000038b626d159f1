"""The secrets of an installation: one that lookups depend on for ever, and those that sign, which can be rotated.

The first is made once and kept in a file that only its owner reads. What signs is a keyring: a key is put before the
others, signs from then on, and the old ones go on verifying until nothing that they signed is of use any more.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from service.core.errors import TocsinError

BYTES = 32


class UnreadableSecret(TocsinError):
    """The file of the secret cannot be used."""


def of_installation(given: bytes | None, path: Path) -> bytes:
    """The secret that the settings give (several hosts must share one), else the one kept in `path`."""
    return read_or_make(path) if given is None else given


def read_or_make(path: Path) -> bytes:
    """The secret in `path`, made there if there is none; processes that start together agree on one."""
    if not path.exists():
        try:
            _make(path)
        except OSError as error:
            raise UnreadableSecret(
                f"{path} cannot be made: {os.strerror(error.errno or 0)}; check TOCSIN_HOME"
            ) from error
    return _read(path)


def _make(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(BYTES))
        with suppress(FileExistsError):
            os.link(draft, path)  # whoever links first has made it
    finally:
        draft.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of one purpose: the first signs, all verify."""

    keys: tuple[bytes, ...] = field(repr=False)

    @property
    def oldest_first(self) -> list[bytes]:
        """As itsdangerous wants them: it signs with the last and tries all."""
        return list(reversed(self.keys))


def signing(given: Sequence[bytes], installation: bytes, purpose: str) -> Keyring:
    """The keys for a purpose, made from the secrets that TOCSIN_SIGNING_SECRETS lists, or else the installation's."""
    return Keyring(tuple(derived(secret, purpose) for secret in given or (installation,)))


def derived(secret: bytes, purpose: str) -> bytes:
    """A secret of its own for one purpose: whoever learns it learns nothing about the installation's or another."""
    return hmac.digest(secret, f"tocsin:{purpose}".encode(), "sha256")


def _read(path: Path) -> bytes:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise UnreadableSecret(f"{path} cannot be read: restore it from the backup, opt-outs depend on it") from error
    return _parsed(text, str(path))


def _parsed(text: str, place: str) -> bytes:
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError as error:
        raise UnreadableSecret(f"{place} is not hex: restore it from the backup, opt-outs depend on it") from error
    if len(secret) < BYTES:
        raise UnreadableSecret(f"{place} holds fewer than {BYTES} bytes: restore it from the backup")
    return secret
