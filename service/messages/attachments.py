"""Files that go along with emails: uploaded first, kept for thirty days, named by the notifications that send them."""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.channels import Attachment
from service.core import ids
from service.core.clock import Clock
from service.core.errors import TocsinError
from service.core.records import from_state, to_state
from service.messages import attachment_quota
from service.messages.attachment_quota import KeptFile, KeptFiles, kept_in, quota_id, quota_item
from service.storage import AuditEntry, Conflict, Item, Store

KIND, PART = "attachment", "attachment-part"
OF_APP = "attachments-of"
"""The index of files by the app that uploaded them."""

MAX_ATTACHMENTS = 10
"""Files of one email."""

MAX_ATTACHMENT_SIZE = 7 * 1024 * 1024
"""Bytes of all files of one email: in base64 they stay below the 10 MB that many mail servers take."""

KEPT = timedelta(days=30)
"""How long a file can be sent."""

MAX_ATTACHMENT_NAME = 100
CHUNK = 240 * 1024
"""Bytes of a file in one item: in base64 they stay below an item's limit."""

_NAME = re.compile(r"[^\W_][\w .,()&+@'-]{0,99}")
_MEDIA_TYPE = re.compile(r"[a-z]{1,30}/[a-z0-9.+-]{1,90}")
MAX_TYPE = 78
"""Characters of a media type (SES, Attachment.ContentType)."""

_PROGRAMS = (
    "ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins isp its js jse ksh lib lnk"
    " mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz msc msh msh1 msh2 mshxml msh1xml msh2xml msi"
    " msp mst ops pcd pif plg prf prg reg scf scr sct shb shs sys ps1 ps1xml ps2 ps2xml psc1 psc2 tmp url vb vbe vbs"
    " vps vsmacros vss vst vsw vxd ws wsc wsf wsh xnk"
)
PROGRAMS = frozenset(_PROGRAMS.split())
"""Endings of names that SES sends for nobody, nor do most mail servers take them.

https://docs.aws.amazon.com/ses/latest/dg/mime-types.html
"""


class AttachmentRefused(TocsinError):
    """A file that cannot be kept; the text says why."""


class AttachmentGone(TocsinError):
    """A file that a notification names is not kept any more."""


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

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def keep(
        self, app: str, name: str, media_type: str | None, content: bytes, audit: AuditEntry
    ) -> tuple[str, StoredFile]:
        """Keep a file, durably; answers its id. `AttachmentRefused` for its name, its type, its size or the quota."""
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
        """What is wrong with which of the files that an app wants to send at a time."""
        files = [self.get(name) for name in file_ids]
        for number, file in enumerate(files):
            if file is None or file.app != app:
                yield number, "is no attachment of yours: POST /v1/attachments answers its id"
            elif file.until < at + timedelta(days=1):
                yield number, f"is kept until {file.until:%Y-%m-%d %H:%M} UTC, too short a time: upload it again"
        size = sum(file.size for file in files if file is not None)
        if size > MAX_ATTACHMENT_SIZE:
            yield (
                len(files) - 1,
                f"is too much: together they have {size:,} bytes, and {MAX_ATTACHMENT_SIZE:,} are allowed",
            )

    def get(self, file_id: str) -> StoredFile | None:
        """What is known of a file, or None."""
        item = self._store.get(file_id)
        if item is None or item.kind != KIND:
            return None
        file = from_state(StoredFile, item.state)
        return file if file.until > self._clock.now() else None

    def load(self, file_ids: Sequence[str]) -> tuple[Attachment, ...]:
        """The files themselves; `AttachmentGone`."""
        return tuple(self._loaded(name) for name in file_ids)

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
        """What an app keeps that nothing counts yet: its files are of an earlier version, or there are none."""
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


def checked_name(name: str) -> str:
    """A name that a file may have in a mail; `AttachmentRefused`."""
    if not _NAME.fullmatch(name) or "." not in name.strip(".") or len(name) > MAX_ATTACHMENT_NAME:
        raise AttachmentRefused(
            f"has no name that a mail can carry: write it like menu.pdf, with {MAX_ATTACHMENT_NAME} letters"
        )
    ending = name.rpartition(".")[2].lower()
    if ending in PROGRAMS:
        raise AttachmentRefused(f"ends in .{ending}, which mail servers refuse: put it into a .zip, or send a link")
    return name


def checked_type(name: str, media_type: str | None) -> str:
    """The media type of a file, by its name where nobody says it; `AttachmentRefused`."""
    said = (media_type or mimetypes.guess_type(name)[0] or "application/octet-stream").lower()
    if not _MEDIA_TYPE.fullmatch(said) or len(said) > MAX_TYPE or said.startswith(("multipart/", "message/")):
        raise AttachmentRefused("has no media type that a mail can carry: write it like application/pdf")
    return said


def _count(content: bytes) -> int:
    return -(-len(content) // CHUNK)


def _part_id(file_id: str, number: int) -> str:
    return f"{file_id}-{number}"
