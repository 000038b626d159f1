"""Reading request bodies within a limit."""

from __future__ import annotations

from flask import Request
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import RequestTimeout

from service.http.catalogue import ProblemType
from service.http.problems import Problem

DRAINED = 8 * 1024 * 1024
"""Bytes of an unwanted body that are read and thrown away, so that the caller reads our answer and not a reset."""

_PIECE = 64 * 1024


def read(request: Request, limit: int) -> bytes:
    """The whole body, or 413 if it has more than `limit` bytes."""
    body = request.stream.read(limit + 1)
    if len(body) > limit:
        raise Problem(ProblemType.TOO_LARGE, f"The body may have at most {limit:,} bytes.")
    return body


def drain(request: Request) -> bool:
    """Throw away what is left of the body, at most `DRAINED` bytes; whether nothing is left."""
    left = DRAINED
    try:
        while left > 0:
            piece = request.stream.read(min(_PIECE, left))
            if not piece:
                return True
            left -= len(piece)
    except (ParseException, NoMoreData, RequestTimeout):  # where it ends cannot be known
        return False
    return False
