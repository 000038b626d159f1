"""The API described as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), made from what the endpoints declare."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from itertools import groupby
from typing import cast

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from service.core import exact_json
from service.http import idempotency, problems, request_ids
from service.http.callbacks import DescribedCallback, callbacks
from service.http.catalogue import ProblemType
from service.http.endpoint import Endpoint
from service.http.examples import DEPTH, example_of
from service.http.formats import ANYTHING, JSON, Format
from service.http.operation import Operation

Json = Mapping[str, object]
Schemas = Mapping[tuple[type[BaseModel], JsonSchemaMode], Json]

_PLACE = re.compile(r"<(?:(?P<kind>[^:<>]+):)?(?P<name>[^<>]+)>")
_KINDS: Mapping[str, Json] = {"int": {"type": "integer", "minimum": 0}}


def _header(about: str) -> Json:
    return {"description": about, "schema": {"type": "string"}}


_ANY_PROBLEM = (
    ProblemType.BAD_REQUEST,
    ProblemType.REQUEST_TIMEOUT,
    ProblemType.ADDRESS_TOO_LONG,
    ProblemType.HEADERS_TOO_LARGE,
    ProblemType.INTERNAL_ERROR,
    ProblemType.UNAVAILABLE,
)

_UNTYPED: Mapping[str, Json] = {
    JSON: {},
    "application/octet-stream": {"type": "string", "format": "binary"},
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"type": "string", "format": "binary"},
    "application/x-www-form-urlencoded": {"type": "object", "additionalProperties": {"type": "string"}},
    "audio/mpeg": {"type": "string", "format": "binary"},
}
"""Schemas of bodies that have no model; of other media types they are texts."""

HEADERS: Json = {
    request_ids.HEADER: _header("Names this request in logs and audit: the caller's own, if it sent one."),
    idempotency.REPLAYED: _header("`true` if this is the first answer to the same `Idempotency-Key` once more."),
    "Retry-After": _header("Seconds to wait before the request is repeated."),
    "WWW-Authenticate": _header("How to prove who calls (RFC 6750)."),
}

_OF_STATUS: Mapping[int, Sequence[str]] = {401: ["WWW-Authenticate"], 403: ["WWW-Authenticate"], 503: ["Retry-After"]}

SIGNED: Mapping[str, str] = {
    "webhook-id": "The same for every try.",
    "webhook-timestamp": "When it was sent, in seconds of Unix time.",
    "webhook-signature": "`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body` (standardwebhooks.com).",
}
"""Headers of callbacks."""


@dataclass(frozen=True, slots=True)
class NamedSchemas:
    """The schemas of an API's models, and what they refer to."""

    schemas: Schemas
    components: Json

    def example(self, schema: object, *, whole: bool = True) -> object:
        """A document that fits a schema: with all members, or with what its model says or demands."""
        return example_of(schema, self.components, left=DEPTH if whole else 0)


PROBLEM: Json = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457).",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": [ProblemType.INVALID.uri]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def operations(app: Flask) -> Sequence[Operation]:
    """Every declared call of an app, by tag and path."""
    declared = (view.operation for view in app.view_functions.values() if isinstance(view, Endpoint))
    return sorted(declared, key=lambda operation: (operation.tag, operation.path, operation.method))


def document(app: Flask) -> Json:
    """The description of an app's API."""
    declared, posted = operations(app), callbacks(app)
    schemas, components = _schemas(declared, posted)
    paths: dict[str, dict[str, Json]] = {}
    for operation in declared:
        path = _PLACE.sub(r"{\g<name>}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, NamedSchemas(schemas, components))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tocsin",
            "version": version("tocsin"),
            "summary": "Decides by rules, notifies people, escalates incidents.",
            "description": f"Every answer carries `{request_ids.HEADER}`. Errors are problem documents (RFC 9457).",
        },
        "servers": [{"url": "/", "description": "The instance that serves this document."}],
        "tags": [{"name": tag} for tag in sorted({operation.tag for operation in declared})],
        "paths": paths,
        "webhooks": {callback.name: _webhook(callback, NamedSchemas(schemas, components)) for callback in posted},
        "components": {
            "schemas": {**components, "Problem": PROBLEM},
            "responses": _shared_refusals(declared),
            "headers": HEADERS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`tocsin keys create`"}},
        },
    }


