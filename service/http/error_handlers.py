"""Every error in a request becomes a problem document; a caller never sees a stack trace."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Flask, Response, request
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import HTTPException

from service.core import Tag, Unavailable
from service.http import bodies, request_ids
from service.http.catalogue import ProblemType
from service.http.person_page import PersonPage
from service.http.problems import FieldError, Problem, invalid
from service.storage import BadCursor, Conflict

logger = logging.getLogger(__name__)

RETRY_AFTER = "2"
"""Seconds after which a part that did not answer may be asked again."""

_BY_STATUS = {
    HTTPStatus.NOT_FOUND: (ProblemType.NOT_FOUND, "There is no such call; /docs lists every one."),
    HTTPStatus.METHOD_NOT_ALLOWED: (ProblemType.METHOD_NOT_ALLOWED, "This path is there, but not for this method."),
    HTTPStatus.REQUEST_TIMEOUT: (ProblemType.REQUEST_TIMEOUT, "The request was not complete within 20 seconds."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (ProblemType.TOO_LARGE, "The request is larger than this server reads."),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (ProblemType.UNSUPPORTED_MEDIA_TYPE, "This call does not read that media type."),
}


def install(app: Flask) -> None:
    """Answer every exception of this app's requests as a problem."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(Unavailable, _unavailable)
    app.register_error_handler(Conflict, _conflict)
    app.register_error_handler(BadCursor, _bad_cursor)
    app.register_error_handler(HTTPException, _by_werkzeug)
    app.register_error_handler(ParseException, _unreadable_body)
    app.register_error_handler(NoMoreData, _unreadable_body)
    app.register_error_handler(Exception, _unexpected)


def _answer(problem: Problem) -> Response:
    response = problem.response()
    if not bodies.drain(request):
        response.headers["Connection"] = "close"
    return response


def _problem(problem: Problem) -> Response:
    return _answer(problem)


def _unavailable(error: Unavailable) -> Response:
    logger.error("A request was refused because a part does not answer: %s", error)
    detail = "A part that this call needs does not answer right now; nothing is lost."
    return _answer(Problem(ProblemType.UNAVAILABLE, detail, headers={"Retry-After": RETRY_AFTER}))


def _conflict(_error: Conflict) -> Response:
    detail = "Somebody else changed it at the same moment; repeat the request."
    return _answer(Problem(ProblemType.CONFLICT, detail, headers={"Retry-After": "1"}))


def _unreadable_body(error: Exception) -> Response:
    """The body breaks its own framing, or the caller has left; nothing is wrong here."""
    logger.info("The body of a request could not be read: %s", type(error).__name__)
    return _answer(Problem(ProblemType.BAD_REQUEST, "The body ends too early, or its chunks are not as RFC 9112 says."))


def _bad_cursor(error: BadCursor) -> Response:
    return _answer(invalid([FieldError("cursor", error.why)]))


def _by_werkzeug(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status < HTTPStatus.BAD_REQUEST:
        return Response(error.get_body(), status, error.get_headers())
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unexpected(error)
    ordinary = (ProblemType.BAD_REQUEST, error.description or "The request cannot be read.")
    kind, detail = _BY_STATUS.get(HTTPStatus(status), ordinary)
    if status == HTTPStatus.NOT_FOUND and _is_a_persons():
        return _no_such_page()
    allow = {name: value for name, value in error.get_headers() if name == "Allow"}
    if allow:
        detail = f"{detail.removesuffix('.')}: use {allow['Allow']}."
    return _answer(Problem(kind, detail, headers=allow))


def _is_a_persons() -> bool:
    """Whether a person's browser asks, outside the API: of what it accepts it prefers pages."""
    wanted = request.accept_mimetypes
    return not request.path.startswith("/v1/") and wanted.best == "text/html"


def _no_such_page() -> Response:
    """What somebody sees who followed half a link. Nobody knows their language."""
    page = PersonPage(
        language=Tag("en"),
        title="Page not found",
        heading="There is no page at this address",
        top="Tocsin",
        said=(
            "If you followed a link in a message, it may have been cut off: open the message again and use the whole "
            "link.",
        ),
        foot=f"Developers: every call stands at /docs. Request {request_ids.current()}",
    )
    return page.response(HTTPStatus.NOT_FOUND)


def _unexpected(error: Exception) -> Response:
    logger.error("A request failed: %s", type(error).__name__, exc_info=error)
    return _answer(Problem(ProblemType.INTERNAL_ERROR, "It is logged under this request's id (X-Request-Id)."))
