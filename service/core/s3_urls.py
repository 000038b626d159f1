"""Places in S3, as people write them: `s3://bucket/folder/file`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.core.errors import TocsinError

S3_SCHEME = "s3://"
MAX_S3_URL = 1_200
"""Characters of an address: a key has 1,024 bytes at most."""


_FORM = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/([^\x00-\x1f\x7f?#]{1,1024})")


class NotAnS3Url(TocsinError):
    """A text that names no file in S3; says what to write."""


@dataclass(frozen=True, slots=True)
class S3Url:
    """A bucket, and a key or a prefix in it."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{S3_SCHEME}{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of the key: the file's name."""
        return self.key.rpartition("/")[2]

    def is_below(self, prefix: S3Url) -> bool:
        """Whether it lies in the folder that `prefix` is."""
        return self.bucket == prefix.bucket and self.key.startswith(f"{prefix.key}/")


def parse_s3_url(text: str) -> S3Url:
    """`s3://bucket/folder/file`; `NotAnS3Url`. Parts like `..` are refused: on its way an address may be shortened."""
    match = _FORM.fullmatch(text.removesuffix("/"))
    if match is None or any(part in {"", ".", ".."} for part in match[2].split("/")):
        raise NotAnS3Url("is no place in S3: write it like s3://bucket/folder")
    return S3Url(match[1], match[2])


@dataclass(frozen=True, slots=True)
class S3Object:
    """What S3 says of a file: its size in bytes and its media type."""

    size: int
    media_type: str | None


class FileTooLarge(TocsinError):
    """A file has more bytes than may be read of it."""