def _schemas(declared: Iterable[Operation], posted: Iterable[DescribedCallback]) -> tuple[Schemas, Json]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {
        (callback.body, "serialization"): None for callback in posted
    }
    for operation in declared:
        wanted |= {(schema, "validation"): None for accepted in operation.formats for schema in accepted.schemas}
        wanted |= {(model, "serialization"): None for model in operation.answers.values() if model}
    schemas, shared = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")
    named = {name: _with_defaults_in_words(schema) for name, schema in shared.get("$defs", {}).items()}
    return cast("Schemas", schemas), named  # pydantic also allows dataclasses, we have none


def _with_defaults_in_words(schema: Mapping[str, object]) -> Json:
    """The schema without `default`: generators make members that have one required, in bodies too."""
    members = schema.get("properties", {})
    assert isinstance(members, Mapping)
    return {**schema, **({"properties": {n: _default_in_words(m) for n, m in members.items()}} if members else {})}


def _default_in_words(member: Mapping[str, object]) -> Json:
    members = {name: value for name, value in member.items() if name != "default"}
    if member.get("default") in (None, [], {}):
        return members
    written = exact_json.readable(member["default"]) if not isinstance(member["default"], str) else member["default"]
    return {**members, "description": f"{members.get('description', '')} Default: {written}.".strip()}


def _operation(operation: Operation, described_by: NamedSchemas) -> Json:
    described: dict[str, object] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": {**_answers(operation, described_by), **_refusals(operation)},
    }
    if operation.scopes:
        described["security"] = [{"key": [scope.value]} for scope in operation.scopes]
    if operation.formats:
        formats = [accepted for accepted in operation.formats if accepted.media_type != ANYTHING] or operation.formats
        content = {accepted.media_type: _body(accepted, described_by) for accepted in formats}
        described["requestBody"] = {"required": not operation.body_optional, "content": content}
    return described


def _body(accepted: Format, described_by: NamedSchemas) -> Json:
    schemas = [described_by.schemas[schema, "validation"] for schema in accepted.schemas]
    if len(schemas) > 1:
        examples = {name_of(schema): {"value": described_by.example(schema, whole=False)} for schema in schemas}
        return {"schema": {"anyOf": schemas}, "examples": examples}
    schema = schemas[0] if schemas else _UNTYPED.get(accepted.media_type, {"type": "string"})
    return {"schema": schema, "example": described_by.example(schema, whole=False)}


def name_of(schema: Json) -> str:
    """The name in the components of a schema that is referred to."""
    return str(schema["$ref"]).rpartition("/")[2]


def _webhook(callback: DescribedCallback, described_by: NamedSchemas) -> Json:
    schema = described_by.schemas[callback.body, "serialization"]
    return {
        "post": {
            "operationId": callback.name,
            "summary": callback.summary,
            "description": callback.description,
            "parameters": [_signature(name, about) for name, about in SIGNED.items()],
            "requestBody": {"content": {JSON: {"schema": schema, "example": described_by.example(schema)}}},
            "responses": {"2XX": {"description": "Taken. Anything else is tried again, for a day."}},
        }
    }


