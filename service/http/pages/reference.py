"""The API's description in the order of a reader: what an app calls first, a curl and an answer for each call."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Json = Mapping[str, object]

FIRST = ("evaluations", "notifications", "incidents", "recipients", "rulesets", "schedules")
"""The groups that an app needs before any other, in this order; the rest follow by name."""

FIRST_CALLS = ("evaluate", "send_notification", "open_incident", "put_recipient", "create_schedule")
"""The calls that stand first in their group."""

COMMON = 1 / 3
"""The share of calls from which on an error is said once for all calls."""

MOST_LINES = 40
"""Lines of an example's JSON that are shown."""


@dataclass(frozen=True, slots=True)
class DescribedCall:
    """One call: `curl` asks for it, `answer` is what comes back, `errors` are those that few other calls have."""

    method: str
    path: str
    described: Json
    curl: str
    answer: str | None
    results: Sequence[tuple[str, Json]]
    errors: Sequence[tuple[str, Json]]


@dataclass(frozen=True, slots=True)
class CallGroup:
    """Calls about one thing."""

    name: str
    calls: Sequence[DescribedCall]


@dataclass(frozen=True, slots=True)
class ApiReference:
    """The whole description: the groups, and the errors that any call may answer."""

    groups: Sequence[CallGroup]
    errors: Sequence[tuple[str, Json]]


def reference(api: Json) -> ApiReference:
    """What `/docs` shows of an OpenAPI document."""
    calls = sorted(_calls(api), key=lambda call: call[2]["operationId"] not in FIRST_CALLS)
    shared = as_object(as_object(api["components"]).get("responses"))
    named = Counter(name for _, _, call in calls for name in _references(call))
    common = {name for name, number in named.items() if number >= COMMON * len(calls)}
    order = [*FIRST, *(str(as_object(tag)["name"]) for tag in as_list(api["tags"]))]
    groups = [
        CallGroup(tag, [_described(each, shared, common) for each in calls if tag in as_list(each[2]["tags"])])
        for tag in dict.fromkeys(order)
    ]
    named_errors = [(_status(calls, name), name) for name in common]
    errors = [(status, as_object(shared[name])) for status, name in sorted(named_errors)]
    return ApiReference([group for group in groups if group.calls], errors)


Call = tuple[str, str, Json]


def _calls(api: Json) -> Iterator[Call]:
    for path, calls in as_object(api["paths"]).items():
        for method, call in as_object(calls).items():
            yield method, path, as_object(call)


def _references(call: Json) -> set[str]:
    """The names of the shared answers of a call."""
    return {name for answer in as_object(call["responses"]).values() if (name := _reference(answer))}


def _reference(answer: object) -> str:
    return str(as_object(answer).get("$ref", "")).rpartition("/")[2]


def _status(calls: Sequence[Call], name: str) -> str:
    return next(
        status
        for _, _, call in calls
        for status, answer in as_object(call["responses"]).items()
        if _reference(answer) == name
    )


def _described(call: Call, shared: Json, common: set[str]) -> DescribedCall:
    method, path, described = call
    answers = as_object(described["responses"])
    results = [(status, as_object(answer)) for status, answer in answers.items() if not _reference(answer)]
    errors = [
        (status, as_object(shared[name]))
        for status, answer in answers.items()
        if (name := _reference(answer)) and name not in common
    ]
    examples = (_example(as_object(answer.get("content"))) for _, answer in results)
    answer = next((_written(example) for example in examples if example is not None), None)
    return DescribedCall(method, path, described, _curl(method, path, described), answer, results, errors)


def _curl(method: str, path: str, call: Json) -> str:
    """The command that makes a call; places of the path are variables of the shell."""
    address = re.sub(r"\{(\w+)\}", lambda place: f"${place[1].upper()}", path)
    lines = [f'curl "$TOCSIN{address}"']
    if method != "get":
        lines[0] = f'curl -X {method.upper()} "$TOCSIN{address}"'
    if call.get("security"):
        lines.append('-H "Authorization: Bearer $KEY"')
    content = as_object(as_object(call.get("requestBody")).get("content"))
    if content:
        media_type = next(iter(content))
        lines.append(f"-H 'Content-Type: {media_type}'")
        example = _example(content)
        lines.append("--data-binary @file" if example is None else f"-d {shlex.quote(_written(example))}")
    return " \\\n  ".join(lines)


def _example(content: Json) -> object | None:
    """The first example of a body."""
    for one in map(as_object, content.values()):
        if "example" in one:
            return one["example"]
        for named in map(as_object, as_object(one.get("examples")).values()):
            return named.get("value")
    return None


def _written(example: object) -> str:
    if isinstance(example, str):
        return example
    lines = json.dumps(example, indent=2, ensure_ascii=False, default=str).splitlines()
    return "\n".join(lines if len(lines) <= MOST_LINES else [*lines[:MOST_LINES], "…"])


def as_object(value: object) -> Json:
    """A part of the description that is an object; anything else is one without members."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: object) -> Sequence[object]:
    """A part of the description that is a list; anything else is an empty one."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
