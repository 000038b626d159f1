"""Reading request bodies within a limit."""

from __future__ import annotations

import io
import time
from typing import IO

from flask import Request
from gunicorn.http.errors import NoMoreData, ParseException
from typing_extensions import override
from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout

from service.core import deadline
from service.http.catalogue import ProblemType
from service.http.problems import Problem

DRAINED = 8 * 1024 * 1024
"""Bytes of an unwanted body that are read and thrown away, so that the caller reads our answer and not a reset."""

FORM_LIMIT = 64 * 1024
"""Bytes of a body that no declared call reads: the form of a page, or of a path that is not there."""

_PIECE = 64 * 1024


class WholeBody(io.RawIOBase):
    """A body as it comes in; `NoMoreData` if its sender hangs up before the end of the announced length.

    gunicorn answers what came as if it were all: half a rule file would be published.
    """

    def __init__(self, stream: IO[bytes], length: int | None) -> None:
        super().__init__()
        self._stream = stream
        self._left = length

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        wanted = len(buffer) if self._left is None else min(len(buffer), self._left)
        try:
            piece = self._stream.read(wanted)
        except RequestTimeout:  # an OSError too
            raise
        except OSError as error:  # the connection was reset
            raise NoMoreData from error
        if self._left is not None:
            if len(piece) < wanted:
                raise NoMoreData
            self._left -= len(piece)
        buffer[: len(piece)] = piece
        return len(piece)


def watch(request: Request) -> None:
    """From here on, reading this request's body fails if its end is missing."""
    request.environ["wsgi.input"] = WholeBody(request.environ["wsgi.input"], request.content_length)


def read(request: Request, limit: int) -> bytes:
    """The whole body, or 413 if it has more than `limit` bytes."""
    length = request.content_length
    expected = limit if length is None else min(limit, length)
    began = time.monotonic()
    body = request.stream.read(expected + 1)
    deadline.extend(time.monotonic() - began)
    if len(body) > limit:
        raise Problem(ProblemType.TOO_LARGE, f"The body may have at most {limit:,} bytes.")
    return body


def drain(request: Request) -> bool:
    """Discard the rest of the body, at most `DRAINED` bytes. Returns whether nothing is left."""
    left = DRAINED
    try:
        request.max_content_length = None
        while left > 0:
            piece = request.stream.read(min(_PIECE, left))
            if not piece:
                return True
            left -= len(piece)
    except (ParseException, NoMoreData, RequestTimeout, RequestEntityTooLarge):  # where it ends cannot be known
        return False
    return False
