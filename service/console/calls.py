"""The API's operations, called in process for whoever is signed in.

A call is parsed, checked and answered by the very view that an API client reaches, with the key's scopes; what it
answers is the JSON document that the client would get.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app

from service.console.guard import signed_in
from service.core import exact_json
from service.http.endpoint import Endpoint, EndpointCall, check_scopes
from service.http.formats import JSON, encode
from service.http.plumbing import plumbing
from service.http.problems import Problem

Document = Mapping[str, Any]
"""What the API answers."""


def read(operation: str, query: Mapping[str, object] | None = None, **places: object) -> Document:
    """What a reading call answers: `read("incidents.list_incidents", {"state": "open"})`. Raises `Problem`."""
    return _call(operation, {name: str(value) for name, value in (query or {}).items() if value}, b"", {}, places)


def send(
    operation: str,
    body: Mapping[str, object] | str | None = None,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    **places: object,
) -> Document:
    """What a call that changes something answers, with a JSON document or a text as its body. Raises `Problem`."""
    raw = body.encode() if isinstance(body, str) else b"" if body is None else exact_json.dumps(body).encode()
    return _call(operation, query or {}, raw, headers or {}, places)


def may_call(operation: str) -> bool:
    """Whether this instance has the call, and whoever is signed in may make it."""
    if not is_there(operation):
        return False
    scopes = endpoint_of(operation).operation.scopes
    return not scopes or not signed_in().scopes.isdisjoint(scopes)


def is_there(operation: str) -> bool:
    """Whether this instance has the call: some are only there with the channels of one machine."""
    return operation in current_app.view_functions


def endpoint_of(operation: str) -> Endpoint:
    """The declared call of this name (`blueprint.view`)."""
    view = current_app.view_functions[operation]
    assert isinstance(view, Endpoint), f"{operation} is no call of the API"
    return view


def _call(
    operation: str, query: Mapping[str, str], raw: bytes, headers: Mapping[str, str], places: Mapping[str, object]
) -> Document:
    view, key = endpoint_of(operation), signed_in()
    check_scopes(key, view.operation.scopes)
    formats = view.operation.formats
    media_type = JSON if not formats or formats[0].suits(JSON) else formats[0].media_type
    answer = view.answer(plumbing(), EndpointCall(key, places, query, raw, media_type, headers))
    assert not isinstance(answer, Response), f"{operation} answers no document"
    text, _ = encode(answer, None)
    document = exact_json.loads(text or "{}")
    assert isinstance(document, Mapping)
    return document


def field_errors(problem: Problem) -> Mapping[str, str]:
    """What is wrong with a form, by field."""
    return {error.path: error.message for error in problem.errors}
