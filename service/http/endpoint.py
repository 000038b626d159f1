"""One decorator carries what every call needs: key and scope, limits, parsing, idempotency, answers, description."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from flask import Blueprint, Request, Response, request
from pydantic import BaseModel, ValidationError

from service.core import Scope, ids
from service.http import bodies, idempotency, lists, request_ids
from service.http.caller import ANONYMOUS, Caller
from service.http.catalogue import ProblemType
from service.http.formats import JSON, Answer, Format, Reply, Writer, choose_reader, choose_writer, encode, json_of
from service.http.keys import ApiKey, Keys
from service.http.operation import Operation
from service.http.plumbing import Plumbing, plumbing
from service.http.problems import FieldError, Problem, invalid, invalid_model

View = TypeVar("View", bound=Callable[..., Reply | Response])

_PLACE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_FROM_REQUEST = frozenset({"body", "query", "caller"})


class MisdeclaredEndpoint(TypeError):
    """A view's parameters are not those that its path and declaration provide: a mistake in our own code."""


@dataclass(frozen=True, slots=True)
class EndpointCall:
    """One call of an endpoint, from outside or in process; `resource_id` is the id of what it makes, if one is set."""

    key: ApiKey | None
    places: Mapping[str, object]
    query: Mapping[str, str]
    raw: bytes
    media_type: str
    headers: Mapping[str, str]
    resource_id: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A declared call, as Flask calls it."""

    operation: Operation
    view: Callable[..., Reply | Response]
    wants: frozenset[str]
    admit: Callable[[Mapping[str, str]], None] | None = None

    def __call__(self, **path: object) -> Response:
        shared = plumbing()
        operation = self.operation
        key = authorised(request, shared.keys, operation.scopes) if operation.scopes else None
        if self.admit is not None:
            self.admit(_headers(operation, request))
        limit = operation.body_limit or shared.body_limit
        raw = bodies.read(request, limit) if operation.formats or operation.creates else b""
        if operation.creates and idempotency.HEADER in request.headers:
            attempt = idempotency.attempt(_app(key), request.headers[idempotency.HEADER], _said(request, raw))
            return shared.idempotency.once(attempt, lambda made: self._respond(shared, key, made, raw, path))
        return self._respond(shared, key, None, raw, path)

    def _respond(
        self, shared: Plumbing, key: ApiKey | None, resource_id: str | None, raw: bytes, path: Mapping[str, object]
    ) -> Response:
        operation = self.operation
        writer = choose_writer(operation.writers, request.accept_mimetypes, request.mimetype)
        query = _given_query(operation, request) if operation.scopes else request.args.to_dict()
        call = EndpointCall(key, path, query, raw, request.mimetype, _headers(operation, request), resource_id)
        answer = self.answer(shared, call)
        return answer if isinstance(answer, Response) else _response(operation, answer, writer)

    def answer(self, shared: Plumbing, call: EndpointCall) -> Answer | Response:
        """What the view answers to a call whose key was checked; `Problem` for what does not fit."""
        operation = self.operation
        given = dict(call.places)
        list_name = None
        if "query" in self.wants and operation.query is not None:
            query = _query(operation.query, call.query)
            if lists.are_of_a_list(operation.query):
                list_name = lists.name_of(operation.path, call.places, query)
                query = lists.opened(list_name, query)
            given["query"] = query
        if "body" in self.wants and (call.raw or not operation.body_optional):
            given["body"] = choose_reader(operation.formats, call.media_type).read(call.raw)
        if "caller" in self.wants:
            given["caller"] = _caller(shared, call)
        reply = self.view(**given)
        if isinstance(reply, Response):
            return reply
        answer = reply if isinstance(reply, Answer) else Answer(reply)
        return answer if list_name is None else lists.marked(list_name, answer)


def endpoint(
    blueprint: Blueprint,
    method: str,
    path: str,
    *,
    summary: str,
    scope: Scope | tuple[Scope, ...] | None,
    answers: Mapping[int, type[BaseModel] | None],
    body: type[BaseModel] | Sequence[Format] | None = None,
    query: type[BaseModel] | None = None,
    writers: Sequence[Writer] = (),
    media_type: str = JSON,
    headers: Sequence[str] = (),
    admit: Callable[[Mapping[str, str]], None] | None = None,
    creates: bool = False,
    body_limit: int | None = None,
    problems: Sequence[ProblemType] = (),
) -> Callable[[View], View]:
    """Declare a view as a call of the API and register it with `blueprint`.

    The view is called with keyword arguments: the places of `path` (Flask's syntax, `<name>` or `<int:version>`) and,
    where its signature names them, `body`, `query` and `caller`. It answers a model, a JSON document or an `Answer`, or
    raises `Problem`. A view whose `body` has a default may be called without one.

    `scope` None needs no key; of several scopes any will do. `answers` maps statuses to models, the usual one first.
    `body` is a pydantic model for JSON, or formats by media type. `writers` are answers' media types beside JSON,
    `media_type` that of answers without a model.
    `headers` names request headers that the view reads from `caller.headers`; `admit` gets them before the body is
    read, and raises `Problem` for a stranger. `creates` honours `Idempotency-Key`.
    `problems` are those beyond the ordinary ones; they and the view's docstring go into the API's description.
    """

    def declare(view: View) -> View:
        parameters = inspect.signature(view).parameters
        wants = frozenset(parameters)
        _check(path, wants, has_body=body is not None, has_query=query is not None)
        operation = Operation(
            name=view.__name__,
            method=method,
            path=path,
            summary=summary,
            description=inspect.getdoc(view) or "",
            scopes=(scope,) if isinstance(scope, Scope) else scope or (),
            answers=answers,
            formats=_formats(body),
            body_optional="body" in wants and parameters["body"].default is not inspect.Parameter.empty,
            writers=tuple(writers),
            media_type=media_type,
            query=query,
            headers=tuple(headers),
            creates=creates,
            body_limit=body_limit,
            problems=tuple(problems),
            tag=blueprint.name,
        )
        blueprint.add_url_rule(path, operation.name, Endpoint(operation, view, wants, admit), methods=[method])
        return view

    return declare


def authorised(request: Request, keys: Keys, scopes: Collection[Scope]) -> ApiKey:
    """The key of a request: 401 without a valid one, 403 if it has none of the scopes."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    key = keys.authenticate(text.strip()) if kind.lower() == "bearer" else None
    if key is None:
        sent = bool(kind)
        detail = "The API key is not valid." if sent else "Send an API key: `Authorization: Bearer <key>`."
        challenge = 'Bearer realm="tocsin"' + (', error="invalid_token"' if sent else "")
        raise Problem(ProblemType.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge})
    check_scopes(key, scopes)
    return key


