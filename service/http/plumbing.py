"""What the endpoints of one app share, and how an app gets it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app

from service.core import Clock
from service.http.idempotency import Idempotency
from service.http.keys import Keys
from service.http.readiness import Readiness

BODY_LIMIT = 256 * 1024
"""Bytes that a request body may have unless a setting or an endpoint says otherwise."""

_EXTENSION = "tocsin.http"


@dataclass(frozen=True, slots=True)
class Plumbing:
    """The parts that endpoints work with; `readiness` is asked by `/readyz` and `/metrics`."""

    keys: Keys
    idempotency: Idempotency
    clock: Clock
    readiness: Readiness
    body_limit: int = BODY_LIMIT


def attach(app: Flask, shared: Plumbing) -> None:
    """Give the app's endpoints what they share."""
    app.extensions[_EXTENSION] = shared


def plumbing() -> Plumbing:
    """What the endpoints of the present app share."""
    shared = current_app.extensions[_EXTENSION]
    assert isinstance(shared, Plumbing), "service.http.install was not called for this app"
    return shared
