"""The API's operations, called in process for whoever is signed in.

A call is parsed, checked and answered by the very view that an API client reaches, with the key's scopes; what it
answers is the JSON document that the client would get.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app

from service.console.forms import declared_call
from service.console.guard import signed_in
from service.core import exact_json
from service.http import JSON, Answer, Endpoint, EndpointCall, Problem, attempt, check_scopes, encode, plumbing

Document = Mapping[str, Any]
"""What the API answers."""


QUESTIONS = frozenset(
    {
        *("notifications.preview_notification", "rulesets.check_ruleset", "rulesets.edit_grid"),
        *("policies.check_policy", "templates.check_template", "catalogues.check_catalogue"),
    }
)
"""Calls that are POSTed and change nothing: a page may make them while it is only shown."""

Sent = Mapping[str, object] | str | bytes | None
"""The body of a call: a JSON document, a text or the bytes of a file."""


class UndeclaredCall(AssertionError):
    """A page makes a call that its form does not declare: a mistake in our own code."""


def read(operation: str, query: Mapping[str, object] | None = None, **places: object) -> Document:
    """What a reading call answers: `read("incidents.list_incidents", {"state": "open"})`. Raises `Problem`."""
    if endpoint_of(operation).operation.method != "GET":
        raise UndeclaredCall(f"{operation} is no reading call")
    return _call(operation, {name: str(value) for name, value in (query or {}).items() if value}, b"", {}, places)


def send(
    operation: str,
    body: Sent = None,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    once: str | None = None,
    **places: object,
) -> Document:
    """What the call of the form that is being taken answers. Raises `Problem`.

    With `once`, which names the form as it was shown, sending it twice makes one thing and is answered twice.
    """
    if declared_call() != operation and operation not in QUESTIONS:
        raise UndeclaredCall(f"the form calls {declared_call()}, not {operation}")
    return _call(operation, query or {}, _raw(body), headers or {}, places, once)


def _raw(body: Sent) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    return body.encode() if isinstance(body, str) else exact_json.dumps(body).encode()


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
    operation: str,
    query: Mapping[str, str],
    raw: bytes,
    headers: Mapping[str, str],
    places: Mapping[str, object],
    once: str | None = None,
) -> Document:
    view, key = endpoint_of(operation), signed_in()
    check_scopes(key, view.operation.scopes)
    formats = view.operation.formats
    media_type = JSON if not formats or formats[0].suits(JSON) else formats[0].media_type

    def respond(resource_id: str | None = None) -> Response:
        answer = view.answer(plumbing(), EndpointCall(key, places, query, raw, media_type, headers, resource_id))
        assert isinstance(answer, Answer), f"{operation} answers no document"
        text, _ = encode(answer, None)
        return Response(text or "{}", answer.status or view.operation.usual_status)

    answered = plumbing().idempotency.once(attempt(key.name, f"console-{once}", [raw]), respond) if once else respond()
    document = exact_json.loads(answered.get_data(as_text=True))
    assert isinstance(document, Mapping)
    return document


def field_errors(problem: Problem) -> Mapping[str, str]:
    """What is wrong with a form, by field."""
    return {error.path: error.message for error in problem.errors}
