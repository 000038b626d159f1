"""Answers that are given without the app: whether the process is alive, and why a request could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from gunicorn import util
from gunicorn.http import errors

from service.core import exact_json
from service.http.catalogue import ProblemType
from service.http.headers import ALWAYS
from service.http.problems import MEDIA_TYPE, Problem

ALIVE = b'{"status":"ok"}'
STUCK = b'{"status":"stuck"}'
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ConnectionEnd:
    """Why a connection ends without a whole request: a word for the metric, and the answer to its caller."""

    why: str
    problem: Problem


TOO_SLOW = ConnectionEnd(
    "slow", Problem(ProblemType.REQUEST_TIMEOUT, "The request was not complete within 20 seconds.")
)
CROWDED_OUT = ConnectionEnd(
    "crowded",
    Problem(ProblemType.REQUEST_TIMEOUT, "Too many requests were incomplete at once; this was the oldest."),
)
CUT_OFF = ConnectionEnd(
    "cut off", Problem(ProblemType.BAD_REQUEST, "The connection ended before the request was complete.")
)
HEAD_TOO_LARGE = ConnectionEnd(
    "head too large", Problem(ProblemType.HEADERS_TOO_LARGE, "The header fields have more than 64 KiB together.")
)
_UNREADABLE = Problem(ProblemType.BAD_REQUEST, "The request is not HTTP/1.1 as RFC 9112 writes it.")
_LONG_ADDRESS = Problem(ProblemType.ADDRESS_TOO_LONG, "The request line may have at most 8,190 bytes.")
_MANY_FIELDS = Problem(
    ProblemType.HEADERS_TOO_LARGE, "A request may have 60 header fields, each of at most 8,190 bytes."
)
FAILED = Problem(ProblemType.INTERNAL_ERROR, "It is logged with the time of this answer.")


def health(is_stuck: bool) -> bytes:
    """The whole answer to `GET /healthz`."""
    status, body = (503, STUCK) if is_stuck else (200, ALIVE)
    return _whole(status, body, "application/json")


def refusal(problem: Problem) -> bytes:
    """The whole answer that is this problem."""
    body = exact_json.dumps(problem.document()).encode()
    return _whole(problem.type.status, body, MEDIA_TYPE)


def meaning(error: Exception) -> Problem | None:
    """What a fault of gunicorn's parser tells the caller; None if it is no fault of the request.

    Its own words are not repeated: they quote the request, in which there may be a key.
    """
    match error:
        case errors.ConfigurationProblem() | errors.InvalidResponseHeader() | errors.InvalidResponseHeaderName():
            return None
        case errors.LimitRequestLine():
            return _LONG_ADDRESS
        case errors.LimitRequestHeaders():
            return _MANY_FIELDS
        case errors.ParseException():
            return _UNREADABLE
        case _:
            return None


def _whole(status: int, body: bytes, media_type: str) -> bytes:
    fields = {
        "Date": util.http_date(),
        "Connection": "close",
        "Content-Type": media_type,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        **ALWAYS,
    }
    head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*head, "", ""]).encode("ascii") + body
