"""The tests that a file of mappings brings: an event, and what it must become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service.decide import Entries, Flaw, Items, Node, RuleFaults, Scalar, entries
from service.intake.commands import Command, EvaluationCommand, IncidentCommand, NotificationCommand
from service.intake.events.mappings import Mappings, Unmapped
from service.intake.events.patterns import look_up

_KEYS = ("description", "event", "expect")
_EXPECTED = ("ruleset", "facts", "notification", "incident", "unmapped")
_HINT = "write event: {source: …, detail-type: …, detail: …} and expect: {ruleset: …, facts: {…}}"


def check(node: Node, mappings: Mappings, faults: RuleFaults) -> None:
    """Run the tests; each that fails is an error at its place."""
    for each in entries.items(node, "tests", faults):
        keys = entries.keyed(each, _KEYS, "a test", faults)
        if keys is None:
            continue
        event, expected = keys.read("event", _plain), keys.read("expect", _plain)
        if not isinstance(event, Mapping) or not isinstance(expected, Mapping):
            faults.error(Flaw.SYNTAX, keys.at, "a test needs an event and what to expect of it", _HINT)
            continue
        for problem in _problems(event, expected, mappings):
            faults.error(Flaw.TEST_FAILED, keys.at, problem)


def _problems(event: Mapping[str, object], expected: Mapping[str, object], mappings: Mappings) -> Iterator[str]:
    yield from (f'a test cannot expect "{name}"' for name in expected if name not in _EXPECTED)
    try:
        command = mappings.command(event)
    except Unmapped as error:
        if not expected.get("unmapped") or mappings.is_for(event):
            yield str(error)
        return
    if expected.get("unmapped"):
        yield f"the event is mapped: it becomes {_kind(command)}"
        return
    yield from _differences(command, expected)


def _differences(command: Command, expected: Mapping[str, object]) -> Iterator[str]:
    kind, body = _kind(command), command.body
    if kind not in expected:
        yield f"the event becomes {kind}, which the test does not expect"
        return
    others = expected.keys() - ({kind, "facts"} if kind == "ruleset" else {kind})
    yield from (f"the event becomes {kind}: {name} is expected of it in vain" for name in sorted(others))
    if isinstance(command, EvaluationCommand):
        if expected["ruleset"] != command.ruleset:
            yield f'the event goes to the ruleset "{command.ruleset}", not "{expected["ruleset"]}"'
        request = body.get("request")
        wanted, actual = expected.get("facts", {}), request if isinstance(request, Mapping) else {}
    else:
        wanted, actual = expected[kind], body
    if isinstance(wanted, Mapping):
        yield from _unequal(wanted, actual)
    else:
        yield f"what is expected of {kind} must map names to values"


def _unequal(wanted: Mapping[str, object], actual: Mapping[str, object]) -> Iterator[str]:
    for path, value in wanted.items():
        there = look_up(actual, path)
        if there != value and str(there) != str(value):
            yield f"{path} is {there!s}, not {value!s}" if there is not None else f"{path} is missing, not {value!s}"


def _kind(command: Command) -> str:
    match command:
        case EvaluationCommand():
            return "ruleset"
        case NotificationCommand():
            return "notification"
        case IncidentCommand():
            return "incident"


def _plain(node: Node) -> object:
    match node:
        case Entries(pairs):
            return {key.text: _plain(value) for key, value in pairs}
        case Items(nodes):
            return [_plain(each) for each in nodes]
        case Scalar():
            return node.value
        case _:
            return None
