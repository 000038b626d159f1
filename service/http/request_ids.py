"""The id under which a request is answered and logged: the caller's own, or one made here."""

from __future__ import annotations

import re

from flask import g

from service.core import REQUEST_ID
from service.http.catalogue import ProblemType
from service.http.problems import Problem

HEADER = "X-Request-Id"
SHAPE = re.compile(r"[\x21-\x7e]{1,128}")


def chosen(sent: str | None, made: str) -> str:
    """The caller's id if it is well formed, else `made`."""
    return sent if sent is not None and SHAPE.fullmatch(sent) else made


def refuse_unreadable(sent: str | None) -> None:
    """400 for an id that could not be echoed and searched for as it was sent."""
    if sent is not None and not SHAPE.fullmatch(sent):
        raise Problem(ProblemType.BAD_REQUEST, f"{HEADER} must be 1 to 128 visible ASCII characters, without spaces.")


def adopt_request_id(request_id: str) -> None:
    """Answer and log this request under the id that its body gives (`context.request_id`) from here on."""
    REQUEST_ID.set(request_id)
    g.adopted_request_id = request_id


def adopted() -> str | None:
    """The id that this request's body gave, if it did."""
    given: str | None = g.get("adopted_request_id")
    return given


def current() -> str:
    """The id of the request being answered."""
    return REQUEST_ID.get() or "-"
