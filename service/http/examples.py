"""Examples of bodies for the description of the API: those that models bring, else made of their members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

Json = Mapping[str, object]

DEPTH = 8
"""Levels of an example; what lies deeper (a condition of conditions) is left out."""

_TIME: Final = "2026-05-10T12:00:00Z"
_ID: Final = "01kr8x5z4e7m2q9t3v6w8y0abc"

_TEXTS: Final[Mapping[str, str]] = {
    "audience": "staff",
    "description": "Pump 4 has failed",
    "because": "driver.age is 18",
    "condition": "driver.age < 21",
    "email": "mary@example.com",
    "fired": "Young driver of a red sports car",
    "rule": "Young driver of a red sports car",
    "verdict": "fired",
    "why": "Young drivers of red sports cars pay more.",
    "first_name": "Mary",
    "language": "en",
    "name": "premium",
    "phone": "+447700900123",
    "policy": "default",
    "request_id": "REQ-99999",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "text": "The canteen opens at noon tomorrow.",
    "timezone": "Europe/London",
    "url": "https://status.example.com/pumps/4",
    "callback_url": "https://shop.example.com/told",
}
_ENDINGS: Final = (("_id", _ID), ("_at", _TIME), ("_url", "https://shop.example.com/told"), ("_on", "2026-05-10"))
_FORMATS: Final[Mapping[str, str]] = {"date-time": _TIME, "date": "2026-05-10", "binary": "..."}


def example_of(schema: object, components: Json, name: str = "", left: int = DEPTH) -> object:
    """A document that fits a JSON schema; `name` is that of the member whose schema it is.

    With `left` 0 it has the members alone that it must have.
    """
    given: Json = schema if isinstance(schema, Mapping) else {}
    if "$ref" in given:
        return example_of(components[str(given["$ref"]).rpartition("/")[2]], components, name, left)
    for word in ("examples", "enum"):
        if isinstance(ready := given.get(word), Sequence) and ready:
            return ready[0]
    if "const" in given:
        return given["const"]
    if choices := _choices(given):
        return example_of(choices[0], components, name, left)
    return _of_type(given, components, name, left)


def _choices(schema: Json) -> Sequence[object]:
    listed = schema.get("anyOf", schema.get("oneOf", ()))
    choices = listed if isinstance(listed, Sequence) else ()
    is_null = [isinstance(choice, Mapping) and choice.get("type") == "null" for choice in choices]
    return [choice for choice, null in zip(choices, is_null, strict=True) if not null]


def _of_type(schema: Json, components: Json, name: str, left: int) -> object:
    match schema.get("type"):
        case "object":
            return _object(schema, components, left)
        case "array":
            wanted = left > 0 or "minItems" in schema
            inner = example_of(schema.get("items"), components, name.removesuffix("s"), max(left - 1, 0))
            return [inner] if wanted else []
        case "string":
            return _text(schema, name)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return schema.get("default", True)
        case "null":
            return None
        case _:
            return {}


def _object(schema: Json, components: Json, left: int) -> Json:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    assert isinstance(properties, Mapping)
    assert isinstance(required, Sequence)
    wanted = {name: property_schema for name, property_schema in properties.items() if left > 0 or name in required}
    return {
        name: example_of(property_schema, components, name, max(left - 1, 0))
        for name, property_schema in wanted.items()
    }


def _text(schema: Json, name: str) -> str:
    if isinstance(ready := schema.get("default"), str):
        return ready
    if (named := _FORMATS.get(str(schema.get("format"))) or _TEXTS.get(name)) is not None:
        return named
    ending = next((text for ending, text in _ENDINGS if name.endswith(ending) or name == ending[1:]), None)
    return ending or name or "..."
