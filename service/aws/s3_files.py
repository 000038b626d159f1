"""Files in S3 that notifications name: looked at when they are named, read when the first mail leaves.

Only what lies below one prefix of one bucket: who may send a message may not read everything that we may read.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Protocol, cast

from botocore.exceptions import ClientError

from service.aws.clients import Clients
from service.core import (
    AWS_RAISED,
    AwsErrorKind,
    FileTooLarge,
    S3Object,
    S3Url,
    Unavailable,
    aws_error_code,
    aws_error_kind,
)

READ_WITHIN_S = 8.0
"""Seconds in which a file is read whole: a send has ten."""

PIECE = 256 * 1024


class FilesUnavailable(Unavailable):
    """S3 does not answer, or does not let us read."""


class S3Files:
    """Looks at files and reads them. `FilesUnavailable` where S3 does not answer."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def look(self, url: S3Url) -> S3Object | None:
        """What there is of a file; None where there is none, or none that we may read."""
        try:
            answer = self._client().head_object(Bucket=url.bucket, Key=url.key)
        except AWS_RAISED as error:
            if _is_missing(error):
                return None
            raise _unavailable(error) from error
        kind = answer.get("ContentType")
        return S3Object(int(str(answer["ContentLength"])), None if kind is None else str(kind))

    def read(self, url: S3Url, limit: int) -> bytes | None:
        """The content; None where it is gone. `FileTooLarge` as soon as it has more than `limit` bytes."""
        ends_at = time.monotonic() + READ_WITHIN_S
        try:
            answer = self._client().get_object(Bucket=url.bucket, Key=url.key)
            body = cast("_Stream", answer["Body"])
            try:
                return _whole(body.iter_chunks(PIECE), limit, ends_at)
            finally:
                body.close()
        except AWS_RAISED as error:
            if _is_missing(error):
                return None
            raise _unavailable(error) from error

    def _client(self) -> _S3:
        return cast("_S3", self._clients.get("s3"))


def _whole(pieces: Iterator[bytes], limit: int, ends_at: float) -> bytes:
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > limit:
            raise FileTooLarge(f"has more than {limit:,} bytes")
        if time.monotonic() > ends_at:
            raise FilesUnavailable(f"S3 sends a file too slowly: not within {READ_WITHIN_S:.0f} s")
    return bytes(content)


def _is_missing(error: Exception) -> bool:
    """Whether S3 says that a file is not there, or not for us."""
    return isinstance(error, ClientError) and (
        aws_error_code(error) in _ABSENT or aws_error_kind(error) is AwsErrorKind.MISSING
    )


def _unavailable(error: Exception) -> FilesUnavailable:
    what = aws_error_code(error) if isinstance(error, ClientError) else type(error).__name__
    return FilesUnavailable(f"S3 does not answer ({what}): look at the credentials and at AWS_REGION")


_ABSENT = frozenset({"403", "404", "AccessDenied", "Forbidden", "NoSuchBucket", "NoSuchKey", "NotFound"})
"""A file that is not there is a 403 where we may not list the bucket."""


class _Stream(Protocol):
    """A body that is being read."""

    def iter_chunks(self, chunk_size: int) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class _S3(Protocol):
    """As much of the client as is used; the others' types come with boto3-stubs."""

    def head_object(self, *, Bucket: str, Key: str) -> Mapping[str, object]: ...  # noqa: N803  (boto3's names)
    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, object]: ...  # noqa: N803
