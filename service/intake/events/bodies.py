"""The body of a notification or an incident as a mapping writes it, held to the schema of its HTTP call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from service.decide import AlreadyReported, Entries, Flaw, Items, Node, Place, RuleFaults, Scalar, entries
from service.escalate import shape_of
from service.intake.events.paths import demand_paths_within
from service.intake.events.patterns import EventMember, EventText, Pattern, text_of
from service.notify import NotificationRequest

Body = Mapping[str, Pattern]
Location = tuple[int | str, ...]
"""Where in a document, as pydantic says it."""

_STAND_IN = "0"
"""Stands for what an event will say; what is found wrong with it is not reported."""


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Names that a body may use, as far as they are known; None is not looked at."""

    policies: Collection[str] | None = None
    templates: Collection[str] | None = None


def notification(node: Node, names: KnownNames, faults: RuleFaults) -> Body | None:
    """The body of a notification; None (reported) if it is none."""
    body = _body(node, "a notification", faults)
    if body is not None:
        _hold_to(NotificationRequest, node, body, faults)
        _demand_known(node, "template", names.templates, faults)
    return body


def incident(node: Node, names: KnownNames, faults: RuleFaults) -> Body | None:
    """The body of an incident; None (reported) if it is none."""
    body = _body(node, "an incident", faults)
    if body is not None:
        _hold_to(shape_of(body), node, body, faults)
        _demand_known(node, "policy", names.policies, faults)
    return body


def _body(node: Node, what: str, faults: RuleFaults) -> Body | None:
    if not isinstance(node, Entries):
        entries.mismatch(node, f"{what} must be a mapping of keys to values", faults)
        return None
    return _members(node, faults)


def _members(node: Entries, faults: RuleFaults) -> Body:
    members: dict[str, Pattern] = {}
    for key, value in node.pairs:
        if key.text in members:
            entries.duplicate(key, faults)
        members.setdefault(key.text, _pattern(value, faults))
    return members


def _pattern(node: Node, faults: RuleFaults) -> Pattern:
    match node:
        case Entries():
            return _members(node, faults)
        case Items(nodes):
            return tuple(_pattern(each, faults) for each in nodes)
        case Scalar() if isinstance(node.value, str):
            demand_paths_within(node, faults)
            return text_of(node.text)
        case Scalar():
            return node.value
        case AlreadyReported():
            return None


def _hold_to(schema: type[BaseModel], node: Node, body: Body, faults: RuleFaults) -> None:
    """Report what the schema refuses, except where only an event can tell."""
    try:
        schema.model_validate(_with_stand_ins(body))
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            if not _is_open(body, fault["loc"]):
                _report(schema, node, fault["type"], fault["loc"], fault["msg"], faults)


def _report(schema: type[BaseModel], node: Node, type_: str, where: Location, message: str, faults: RuleFaults) -> None:
    path = ".".join(map(str, where))
    match type_:
        case "missing":
            faults.error(Flaw.SYNTAX, _place(node, where[:-1]), f"{path} is missing")
        case "extra_forbidden":
            hint = faults.did_you_mean(str(where[-1]), _names_in(schema))
            faults.error(Flaw.SYNTAX, _place(node, where, of_key=True), f"unknown key {path}", hint)
        case _:
            faults.error(Flaw.TYPE, _place(node, where), f"{path}: {message}" if path else message)


def _names_in(schema: type[BaseModel]) -> Iterable[str]:
    """The members of the schema and of what it holds."""
    document = schema.model_json_schema()
    objects = [document, *document.get("$defs", {}).values()]
    return [name for each in objects for name in each.get("properties", {})]


def _demand_known(node: Node, key: str, known: Collection[str] | None, faults: RuleFaults) -> None:
    """Report a name that is none of the known ones."""
    for written, value in node.pairs if isinstance(node, Entries) else ():
        if written.text != key or known is None or not isinstance(value, Scalar):
            continue
        if isinstance(text_of(value.text), str) and value.text not in known:
            hint = faults.did_you_mean(value.text, known) or f"there are: {', '.join(sorted(known)) or 'none'}"
            faults.error(Flaw.UNKNOWN_VALUE, value.at, f'there is no {key} "{value.text}"', hint)


def _with_stand_ins(pattern: Pattern) -> object:
    match pattern:
        case EventMember() | EventText():
            return _STAND_IN
        case tuple():
            return [_with_stand_ins(each) for each in pattern]
        case Mapping():
            return {name: _with_stand_ins(each) for name, each in pattern.items()}
        case _:
            return pattern


def _is_open(pattern: Pattern, where: Location) -> bool:
    """Whether an event says what stands there."""
    for part in where:
        match pattern:
            case Mapping() if part in pattern:
                pattern = pattern[str(part)]
            case tuple() if isinstance(part, int):
                pattern = pattern[part]
            case _:
                break
    return isinstance(pattern, EventMember | EventText)


def _place(node: Node, where: Location, *, of_key: bool = False) -> Place:
    """Where the value (or its key) stands, or what holds it."""
    at = node.at
    for part in where:
        match node:
            case Entries(pairs):
                entry = next(((key, value) for key, value in pairs if key.text == part), None)
                if entry is None:
                    return at
                key, node = entry
                at = key.at if of_key else node.at
            case Items(nodes) if isinstance(part, int):
                node = nodes[part]
                at = node.at
            case _:
                return at
    return at