def _signature(name: str, about: str) -> Json:
    return {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": about}


def _path_parameters(operation: Operation) -> Iterable[Json]:
    for place in _PLACE.finditer(operation.path):
        schema = _KINDS.get(place["kind"] or "", {"type": "string"})
        yield {"name": place["name"], "in": "path", "required": True, "schema": schema}


def _query_parameters(operation: Operation) -> Iterable[Json]:
    if operation.query is None:
        return
    schema = operation.query.model_json_schema()
    required = schema.get("required", [])
    for name, member in schema.get("properties", {}).items():
        parameter = {"name": name, "in": "query", "required": name in required, "schema": _inlined(member, schema)}
        described = {"description": member["description"]} if "description" in member else {}
        yield {**parameter, **described}


def _inlined(member: object, schema: Mapping[str, object]) -> object:
    """The member with the definitions that it refers to put in place: they are not among the components."""
    if isinstance(member, list):
        return [_inlined(part, schema) for part in member]
    if not isinstance(member, dict):
        return member
    if "$ref" in member:
        definitions = schema["$defs"]
        assert isinstance(definitions, Mapping)
        return _inlined(definitions[str(member["$ref"]).rpartition("/")[2]], schema)
    return {name: _inlined(value, schema) for name, value in member.items()}


def _header_parameters(operation: Operation) -> Iterable[Json]:
    for name in operation.headers:
        yield {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
    if operation.creates:
        schema = {"type": "string", "minLength": 1, "maxLength": 255}
        about = "Repeating the request with the same key gives the first answer again; kept 24 hours."
        yield {
            "name": idempotency.HEADER,
            "in": "header",
            "required": False,
            "schema": schema,
            "description": about,
        }


def _answers(operation: Operation, described_by: NamedSchemas) -> Json:
    headers = _headers(request_ids.HEADER, *([idempotency.REPLAYED] if operation.creates else []))
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "headers": headers,
            **({} if status == HTTPStatus.NO_CONTENT else {"content": _content(model, operation, described_by)}),
        }
        for status, model in operation.answers.items()
    }


def _content(model: type[BaseModel] | None, operation: Operation, described_by: NamedSchemas) -> Json:
    if model is None:
        schema = _UNTYPED.get(operation.media_type, {"type": "string"})
        return {operation.media_type: {"schema": schema, "example": described_by.example(schema)}}
    schema = described_by.schemas[model, "serialization"]
    others = {writer.media_type: {"schema": schema} for writer in operation.writers}
    return {JSON: {"schema": schema, "example": described_by.example(schema)}, **others}


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refusals(operation: Operation) -> Json:
    return {
        str(status): {"$ref": f"#/components/responses/{_name_of_refusal(group)}"}
        for status, group in _refusals_by_status(operation).items()
    }


def _shared_refusals(declared: Iterable[Operation]) -> Json:
    """Each refusal once, by its name: nearly every call has the same."""
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    groups = {group: status for operation in declared for status, group in _refusals_by_status(operation).items()}
    return {
        _name_of_refusal(group): {
            "description": "; ".join(operation.title for operation in group),
            "headers": _headers(request_ids.HEADER, *_OF_STATUS.get(status, ())),
            "content": content,
        }
        for group, status in sorted(groups.items(), key=lambda each: (each[1], _name_of_refusal(each[0])))
    }


def _refusals_by_status(operation: Operation) -> Mapping[int, tuple[ProblemType, ...]]:
    refusals = sorted(set(possible(operation)), key=lambda problem: (problem.status, problem.slug))
    by_status = {status: tuple(group) for status, group in groupby(refusals, key=lambda problem: problem.status)}
    return {status: group for status, group in by_status.items() if status not in operation.answers}


def _name_of_refusal(group: Sequence[ProblemType]) -> str:
    return "-or-".join(problem.slug for problem in group)


def possible(operation: Operation) -> Iterable[ProblemType]:
    """The problems that a call can answer: those of its declaration, and its own."""
    yield from _ANY_PROBLEM
    yield from operation.problems
    if operation.scopes:
        yield from (ProblemType.UNAUTHENTICATED, ProblemType.MISSING_SCOPE)
    if operation.formats:
        yield from (ProblemType.TOO_LARGE, ProblemType.UNSUPPORTED_MEDIA_TYPE, ProblemType.INVALID)
    if any(accepted.media_type == JSON for accepted in operation.formats):
        yield ProblemType.MALFORMED_JSON
    if operation.query is not None or operation.scopes:  # a query that the call does not know is refused
        yield ProblemType.INVALID
    if operation.writers:
        yield ProblemType.NOT_ACCEPTABLE
    if operation.creates:
        yield from (ProblemType.IN_PROGRESS, ProblemType.KEY_REUSED)
    if _PLACE.search(operation.path):
        yield ProblemType.NOT_FOUND
