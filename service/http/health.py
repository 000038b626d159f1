"""`/healthz`: this process answers. `/readyz`: every part that it needs answers too."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Blueprint, Response

from service import exact_json
from service.errors import TocsinError
from service.http.plumbing import Check, plumbing

logger = logging.getLogger(__name__)


def blueprint() -> Blueprint:
    """Both calls; they need no key and tell no more than which part is not ready."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return _document({"status": "ok"}, HTTPStatus.OK)

    @routes.get("/readyz")
    def readyz() -> Response:
        parts = {name: _state(name, check) for name, check in plumbing().checks.items()}
        ready = all(state == "ok" for state in parts.values())
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _document({"status": "ready" if ready else "not ready", "parts": parts}, status)

    return routes


def _state(name: str, check: Check) -> str:
    try:
        check()
    except TocsinError as error:
        logger.warning("%s is not ready: %s", name, error, extra={"part": name})
        return "not ready"
    return "ok"


def _document(document: object, status: HTTPStatus) -> Response:
    response = Response(exact_json.dumps(document), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
