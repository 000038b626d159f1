"""What a file must be to be attached to a mail, wherever it is stored."""

from __future__ import annotations

import mimetypes
import re

from service.core import TocsinError

MAX_ATTACHMENTS = 10
"""Files of one email."""

MAX_ATTACHMENT_SIZE = 7 * 1024 * 1024
"""Bytes of all files of one email: in base64 they stay below the 10 MB that many mail servers take."""

MAX_ATTACHMENT_NAME = 100
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
"""Endings of names that SES does not send, and that most mail servers refuse.

https://docs.aws.amazon.com/ses/latest/dg/mime-types.html
"""


class AttachmentRefused(TocsinError):
    """A file that is refused; the text says why, `of` which part: its content, its name or its type."""

    def __init__(self, message: str, of: str = "body") -> None:
        super().__init__(message)
        self.of = of


class AttachmentGone(TocsinError):
    """A file that a notification names is not kept any more."""


def checked_name(name: str) -> str:
    """A name that a file may have in a mail; `AttachmentRefused`."""
    if not _NAME.fullmatch(name) or "." not in name.strip(".") or len(name) > MAX_ATTACHMENT_NAME:
        raise AttachmentRefused(
            f"has no name that a mail can carry: write it like menu.pdf, with {MAX_ATTACHMENT_NAME} letters", "name"
        )
    ending = name.rstrip(". ").rpartition(".")[2].lower()  # Windows drops dots and blanks at the end
    if ending in PROGRAMS:
        raise AttachmentRefused(
            f"ends in .{ending}, which mail servers refuse: put it into a .zip, or send a link", "name"
        )
    return name


def checked_type(name: str, media_type: str | None) -> str:
    """The media type of a file, by its name where nobody says it; `AttachmentRefused`."""
    declared = (media_type or mimetypes.guess_type(name)[0] or "application/octet-stream").lower()
    if (
        not _MEDIA_TYPE.fullmatch(declared)
        or len(declared) > MAX_TYPE
        or declared.startswith(("multipart/", "message/"))
    ):
        raise AttachmentRefused("has no media type that a mail can carry: write it like application/pdf", "type")
    return declared