def check_scopes(key: ApiKey, scopes: Collection[Scope]) -> None:
    """403 for a key that has none of the scopes that a call needs; a call without scopes needs none."""
    if scopes and key.scopes.isdisjoint(scopes):
        wanted = " ".join(scopes)
        challenge = f'Bearer realm="tocsin", error="insufficient_scope", scope="{wanted}"'
        detail = f"This call needs a key with the scope {' or '.join(scopes)}."
        raise Problem(ProblemType.MISSING_SCOPE, detail, headers={"WWW-Authenticate": challenge})


def _check(path: str, wants: frozenset[str], *, has_body: bool, has_query: bool) -> None:
    places = frozenset(_PLACE.findall(path))
    provided = {"caller"} | ({"body"} if has_body else set()) | ({"query"} if has_query else set())
    if wants - _FROM_REQUEST != places or not wants & _FROM_REQUEST <= provided:
        raise MisdeclaredEndpoint(f"{path} provides {sorted(places | provided)}, the view takes {sorted(wants)}")


def _formats(body: type[BaseModel] | Sequence[Format] | None) -> tuple[Format, ...]:
    if body is None:
        return ()
    return (json_of(body),) if isinstance(body, type) else tuple(body)


def _app(key: ApiKey | None) -> str:
    return ANONYMOUS if key is None else key.name


def _said(request: Request, raw: bytes) -> Sequence[bytes]:
    parts = (request.method, request.path, request.query_string, request.mimetype)
    return [*(part if isinstance(part, bytes) else part.encode() for part in parts), raw]


def _given_query(operation: Operation, request: Request) -> Mapping[str, str]:
    """The query of a call with a key: a name that is unknown or stands twice is answered 422."""
    if not request.query_string:
        return {}
    if operation.query is None and request.args:
        raise invalid([FieldError(name, "is not known here: this call has no query") for name in request.args])
    if twice := [name for name, values in request.args.lists() if len(values) > 1]:
        raise invalid([FieldError(name, "is said more than once") for name in twice])
    return request.args.to_dict()


def _query(model: type[BaseModel], given: Mapping[str, str]) -> BaseModel:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid_model(error, model) from error


def _caller(shared: Plumbing, call: EndpointCall) -> Caller:
    now = shared.clock.now()
    key = call.key
    return Caller(
        app=_app(key),
        scopes=frozenset() if key is None else key.scopes,
        request_id=request_ids.current(),
        resource_id=call.resource_id or ids.fresh(now),
        received_at=now,
        raw_body=call.raw,
        headers=call.headers,
        key_id="" if key is None else key.key_id,
    )


def _headers(operation: Operation, request: Request) -> Mapping[str, str]:
    return {name: request.headers[name] for name in operation.headers if name in request.headers}


def _response(operation: Operation, answer: Answer, writer: Writer | None) -> Response:
    body, media_type = encode(answer, writer)
    status = answer.status or operation.usual_status
    response = Response(body, status, content_type=media_type)
    response.headers.extend(answer.headers)
    return response
