"""Files that notifications name in S3 instead of uploading them: `s3://bucket/folder/menu.pdf`."""

from __future__ import annotations

from typing import Protocol

from service.channels import Attachment
from service.core import S3_SCHEME, FileTooLarge, NotAnS3Url, S3Object, S3Url, parse_s3_url
from service.messages.attachment_rules import (
    MAX_ATTACHMENT_SIZE,
    AttachmentGone,
    AttachmentRefused,
    checked_name,
    checked_type,
)


class S3(Protocol):
    """Where the files lie. Either method may raise `Unavailable`."""

    def look(self, url: S3Url, /) -> S3Object | None:
        """Type and size of a file; None where there is none, or we may not read it."""

    def read(self, url: S3Url, limit: int, /) -> bytes | None:
        """The content; None where it is gone. `FileTooLarge` as soon as it has more than `limit` bytes."""


def is_in_s3(name: str) -> bool:
    """Whether an entry of `attachments` names a file in S3."""
    return name.startswith(S3_SCHEME)


class S3Attachments:
    """The files below one prefix; none where there is no prefix."""

    def __init__(self, prefix: S3Url | None = None, s3: S3 | None = None) -> None:
        self._prefix = prefix
        self._s3 = s3

    def size(self, text: str) -> int:
        """The bytes of a file that may be sent; `AttachmentRefused` for any other."""
        url = self._below(text)
        file = None if self._s3 is None else self._s3.look(url)
        if file is None:
            raise AttachmentRefused("is not there, or may not be read here (s3:GetObject)")
        checked_type(checked_name(url.name), file.media_type)
        return file.size

    def load(self, text: str) -> Attachment:
        """The file as it is now; `AttachmentGone`."""
        try:
            url = self._below(text)
            file = None if self._s3 is None else self._s3.look(url)
            content = None if file is None or self._s3 is None else self._s3.read(url, MAX_ATTACHMENT_SIZE)
            if file is not None and content is not None:
                return Attachment(checked_name(url.name), checked_type(url.name, file.media_type), content)
        except (AttachmentRefused, FileTooLarge) as error:
            raise AttachmentGone(f"its attachment in S3 cannot be sent: it {error}") from error
        raise AttachmentGone("its attachment in S3 is not there any more")

    def _below(self, text: str) -> S3Url:
        if self._prefix is None:
            raise AttachmentRefused("names a file in S3, and TOCSIN_ATTACHMENTS says no place there: upload it instead")
        try:
            url = parse_s3_url(text)
        except NotAnS3Url as error:
            raise AttachmentRefused(str(error)) from error
        if not url.is_below(self._prefix):
            raise AttachmentRefused(f"is not below {self._prefix}, where files may be sent from (TOCSIN_ATTACHMENTS)")
        return url
