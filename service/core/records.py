"""Typed records to and from an item's JSON state: one way for every kind of item.

Records of which there are very many are msgspec's structs: made, read and written in a fifth of the time. Others are
dataclasses that pydantic reads; it knows what msgspec does not: unions of records, values of any type, exact decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Generic, TypeVar, cast

import msgspec
from pydantic import TypeAdapter, ValidationError

from service.core.errors import TocsinError
from service.core.exact_json import JsonObject

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True, gc=False):
    """What there is very much of. Nothing that it holds may lead back to it: the garbage collector does not look."""


class Unreadable(TocsinError):
    """An item's state does not fit its type: written by a newer version, or by hand."""


@dataclass(frozen=True, slots=True)
class _Codec(Generic[T]):
    """Writes and reads one type. Without `from_text` the members are read first, so that no decimal becomes a float."""

    to_members: Callable[[T], dict[str, object]]
    from_members: Callable[[Mapping[str, object]], T]
    from_text: Callable[[str], T] | None


_codecs: dict[type, _Codec[object]] = {}  # building one costs milliseconds, using it microseconds
# msgspec 0.22 keeps with a class what it learns of it, from before it has learnt all: whoever reads by that meanwhile
# ends the process by SIGSEGV. So one thread at a time builds, whatever the class: classes share members.
_building = Lock()
_encode = msgspec.json.Encoder().encode


def to_state(record: object) -> dict[str, object]:
    """The JSON object of a record: times as RFC 3339, decimals as text, enums by value."""
    return _codec(type(record)).to_members(record)


def to_stored_json(record: object) -> JsonObject[object]:
    """`to_state` for a state that is stored as it is: its text is made at once."""
    return JsonObject(_encode(record).decode())


def from_state(cls: type[T], state: Mapping[str, object]) -> T:
    """The record that `to_state` wrote; `Unreadable` names the members that do not fit."""
    codec = _codec(cls)
    try:
        if not isinstance(state, JsonObject):
            return codec.from_members(state)
        if codec.from_text is not None:
            return codec.from_text(state.text)
        return codec.from_members(state.members)
    except (ValidationError, msgspec.MsgspecError) as error:
        raise Unreadable(f"the stored {cls.__name__} cannot be read: {_faults(error)}") from error


def _faults(error: ValidationError | msgspec.MsgspecError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    return str(error)


def _codec(cls: type[T]) -> _Codec[T]:
    if cls not in _codecs:
        with _building:
            if cls not in _codecs:
                _codecs[cls] = cast("_Codec[object]", _made(cls))
    return cast("_Codec[T]", _codecs[cls])


def _made(cls: type[T]) -> _Codec[T]:
    if issubclass(cls, msgspec.Struct):
        return _Codec(msgspec.to_builtins, partial(msgspec.convert, type=cls), msgspec.json.Decoder(cls).decode)
    adapter = TypeAdapter(cls)
    return _Codec(partial(adapter.dump_python, mode="json"), adapter.validate_python, _from_text(cls, adapter))


def _from_text(cls: type[T], adapter: TypeAdapter[T]) -> Callable[[str], T] | None:
    if _may_hold_a_decimal(adapter.core_schema):
        return None
    try:
        return msgspec.json.Decoder(cls).decode
    except TypeError:  # a type that it does not know
        return adapter.validate_json


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
