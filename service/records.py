"""Typed records to and from an item's JSON state: one way for every kind of item.

What is stored as text is read and written by msgspec, in a fifth of the time, where it knows the type; pydantic reads
what it does not (unions of records, values of any type, exact decimals).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import msgspec
from pydantic import TypeAdapter, ValidationError

from service.errors import TocsinError
from service.exact_json import JsonObject

T = TypeVar("T")


class Unreadable(TocsinError):
    """An item's state does not fit its type: written by a newer version, or by hand."""


@dataclass(frozen=True, slots=True)
class _Reader(Generic[T]):
    """Reads one type. `text` is None where the members must be read first, so that no decimal becomes a float."""

    adapter: TypeAdapter[T]
    text: Callable[[str], T] | None


_readers: dict[type, _Reader[object]] = {}  # building one costs milliseconds, using it microseconds
_encode = msgspec.json.Encoder().encode


def to_state(record: object) -> dict[str, object]:
    """The JSON object of a dataclass: times as RFC 3339, decimals as text, enums by value."""
    state: dict[str, object] = _reader(type(record)).adapter.dump_python(record, mode="json")
    return state


def written(record: object) -> JsonObject[object]:
    """`to_state` for a state that is stored as it is: its text is made at once."""
    return JsonObject(_encode(record).decode())


def from_state(cls: type[T], state: Mapping[str, object]) -> T:
    """The record that `to_state` wrote; `Unreadable` names the members that do not fit."""
    reader = _reader(cls)
    try:
        if not isinstance(state, JsonObject):
            return reader.adapter.validate_python(state)
        if reader.text is not None:
            return reader.text(state.text)
        return reader.adapter.validate_python(state.members)
    except (ValidationError, msgspec.MsgspecError) as error:
        raise Unreadable(f"the stored {cls.__name__} cannot be read: {_faults(error)}") from error


def _faults(error: ValidationError | msgspec.MsgspecError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    return str(error)


def _reader(cls: type[T]) -> _Reader[T]:
    if cls not in _readers:
        _readers[cls] = _made(cls)
    return cast("_Reader[T]", _readers[cls])


def _made(cls: type[T]) -> _Reader[T]:
    adapter = TypeAdapter(cls)
    if _may_hold_a_decimal(adapter.core_schema):
        return _Reader(adapter, None)
    try:
        return _Reader(adapter, msgspec.json.Decoder(cls).decode)
    except TypeError:  # a type that it does not know
        return _Reader(adapter, adapter.validate_json)


def _may_hold_a_decimal(schema: object) -> bool:
    """Whether a number with a fraction may stand in the JSON that must stay exact: text is read with floats."""
    match schema:
        case {"type": "any" | "decimal"}:
            return True
        case Mapping():
            return any(map(_may_hold_a_decimal, schema.values()))
        case list() | tuple():
            return any(map(_may_hold_a_decimal, schema))
        case _:
            return False
