"""Prometheus metrics of all the processes of one run.

Under gunicorn every process writes its own files in PROMETHEUS_MULTIPROC_DIR and `/metrics` adds them up, whichever
process answers; without that variable (tests, one process) the library's registry is shown. The worker that `tocsin up`
starts shares the folder, so its metrics are in the same answer.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path
from time import perf_counter

from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from service.core import metrics_files
from service.http.endpoint import endpoint
from service.http.formats import Answer
from service.http.plumbing import plumbing

logger = logging.getLogger(__name__)

REQUESTS = Counter("tocsin_http_requests", "Requests answered.", ("method", "route", "status"))
SECONDS = Histogram(
    "tocsin_http_request_seconds",
    "Time to answer a request.",
    ("method", "route"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
NO_ROUTE = "none"
"""The route of requests that no call is for: their paths are the callers' and may be endless many."""


def install(app: Flask, *, access_log: bool) -> None:
    """Count and time every request of this app; log each as well with `access_log`.

    A line names the route and never the path or the query, in which there may be phone numbers and addresses.
    """

    @app.before_request
    def begin() -> None:
        g.began = perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else NO_ROUTE
        method = request.method if request.url_rule else NO_ROUTE
        seconds = perf_counter() - g.began
        _count(method, route, response.status_code).inc()
        _time(method, route).observe(seconds)
        if access_log:
            _log(method, route, response.status_code, seconds)
        return response


def blueprint() -> Blueprint:
    """`/metrics`, for Prometheus; without a key, like `/healthz`: it tells of rates, never of people."""
    routes = Blueprint("metrics", __name__)

    @endpoint(
        routes,
        "GET",
        "/metrics",
        summary="Metrics for Prometheus",
        scope=None,
        answers={200: None},
        media_type="text/plain",
    )
    def metrics() -> Answer:
        """In Prometheus' text format; how late work is, is looked at now."""
        plumbing().readiness.states()
        return Answer(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)

    return routes


def _registry() -> CollectorRegistry:
    if not Path(os.environ.get(metrics_files.FOLDER, "")).is_dir() or metrics_files.FOLDER not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library left it out
    return registry


def _log(method: str, route: str, status: int, seconds: float) -> None:
    milliseconds = round(seconds * 1000, 1)
    data = {"method": method, "route": route, "status": status, "milliseconds": milliseconds}
    logger.info("%s %s answered %d in %.1f ms", method, route, status, milliseconds, extra=data)


@cache
def _count(method: str, route: str, status: int) -> Counter:
    return REQUESTS.labels(method, route, str(status))


@cache
def _time(method: str, route: str) -> Histogram:
    return SECONDS.labels(method, route)
