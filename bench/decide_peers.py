"""The same rules on other engines: each peer answers a request with the names of the rules that match it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import business_rules
import clips
import zen
from business_rules.actions import BaseActions, rule_action
from business_rules.fields import FIELD_TEXT
from business_rules.variables import BaseVariables, numeric_rule_variable, string_rule_variable
from durable import engine as durable


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: `style` is this and `age` is from `low` to below `high`."""

    name: str
    style: str
    low: int
    high: int


Request = Mapping[str, int | str]
Peer = Callable[[Request], Sequence[str]]


class _QuietHost(durable.Host):  # type: ignore[misc]  # the library ships no types
    """A host without background threads: two of them poll per host, and crash with several threads."""

    def __init__(self, definitions: Mapping[str, object], actions: Mapping[str, Callable[[object], None]]) -> None:
        self._actions = actions
        super().__init__(definitions)

    def get_action(self, action_name: str) -> Callable[[object], None]:
        return self._actions[action_name]

    def _run(self) -> None:
        pass


def durable_rules(rows: Sequence[Row], sizes: Sequence[int]) -> Peer:
    """durable_rules through its own host, in the way that its traps leave open.

    One flattened fact with a constant session, asserted and retracted, primed, no threads, in chunks of `sizes`.
    """
    fired: list[str] = []
    chunks, rest = [], list(rows)
    for size in sizes:
        chunks.append(rest[:size])
        rest = rest[size:]
    actions = {row.name: _noting(row.name, fired) for row in rows} | {"prime": _noting("prime", fired)}
    hosts = [_QuietHost({"r": _definitions(chunk)}, actions) for chunk in chunks]
    for host in hosts:
        host.assert_fact("r", {"sid": "e", "id": "prime", "t": "prime"})
        host.retract_fact("r", {"sid": "e", "id": "prime"})

    def ask(request: Request) -> Sequence[str]:
        fired.clear()
        for host in hosts:
            fact = {"sid": "e", "id": "doc", "t": "doc", "style": request["style"], "age": request["age"]}
            try:
                host.assert_fact("r", fact)
            except durable.MessageNotHandledException:
                continue
            host.retract_fact("r", {"sid": "e", "id": "doc"})
        return list(fired)

    return ask


def _definitions(rows: Sequence[Row]) -> dict[str, object]:
    definitions: dict[str, object] = {}
    for number, row in enumerate(rows):
        tests = [{"t": "doc"}, {"style": row.style}, {"$gte": {"age": row.low}}, {"$lt": {"age": row.high}}]
        definitions[row.name] = {"all": [{"m": {"$and": tests}}], "pri": number + 1, "run": row.name}
    definitions["prime"] = {"all": [{"m": {"$and": [{"t": "prime"}]}}], "run": "prime"}
    return definitions


def _noting(name: str, fired: list[str]) -> Callable[[object], None]:
    def note(_: object) -> None:
        fired.append(name)

    return note


def zen_engine(rows: Sequence[Row]) -> Peer:
    """A zen-engine decision table that collects every hit; the parsed decision is kept, as its manual advises."""
    table = {
        "hitPolicy": "collect",
        "inputs": [{"id": "s", "name": "s", "field": "style"}, {"id": "a", "name": "a", "field": "age"}],
        "outputs": [{"id": "o", "name": "o", "field": "rule"}],
        "rules": [
            {"_id": row.name, "s": f'"{row.style}"', "a": f"[{row.low}..{row.high})", "o": f'"{row.name}"'}
            for row in rows
        ],
    }
    position = {"x": 0, "y": 0}
    content = {
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode", "position": position},
            {"id": "t", "name": "t", "type": "decisionTableNode", "position": position, "content": table},
            {"id": "out", "name": "out", "type": "outputNode", "position": position},
        ],
        "edges": [
            {"id": "1", "type": "edge", "sourceId": "in", "targetId": "t"},
            {"id": "2", "type": "edge", "sourceId": "t", "targetId": "out"},
        ],
    }
    decision = zen.ZenEngine().create_decision(json.dumps(content))

    def ask(request: Request) -> Sequence[str]:
        return [hit["rule"] for hit in decision.evaluate(dict(request))["result"]]

    return ask


def clipspy(rows: Sequence[Row]) -> Peer:
    """CLIPS by clipspy: one fact asserted, rules run, the fact retracted."""
    fired: list[str] = []
    environment = clips.Environment()
    environment.define_function(fired.append, "note")
    environment.build("(deftemplate request (slot style (type STRING)) (slot age (type INTEGER)))")
    for number, row in enumerate(rows):
        test = f"?a&:(>= ?a {row.low})&:(< ?a {row.high})"
        environment.build(
            f'(defrule {row.name} (declare (salience {5000 - number})) (request (style "{row.style}") (age {test}))'
            f' => (note "{row.name}"))'
        )
    template = environment.find_template("request")

    def ask(request: Request) -> Sequence[str]:
        fired.clear()
        fact = template.assert_fact(style=request["style"], age=request["age"])
        environment.run()
        fact.retract()
        return list(fired)

    return ask


class _Variables(BaseVariables):  # type: ignore[misc]  # the library ships no types
    def __init__(self, request: Request) -> None:
        self.request = request

    @numeric_rule_variable  # type: ignore[untyped-decorator]  # likewise
    def age(self) -> int | str:
        return self.request["age"]

    @string_rule_variable  # type: ignore[untyped-decorator]  # likewise
    def style(self) -> int | str:
        return self.request["style"]


class _Actions(BaseActions):  # type: ignore[misc]  # likewise
    def __init__(self, fired: list[str]) -> None:
        self.fired = fired

    @rule_action(params={"name": FIELD_TEXT})  # type: ignore[untyped-decorator]  # likewise
    def note(self, name: str) -> None:
        self.fired.append(name)


def business_rules_package(rows: Sequence[Row]) -> Peer:
    """The business-rules package (Venmo): plain Python over a list of conditions."""
    rules = [
        {
            "conditions": {
                "all": [
                    {"name": "style", "operator": "equal_to", "value": row.style},
                    {"name": "age", "operator": "greater_than_or_equal_to", "value": row.low},
                    {"name": "age", "operator": "less_than", "value": row.high},
                ]
            },
            "actions": [{"name": "note", "params": {"name": row.name}}],
        }
        for row in rows
    ]

    def ask(request: Request) -> Sequence[str]:
        fired: list[str] = []
        business_rules.run_all(rules, _Variables(request), _Actions(fired), stop_on_first_trigger=False)
        return fired

    return ask


def generated_python(rows: Sequence[Row]) -> Peer:
    """What a programmer would write by hand: one `if` a rule. The floor."""
    tests = "".join(
        f'    if style == "{row.style}" and {row.low} <= age < {row.high}: fired.append("{row.name}")\n' for row in rows
    )
    source = (
        f'def ask(request):\n    style, age, fired = request["style"], request["age"], []\n{tests}    return fired\n'
    )
    namespace: dict[str, Peer] = {}
    exec(source, {}, namespace)
    return namespace["ask"]
