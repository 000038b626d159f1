"""Fitting a Flask app with all of it: request ids, problems, metrics, health, description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from service.core import REQUEST_ID, Clock, deadline, ids
from service.http import bodies, error_handlers, headers, health, metrics, pages, request_ids
from service.http.endpoint import Endpoint
from service.http.idempotency import Idempotency
from service.http.keys import Keys
from service.http.plumbing import BODY_LIMIT, Plumbing, attach
from service.http.readiness import Check, Readiness
from service.storage import Store
from service.work import Vitals

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ANSWERED_WITHIN_S = 3.0
"""How long a request goes on trying parts that do not answer, all of them together."""


def install(
    app: Flask,
    store: Store,
    keys: Keys,
    clock: Clock,
    *,
    needed: Mapping[str, Check] | None = None,
    helpful: Mapping[str, Check] | None = None,
    body_limit: int = BODY_LIMIT,
    access_log: bool = False,
) -> None:
    """Make `app` answer as Tocsin does; the features' blueprints are registered before or after.

    `/readyz` asks the parts beside the store: `needed` to serve at all, or `helpful`. `body_limit` is in bytes.
    `access_log` writes a line for every request.
    """
    takes_writes = Vitals(store, clock).check_write
    readiness = Readiness({"store": takes_writes, **(needed or {})}, helpful or {})
    attach(app, Plumbing(keys, Idempotency(store, clock), clock, readiness, body_limit))
    app.url_map.merge_slashes = False
    app.wsgi_app = _with_deadline(app.wsgi_app)  # type: ignore[method-assign, assignment]  # Flask's own way
    error_handlers.install(app)
    headers.install(app)
    metrics.install(app, access_log=access_log)
    _install_request_ids(app, clock)
    app.register_blueprint(health.blueprint())
    app.register_blueprint(metrics.blueprint())
    app.register_blueprint(pages.blueprint())


def _with_deadline(answer: WSGIApplication) -> WSGIApplication:
    """Set a deadline for all work on a request, by how long its caller waits."""

    def answer_in_time(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with deadline.within(ANSWERED_WITHIN_S):
            return answer(environ, start_response)

    return answer_in_time


def _install_request_ids(app: Flask, clock: Clock) -> None:
    @app.before_request
    def begin() -> None:
        sent = request.headers.get(request_ids.HEADER)
        REQUEST_ID.set(request_ids.chosen(sent, ids.fresh(clock.now())))
        bodies.watch(request)
        if not isinstance(app.view_functions.get(request.endpoint or ""), Endpoint):
            request.max_content_length = bodies.FORM_LIMIT
        request_ids.refuse_unreadable(sent)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers.setdefault(request_ids.HEADER, request_ids.current())
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        REQUEST_ID.set(None)
