"""The API described as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), made from what the endpoints declare."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from itertools import groupby
from typing import cast

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from service.http import idempotency, problems, request_ids
from service.http.catalogue import ProblemType
from service.http.endpoint import Endpoint
from service.http.formats import ANYTHING, JSON, Format
from service.http.operation import Operation

Json = Mapping[str, object]
Schemas = Mapping[tuple[type[BaseModel], JsonSchemaMode], Json]

_PLACE = re.compile(r"<(?:(?P<kind>[^:<>]+):)?(?P<name>[^<>]+)>")
_KINDS: Mapping[str, Json] = {"int": {"type": "integer", "minimum": 0}}
_ANY_PROBLEM = (
    ProblemType.BAD_REQUEST,
    ProblemType.REQUEST_TIMEOUT,
    ProblemType.ADDRESS_TOO_LONG,
    ProblemType.HEADERS_TOO_LARGE,
    ProblemType.INTERNAL_ERROR,
    ProblemType.UNAVAILABLE,
)

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
    found = (view.operation for view in app.view_functions.values() if isinstance(view, Endpoint))
    return sorted(found, key=lambda operation: (operation.tag, operation.path, operation.method))


def document(app: Flask) -> Json:
    """The description of an app's API."""
    declared = operations(app)
    schemas, components = _schemas(declared)
    paths: dict[str, dict[str, Json]] = {}
    for operation in declared:
        path = _PLACE.sub(r"{\g<name>}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tocsin",
            "version": version("tocsin"),
            "summary": "Decides by rules, notifies people, escalates incidents.",
            "description": f"Every answer carries `{request_ids.HEADER}`. Errors are problem documents (RFC 9457).",
        },
        "tags": [{"name": tag} for tag in sorted({operation.tag for operation in declared})],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`tocsin keys create`"}},
        },
    }


def _schemas(declared: Iterable[Operation]) -> tuple[Schemas, Json]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for operation in declared:
        wanted |= {(one.schema, "validation"): None for one in operation.formats if one.schema}
        wanted |= {(model, "serialization"): None for model in operation.answers.values() if model}
    schemas, shared = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")
    return cast("Schemas", schemas), shared.get("$defs", {})  # pydantic also allows dataclasses, we have none


def _operation(operation: Operation, schemas: Schemas) -> Json:
    described: dict[str, object] = {
        "operationId": f"{operation.tag}-{operation.name}",
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": {**_answers(operation, schemas), **_refusals(operation)},
    }
    if operation.scopes:
        described["security"] = [{"key": [scope.value]} for scope in operation.scopes]
    if operation.formats:
        content = {one.media_type: _body_schema(one, schemas) for one in operation.formats}
        described["requestBody"] = {"required": not operation.body_optional, "content": content}
    return described


def _body_schema(one: Format, schemas: Schemas) -> Json:
    if one.schema is not None:
        return {"schema": schemas[one.schema, "validation"]}
    return {"schema": {"type": "string"}} if one.media_type != JSON else {"schema": {}}


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
        return [_inlined(one, schema) for one in member]
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


def _answers(operation: Operation, schemas: Schemas) -> Json:
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            **({} if status == HTTPStatus.NO_CONTENT else {"content": _content(model, operation, schemas)}),
        }
        for status, model in operation.answers.items()
    }


def _content(model: type[BaseModel] | None, operation: Operation, schemas: Schemas) -> Json:
    media_types = [JSON if model is not None else ANYTHING, *(one.media_type for one in operation.writers)]
    schema = schemas[model, "serialization"] if model is not None else {}
    return {media_type: {"schema": schema} for media_type in media_types}


def _refusals(operation: Operation) -> Json:
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals = sorted(set(possible(operation)), key=lambda one: (one.status, one.slug))
    declared = {str(status) for status in operation.answers}
    return {
        str(status): {"description": "; ".join(one.title for one in group), "content": content}
        for status, group in groupby(refusals, key=lambda one: one.status)
        if str(status) not in declared
    }


def possible(operation: Operation) -> Iterable[ProblemType]:
    """The problems that a call can answer: those of its declaration, and its own."""
    yield from _ANY_PROBLEM
    yield from operation.problems
    if operation.scopes:
        yield from (ProblemType.UNAUTHENTICATED, ProblemType.MISSING_SCOPE)
    if operation.formats:
        yield from (ProblemType.TOO_LARGE, ProblemType.UNSUPPORTED_MEDIA_TYPE, ProblemType.INVALID)
    if any(one.media_type == JSON for one in operation.formats):
        yield ProblemType.MALFORMED_JSON
    if operation.query is not None:
        yield ProblemType.INVALID
    if operation.writers:
        yield ProblemType.NOT_ACCEPTABLE
    if operation.creates:
        yield from (ProblemType.IN_PROGRESS, ProblemType.KEY_REUSED)
    if _PLACE.search(operation.path):
        yield ProblemType.NOT_FOUND
