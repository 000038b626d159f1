"""Typed records to and from an item's JSON state: one way for every kind of item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from service.errors import TocsinError

T = TypeVar("T")

_adapters: dict[type, TypeAdapter[object]] = {}  # building one costs milliseconds, using it microseconds


class Unreadable(TocsinError):
    """An item's state does not fit its type: written by a newer version, or by hand."""


def to_state(record: object) -> dict[str, object]:
    """The JSON object of a dataclass: times as RFC 3339, decimals as text, enums by value."""
    state: dict[str, object] = _adapter(type(record)).dump_python(record, mode="json")
    return state


def from_state(cls: type[T], state: Mapping[str, object]) -> T:
    """The record that `to_state` wrote; `Unreadable` names the members that do not fit."""
    try:
        return _adapter(cls).validate_python(state)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise Unreadable(f"the stored {cls.__name__} cannot be read: {faults}") from error


def _adapter(cls: type[T]) -> TypeAdapter[T]:
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return cast("TypeAdapter[T]", _adapters[cls])
