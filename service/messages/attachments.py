"""Files that are attached to emails: uploaded first, kept for thirty days, named by notifications."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.channels import Attachment
from service.core import Clock, from_state, ids, to_state
from service.messages import attachment_quota
from service.messages.attachment_quota import KeptFile, KeptFiles, kept_in, quota_id, quota_item
from service.messages.attachment_rules import (
    MAX_ATTACHMENT_SIZE,
    AttachmentGone,
    AttachmentRefused,
    checked_name,
    checked_type,
)
from service.messages.s3_attachments import S3Attachments, is_in_s3
from service.storage import AuditEntry, Conflict, Item, Store

KIND, PART = "attachment", "attachment-part"
OF_APP = "attachments-of"
"""The index of files by the app that uploaded them."""

KEPT = timedelta(days=30)
"""How long a file can be sent."""

CHUNK = 240 * 1024
"""Bytes of a file in one item: in base64 they stay below an item's limit."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What is known of a file: whose it is, its name, media type, size in bytes, and in how many parts it is stored."""

    app: str
    name: str
    media_type: str
    size: int
    parts: int
    until: datetime


class Attachments:
    """Keeps files and reads them back."""

    def __init__(self, store: Store, clock: Clock, in_s3: S3Attachments | None = None) -> None:
        self._store = store
        self._clock = clock
        self._in_s3 = in_s3 or S3Attachments()

    def keep(
        self, app: str, name: str, media_type: str | None, content: bytes, audit: AuditEntry
    ) -> tuple[str, StoredFile]:
        """Store a file durably; returns its id. `AttachmentRefused` for its name, its type, its size or the quota."""
        now = self._clock.now()
        file = StoredFile(
            app, checked_name(name), checked_type(name, media_type), len(content), _count(content), now + KEPT
        )
        if not 0 < file.size <= MAX_ATTACHMENT_SIZE:
            raise AttachmentRefused(f"has {file.size:,} bytes: send 1 to {MAX_ATTACHMENT_SIZE:,}")
        self._quota_with(file)  # before its bytes are written: most that do not fit are refused here
        file_id = f"{KIND}-{ids.fresh(now)}"
        parts = self._write_parts(file_id, file, content)
        head = Item(file_id, KIND, to_state(file), keys={OF_APP: app}, expires_at=file.until)
        try:
            self._commit(head, file, audit)
        except AttachmentRefused:
            for part in parts:
                self._store.remove(part)
            raise
        return file_id, file

    def _write_parts(self, file_id: str, file: StoredFile, content: bytes) -> list[Item]:
        pieces = (content[number * CHUNK : (number + 1) * CHUNK] for number in range(file.parts))
        states = ({"data": base64.b64encode(piece).decode()} for piece in pieces)
        return [
            self._store.save(Item(_part_id(file_id, number), PART, state, expires_at=file.until))
            for number, state in enumerate(states)
        ]

    def _commit(self, head: Item, file: StoredFile, audit: AuditEntry) -> None:
        """Save what is known of a file together with what its app keeps: of files that come at once, each counts."""
        while True:
            try:
                self._store.save(head, self._quota_with(file), audit=[audit])
            except Conflict:
                continue  # another file of this app was faster
            return

    def faults(self, file_ids: Sequence[str], app: str, at: datetime) -> Iterator[tuple[int, str]]:
        """What is wrong with the files that an app wants to send together, by their position."""
        sizes = []
        for number, name in enumerate(file_ids):
            try:
                sizes.append(self._in_s3.size(name) if is_in_s3(name) else self._size(name, app, at))
            except AttachmentRefused as error:
                yield number, str(error)
        if sum(sizes) > MAX_ATTACHMENT_SIZE:
            message = f"is too much: together they have {sum(sizes):,} bytes, and {MAX_ATTACHMENT_SIZE:,} are allowed"
            yield len(file_ids) - 1, message

    def _size(self, file_id: str, app: str, at: datetime) -> int:
        file = self.get(file_id)
        if file is None or file.app != app:
            raise AttachmentRefused("is not the id of a file that you have uploaded: upload the file first")
        if file.until < at + timedelta(days=1):
            until = f"{file.until:%Y-%m-%d %H:%M} UTC"
            raise AttachmentRefused(f"is kept until {until}, too short a time: upload it again")
        return file.size

    def get(self, file_id: str) -> StoredFile | None:
        """What is known of a file, or None."""
        item = self._store.get(file_id)
        if item is None or item.kind != KIND:
            return None
        file = from_state(StoredFile, item.state)
        return file if file.until > self._clock.now() else None

    def load(self, file_ids: Sequence[str]) -> tuple[Attachment, ...]:
        """The files themselves; `AttachmentGone`."""
        return tuple(self._in_s3.load(name) if is_in_s3(name) else self._loaded(name) for name in file_ids)

    def _loaded(self, file_id: str) -> Attachment:
        file = self.get(file_id)
        if file is None:
            raise AttachmentGone(f"its attachment {file_id} is not kept any more: upload it again")
        parts = (self._store.get(_part_id(file_id, number)) for number in range(file.parts))
        content = b"".join(base64.b64decode(str(part.state["data"])) for part in parts if part is not None)
        if len(content) != file.size:
            raise AttachmentGone(f"its attachment {file_id} is not kept any more: upload it again")
        return Attachment(file.name, file.media_type, content)

    def _quota_with(self, file: StoredFile) -> Item:
        """What the app keeps with this file, as it is to be saved; `AttachmentRefused` where it is too much."""
        now = self._clock.now()
        item = self._store.get(quota_id(file.app))
        before = self._counted(file.app) if item is None else kept_in(item)
        kept = before.with_another(KeptFile(file.until, file.size), now)
        if kept is None:
            raise AttachmentRefused(
                f"is more than the {attachment_quota.QUOTA // 1024 // 1024} MiB or {attachment_quota.MAX_KEPT:,} files "
                f"that one app may keep: the oldest leave {KEPT.days} days after they came"
            )
        return quota_item(file.app, item, kept, grace=KEPT)

    def _counted(self, app: str) -> KeptFiles:
        """The quota of an app that has none yet: its files are of an earlier version, or there are none."""
        return KeptFiles(tuple(KeptFile(file.until, file.size) for file in self._of(app)))

    def _of(self, app: str) -> Iterator[StoredFile]:
        cursor: str | None = None
        while True:
            page = self._store.by_index(OF_APP, app, cursor=cursor, limit=200)
            files = (from_state(StoredFile, item.state) for item in page.items)
            yield from (file for file in files if file.until > self._clock.now())
            cursor = page.cursor
            if cursor is None:
                return


def _count(content: bytes) -> int:
    return -(-len(content) // CHUNK)


def _part_id(file_id: str, number: int) -> str:
    return f"{file_id}-{number}"
