"""`/healthz`: this process answers. `/readyz`: every part that it needs answers too."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal

from flask import Blueprint

from service.http.endpoint import endpoint
from service.http.formats import Answer
from service.http.models import Query, Shown
from service.http.plumbing import plumbing
from service.http.readiness import State


class Live(Shown):
    """The process answers; `stuck` (503): each of its threads has been on one request for a minute."""

    status: Literal["ok", "stuck"] = "ok"


class Ready(Shown):
    """Whether every part answers, and which do."""

    status: Literal["ready", "degraded", "not ready"]
    parts: Mapping[str, State]


class Strictness(Query):
    """Who asks: a balancer, or with `strict` a monitor."""

    strict: bool = False


def blueprint() -> Blueprint:
    """Both calls. They need no key, and say only which part is not well."""
    routes = Blueprint("health", __name__)

    @endpoint(
        routes, "GET", "/healthz", summary="Whether this process answers", scope=None, answers={200: Live, 503: Live}
    )
    def healthz() -> Answer:
        """Answered without a thread (`service/http/edge`), so that it answers while all of them are busy."""
        return Answer(Live())

    @endpoint(
        routes,
        "GET",
        "/readyz",
        summary="Whether every part answers",
        scope=None,
        query=Strictness,
        answers={200: Ready, 503: Ready},
    )
    def readyz(query: Strictness) -> Answer:
        """Within two seconds. 503 only while this process cannot serve: nothing can be written, or is published.

        What is degraded (a silent worker, a late lane, a rule file that is not published) leaves it 200, so that no
        balancer takes the API away for it; monitors ask with `?strict=1`, which is 503 for that too. The log says why.
        """
        parts = plumbing().readiness.states()
        states = set(parts.values())
        if "not ready" in states:
            return Answer(Ready(status="not ready", parts=parts), HTTPStatus.SERVICE_UNAVAILABLE)
        if "degraded" in states:
            code = HTTPStatus.SERVICE_UNAVAILABLE if query.strict else HTTPStatus.OK
            return Answer(Ready(status="degraded", parts=parts), code)
        return Answer(Ready(status="ready", parts=parts))

    return routes
