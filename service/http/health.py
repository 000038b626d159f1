"""`/healthz`: this process answers. `/readyz`: every part that it needs answers too."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal

from flask import Blueprint

from service.errors import TocsinError
from service.http.endpoint import endpoint
from service.http.formats import Answer
from service.http.models import Shown
from service.http.plumbing import Check, plumbing

logger = logging.getLogger(__name__)

State = Literal["ok", "not ready"]


class Live(Shown):
    """The process answers; `stuck` (503): each of its threads has been on one request for a minute."""

    status: Literal["ok", "stuck"] = "ok"


class Ready(Shown):
    """Whether every part answers, and which do."""

    status: Literal["ready", "not ready"]
    parts: Mapping[str, State]


def blueprint() -> Blueprint:
    """Both calls; they need no key and tell no more than which part is not ready."""
    routes = Blueprint("health", __name__)
    told: dict[str, State] = {}

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
        answers={200: Ready, 503: Ready},
    )
    def readyz() -> Answer:
        """The log says why a part is not ready."""
        parts = {name: _state(name, check, told) for name, check in plumbing().checks.items()}
        told.update(parts)
        if all(state == "ok" for state in parts.values()):
            return Answer(Ready(status="ready", parts=parts))
        return Answer(Ready(status="not ready", parts=parts), HTTPStatus.SERVICE_UNAVAILABLE)

    return routes


def _state(name: str, check: Check, told: Mapping[str, State]) -> State:
    """Says why a part is not ready, once: probes ask every second."""
    try:
        check()
    except TocsinError as error:
        if told.get(name) != "not ready":
            logger.warning("%s is not ready: %s", name, error, extra={"part": name})
        return "not ready"
    return "ok"
