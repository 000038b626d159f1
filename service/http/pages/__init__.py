"""The API described for people: `/docs`, `/problems` and `/openapi.json`. No scripts and nothing from other hosts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from flask import Blueprint, Flask, Response, current_app, render_template
from markupsafe import Markup, escape

from service.core import exact_json
from service.http import openapi
from service.http.catalogue import ProblemType
from service.http.pages.reference import Json, as_list, as_object, reference
from service.http.problems import not_found

_CACHED = {"Cache-Control": "max-age=60"}


@dataclass(frozen=True, slots=True)
class DescribedMember:
    """A line of a table: a member of a body, or a parameter. `schema` names the described type it links to."""

    name: str
    type: str
    required: bool
    description: str
    schema: str | None = None


def blueprint() -> Blueprint:
    """The description's pages; they need no key."""
    routes = Blueprint("pages", __name__, template_folder=".")

    making = threading.Lock()

    @cache
    def described() -> Json:
        return openapi.document(_app())

    @cache
    def written() -> bytes:
        return exact_json.readable(described()).encode()

    @cache
    def rendered() -> str:
        api = described()
        return render_template("docs.html", api=api, reference=reference(api), members=members, type_of=type_of)

    @routes.get("/openapi.json")
    def openapi_json() -> Response:
        with making:  # many first callers at once would each make it, which takes a fifth of a second
            text = written()
        return Response(text, headers=_CACHED, content_type="application/json")

    @routes.get("/docs")
    def docs() -> Response:
        return Response(rendered(), headers=_CACHED, mimetype="text/html")

    @routes.get("/problems")
    def problems() -> Response:
        return _problems(list(ProblemType))

    @routes.get("/problems/<slug>")
    def problem(slug: str) -> Response:
        named = [problem_type for problem_type in ProblemType if problem_type.slug == slug]
        if not named:
            raise not_found("There is no problem of this name; /problems lists every one.")
        return _problems(named)

    return routes


def members(schema: object) -> Sequence[DescribedMember]:
    """The members of an object's schema, in its order."""
    properties = as_object(as_object(schema).get("properties"))
    required = as_list(as_object(schema).get("required"))
    return [_member(name, member, name in required) for name, member in properties.items()]


def type_of(schema: object) -> str:
    """A schema's type in a few words: `text`, `list of Contact`, `integer ≥ 1`."""
    given = as_object(schema)
    if "$ref" in given:
        return str(given["$ref"]).rpartition("/")[2]
    choices = [type_of(choice) for choice in as_list(given.get("anyOf")) if as_object(choice).get("type") != "null"]
    if choices:
        return " or ".join(dict.fromkeys(choices))
    if "enum" in given:
        return " | ".join(map(str, as_list(given["enum"])))
    if given.get("type") == "array":
        return f"list of {type_of(given.get('items'))}"
    return " ".join([_WORDS.get(str(given.get("type")), "anything"), *_bounds(given)])


_WORDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "object": "object"}
_BOUNDS = {"minimum": "≥", "maximum": "≤", "maxLength": "of length ≤", "format": "as"}


def _bounds(schema: Json) -> Iterator[str]:
    return (f"{words} {schema[name]}" for name, words in _BOUNDS.items() if name in schema)


def _member(name: str, schema: object, required: bool) -> DescribedMember:
    given = as_object(schema)
    inner = [given, as_object(given.get("items")), *map(as_object, as_list(given.get("anyOf")))]
    reference = next((str(part["$ref"]).rpartition("/")[2] for part in inner if "$ref" in part), None)
    return DescribedMember(name, type_of(schema), required, str(given.get("description", "")), reference)


def _app() -> Flask:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # Flask documents it for this
    return app


def _problems(shown: Sequence[ProblemType]) -> Response:
    examples = {each.uri: problem_example(each) for each in shown}
    page = render_template("problems.html", problems=shown, examples=examples, with_code=with_code)
    return Response(page, headers=_CACHED, mimetype="text/html")


def problem_example(kind: ProblemType) -> str:
    """An answer of this kind, as JSON."""
    said: dict[str, object] = {"type": kind.uri, "title": kind.title, "status": kind.status}
    said["detail"] = "What is wrong with this request, in a sentence."
    if kind is ProblemType.INVALID:
        said["errors"] = [{"path": "lane", "message": "must be one of transactional, bulk"}]
    return json.dumps(said, indent=2, ensure_ascii=False)


def with_code(text: str) -> Markup:
    """A sentence whose parts between backticks are code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts))
