"""Typed records to and from an item's JSON state: one way for every kind of item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from service.errors import TocsinError
from service.exact_json import JsonObject

T = TypeVar("T")

_adapters: dict[type, TypeAdapter[object]] = {}  # building one costs milliseconds, using it microseconds
_read_as_text: set[type] = set()


class Unreadable(TocsinError):
    """An item's state does not fit its type: written by a newer version, or by hand."""


def to_state(record: object) -> dict[str, object]:
    """The JSON object of a dataclass: times as RFC 3339, decimals as text, enums by value."""
    state: dict[str, object] = _adapter(type(record)).dump_python(record, mode="json")
    return state


def written(record: object) -> JsonObject[object]:
    """`to_state` for a state that is stored as it is: its text is made at once, in a third of the time."""
    return JsonObject(_adapter(type(record)).serializer.to_json(record, ensure_ascii=True).decode())


def from_state(cls: type[T], state: Mapping[str, object]) -> T:
    """The record that `to_state` wrote; `Unreadable` names the members that do not fit."""
    adapter = _adapter(cls)
    try:
        if not isinstance(state, JsonObject):
            return adapter.validate_python(state)
        if cls in _read_as_text:
            record: T = adapter.validator.validate_json(state.text)
            return record
        return adapter.validate_python(state.members)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise Unreadable(f"the stored {cls.__name__} cannot be read: {faults}") from error


def _adapter(cls: type[T]) -> TypeAdapter[T]:
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
        if not _may_hold_a_decimal(_adapters[cls].core_schema):
            _read_as_text.add(cls)
    return cast("TypeAdapter[T]", _adapters[cls])


def _may_hold_a_decimal(schema: object) -> bool:
    """Whether a number with a fraction may stand in the JSON: pydantic's own reader would round it to a float."""
    match schema:
        case {"type": "any" | "decimal" | "float"}:
            return True
        case Mapping():
            return any(map(_may_hold_a_decimal, schema.values()))
        case list() | tuple():
            return any(map(_may_hold_a_decimal, schema))
        case _:
            return False
