"""The limits of AWS operations, read from botocore's own service models so that they never drift.

botocore itself checks required members, names, types and minimums alone, and where a client asks it not to
(`service.aws.clients.ONCE`) not even these: a text of 20,000 characters, a language that
does not exist or a malformed phone number is signed and sent, and costs a round trip to be refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from botocore.client import BaseClient
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from service.core import TocsinError


class OverLimit(TocsinError):
    """A request that AWS would refuse; the message names each member and its limit, never its content."""


def check_limits(client: BaseClient, operation: str, request: Mapping[str, object]) -> None:
    """Raise `OverLimit` unless `request` keeps every maximum, enumeration and pattern of the operation's model."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    if shape is not None and (faults := list(_faults(shape, request, operation))):
        raise OverLimit("; ".join(faults))


def choices_of(client: BaseClient, operation: str, member: str) -> frozenset[str]:
    """The values that one member of the operation's input may have, such as the languages it knows."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    member_shape = shape.members[member]
    assert isinstance(member_shape, StringShape)
    return frozenset(member_shape.enum)


def _faults(shape: Shape, value: object, path: str) -> Iterator[str]:
    if not _is_limited(shape):
        return
    yield from _size_fault(shape, value, path)
    match shape, value:
        case StructureShape(), Mapping():
            for name, inner in value.items():
                if name in shape.members:
                    yield from _faults(shape.members[name], inner, f"{path}.{name}")
        case MapShape(), Mapping():
            for key, inner in value.items():
                yield from _faults(shape.key, key, f"{path} (a key)")
                yield from _faults(shape.value, inner, f"{path}.{key}")
        case ListShape(), Sequence():
            for number, inner in enumerate(value):
                yield from _faults(shape.member, inner, f"{path}[{number}]")
        case StringShape(), str():
            yield from _text_faults(shape, value, path)
        case _:
            return


@lru_cache(maxsize=1024)
def _is_limited(shape: Shape) -> bool:
    """Whether any limit stands in a shape: most have none, and a call for 50 people has hundreds of them."""
    return _holds_a_limit(shape, frozenset())


def _holds_a_limit(shape: Shape, above: frozenset[str]) -> bool:
    if shape.metadata.keys() & {"min", "max", "pattern", "enum"}:
        return True
    inner = [shape for shape in _inner(shape) if shape.name not in above]
    return any(_holds_a_limit(part, above | {shape.name}) for part in inner)


def _inner(shape: Shape) -> Sequence[Shape]:
    match shape:
        case StructureShape():
            return list(shape.members.values())
        case MapShape():
            return [shape.key, shape.value]
        case ListShape():
            return [shape.member]
        case _:
            return ()


def _size_fault(shape: Shape, value: object, path: str) -> Iterator[str]:
    size = value if isinstance(value, int) else len(value) if isinstance(value, str | bytes | list | dict) else None
    if size is None or isinstance(value, bool):
        return
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if most is not None and size > most:
        yield f"{path} may be at most {most:,} and is {size:,}"
    if least is not None and size < least:
        yield f"{path} must be at least {least:,} and is {size:,}"


def _text_faults(shape: StringShape, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{path} is none of the {len(shape.enum)} values that AWS knows"
    pattern = _compiled(shape.metadata.get("pattern", ""))
    if pattern is not None and not pattern.fullmatch(value):
        yield f"{path} does not have the form that AWS demands"


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern, or None where there is none or Python's `re` does not know it (`\\p{M}`: any text at all)."""
    try:
        return re.compile(pattern) if pattern else None
    except re.error:
        return None
