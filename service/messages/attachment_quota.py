"""How much the files of one app may take together: counted in one item, which changes in the commit of each file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.core import from_state, to_state
from service.storage import Item

KIND = "attachments-of-app"

QUOTA = 100 * 1024 * 1024
"""Bytes that the files of one app may take together."""

MAX_KEPT = 1_000
"""Files of one app that are kept at a time."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """The size of a file in bytes, and until when it is kept."""

    until: datetime
    size: int


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """The files of one app, the oldest first."""

    files: tuple[KeptFile, ...] = ()

    def with_another(self, file: KeptFile, now: datetime) -> KeptFiles | None:
        """The quota with one more file; None where it no longer fits."""
        kept = tuple(other for other in self.files if other.until > now)
        if len(kept) >= MAX_KEPT or sum(other.size for other in kept) + file.size > QUOTA:
            return None
        return KeptFiles((*kept, file))


def quota_id(app: str) -> str:
    """The id of the item that counts the files of an app."""
    return f"attachments-of-{app}"


def kept_in(item: Item) -> KeptFiles:
    """What the item says."""
    return from_state(KeptFiles, item.state)


def quota_item(app: str, before: Item | None, kept: KeptFiles, grace: timedelta) -> Item:
    """The item as it is saved: it expires some time after its last file."""
    expires_at = max(file.until for file in kept.files) + grace
    version = 0 if before is None else before.version
    return Item(quota_id(app), KIND, to_state(kept), version=version, expires_at=expires_at)
