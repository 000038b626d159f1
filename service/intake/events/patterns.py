"""Bodies with places for an event's members: `"{{ detail.machine }} has failed"`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from service.core import LiteralText, Placeholder, TocsinError, placeholders
from service.decide import Plain

ENVELOPE = ("account", "detail", "detail-type", "id", "region", "resources", "source", "time", "version")
"""Members of every event (https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html)."""

PATH = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")


class Absent(TocsinError):
    """A text needs a member that the event does not have, or one that cannot stand in a text."""


@dataclass(frozen=True, slots=True)
class EventMember:
    """A place in an event: `detail.order.id`; a number counts the items of a list from 0."""

    path: str


@dataclass(frozen=True, slots=True)
class EventText:
    """A text around members of the event."""

    parts: tuple[str | EventMember, ...]


Pattern = Plain | EventMember | EventText | tuple["Pattern", ...] | Mapping[str, "Pattern"]
"""A JSON document in which some values are members of the event; a member alone keeps its type."""


def look_up(event: Mapping[str, object], path: str) -> object:
    """What stands at a path of the event; None where nothing does."""
    inner: object = event
    for part in path.split("."):
        match inner:
            case Mapping():
                inner = inner.get(part)
            case list() if part.isdecimal() and int(part) < len(inner):
                inner = inner[int(part)]
            case _:
                return None
    return inner


def fill(pattern: Pattern, event: Mapping[str, object]) -> object:
    """The document for one event. A member that is absent is left out where it stands alone, else `Absent`."""
    match pattern:
        case EventMember(path):
            return look_up(event, path)
        case EventText(parts):
            return "".join(part if isinstance(part, str) else _written(part, event) for part in parts)
        case tuple():
            return [value for each in pattern if (value := fill(each, event)) is not None]
        case Mapping():
            filled = {name: fill(each, event) for name, each in pattern.items()}
            return {name: value for name, value in filled.items() if value is not None}
        case _:
            return pattern


def constant(pattern: Pattern) -> bool:
    """Whether the document is the same for every event."""
    match pattern:
        case EventMember() | EventText():
            return False
        case tuple():
            return all(map(constant, pattern))
        case Mapping():
            return all(map(constant, pattern.values()))
        case _:
            return True


def text_of(written: str) -> EventText | EventMember | str:
    """A text with its slots found; one that is only a slot is the member itself."""
    match tuple(placeholders.split(written)):
        case (Placeholder(name=path),):
            return EventMember(path)
        case () | (LiteralText(),):
            return written
        case parts:
            return EventText(
                tuple(part.text if isinstance(part, LiteralText) else EventMember(part.name) for part in parts)
            )


def _written(member: EventMember, event: Mapping[str, object]) -> str:
    value = look_up(event, member.path)
    match value:
        case None:
            raise Absent(f"the event has no {member.path}")
        case bool():
            return "true" if value else "false"
        case Mapping() | list():
            raise Absent(f"{member.path} of the event is no single value, and stands in a text")
        case _:
            return str(value)
