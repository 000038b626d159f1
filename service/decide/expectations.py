"""A file's own tests: what is given, which rules must fire, which facts and outcomes must come out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

from service.decide import actions, entries, values
from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.positions import AlreadyReported, Entries, Items, Node, Scalar
from service.decide.ruleset import Fact, RuleTest, Value
from service.decide.schema import Schema
from service.decide.values import UnfitValue

T = TypeVar("T")

OUTCOMES = tuple(verb for verb in actions.KEYS if verb not in ("set", "increase", "decrease", "cap"))
"""What `outcomes:` may list; `emit` and `notify` may name the event or template: `emit lead-won`."""

_NAMED = ("emit", "notify")
_FRAME = ("fired", "outcomes")


def read(node: Node, schema: Schema, rules: Collection[str], faults: RuleFaults) -> RuleTest | None:
    """One test; None, with every fault reported, if it cannot be run. `rules` are the names that may fire."""
    keys = entries.keyed(node, ("given", "expect"), "a test", faults)
    if keys is None:
        return None
    for key in ("given", "expect"):
        if key not in keys:
            faults.error(Flaw.SYNTAX, keys.at, f'this test lacks "{key}"', "write {given: {…}, expect: {…}}")
    reader = _Expectations(schema, rules, faults)
    given = keys.read("given", reader.given)
    expected = keys.read("expect", reader.expected)
    if given is None or expected is None:
        return None
    fired, outcomes, facts = expected
    return RuleTest(given, fired, facts, keys.at, outcomes)


class _Expectations:
    """Reads the two halves of one test."""

    def __init__(self, schema: Schema, rules: Collection[str], faults: RuleFaults) -> None:
        self._schema = schema
        self._rules = rules
        self._faults = faults

    def given(self, node: Node) -> Mapping[str, object]:
        """Raw facts by path, each checked against its declaration; undeclared ones are carried along."""
        if not isinstance(node, Entries):
            entries.mismatch(node, "given must map facts to values", self._faults)
            return {}
        facts: dict[str, object] = {}
        for key, path, value in self._flat(node):
            if path in facts:
                entries.duplicate(key, self._faults)
            self._check_given(key, path, value)
            facts.setdefault(path, plain(value))
        return facts

    def _check_given(self, key: Scalar, path: str, node: Node) -> None:
        fact = self._schema.facts.get(path)
        if fact is not None:
            if not (isinstance(node, Scalar) and node.value is None):
                self._value(fact, node)
        elif self._schema.complete and path not in self._schema.broken:
            near = self._faults.did_you_mean(path, self._schema.facts)
            if near:
                message = f'the fact "{path}" is not declared, so no rule sees it'
                self._faults.warning(Flaw.UNKNOWN_FACT, key.at, message, near)

    def expected(self, node: Node) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None, Mapping[str, Value]]:
        """The rules that fire, the outcomes, and the facts afterwards; None where the test does not say."""
        if not isinstance(node, Entries):
            entries.mismatch(node, "expect must say what comes out: {fired: [..], …}", self._faults)
            return None, None, {}
        special = Entries(tuple(pair for pair in node.pairs if pair[0].text in _FRAME), node.at)
        rest = Entries(tuple(pair for pair in node.pairs if pair[0].text not in _FRAME), node.at)
        keys = entries.keyed(special, _FRAME, "expect", self._faults)
        fired = keys.read("fired", self._fired) if keys else None
        outcomes = keys.read("outcomes", self._outcomes) if keys else None
        return fired, outcomes, self._facts_after(rest)

    def _facts_after(self, node: Entries) -> Mapping[str, Value]:
        facts: dict[str, Value] = {}
        for key, path, value in self._flat(node):
            if path in facts:
                entries.duplicate(key, self._faults)
            fact = self._schema.find(path, key.at, self._faults)
            read = self._value(fact, value) if fact else None
            if read is not None:
                facts.setdefault(path, read)
        return facts

    def _value(self, fact: Fact, node: Node) -> Value | None:
        """A value as a request may give it: numbers may stand in quotes."""
        if not isinstance(node, Scalar) or node.value is None:
            entries.mismatch(node, f"{fact.path} must be {values.NOUN[fact.type]}", self._faults)
            return None
        value = values.fit(fact, node.value)
        if isinstance(value, UnfitValue):
            hint = self._faults.did_you_mean(node.text, fact.values or ())
            message = value.message if fact.path in value.message else f"{fact.path}: {value.message}"
            self._faults.error(value.kind, node.at, message, hint)
            return None
        return value

    def _flat(self, node: Entries, prefix: str = "") -> Iterator[tuple[Scalar, str, Node]]:
        """Facts by dotted path, whether written `driver.age: 18` or nested."""
        for key, value in node.pairs:
            path = prefix + key.text
            if isinstance(value, Entries) and value.pairs and path not in self._schema.facts:
                yield from self._flat(value, f"{path}.")
            else:
                yield key, path, value

    def _fired(self, node: Node) -> tuple[str, ...]:
        return tuple(name for item in entries.one_or_more(node) if (name := self._rule(item)) is not None)

    def _rule(self, node: Node) -> str | None:
        written = entries.text(node, "a rule's name", self._faults)
        if written is None or written.text in self._rules:
            return written.text if written else None
        hint = self._faults.did_you_mean(written.text, self._rules)
        self._faults.error(Flaw.UNKNOWN_VALUE, written.at, f'no rule is named "{written.text}"', hint)
        return None

    def _outcomes(self, node: Node) -> tuple[str, ...]:
        return tuple(name for item in entries.one_or_more(node) if (name := self._outcome(item)) is not None)

    def _outcome(self, node: Node) -> str | None:
        written = entries.text(node, "an outcome", self._faults)
        if written is None:
            return None
        verb = written.text.partition(" ")[0]
        if written.text in OUTCOMES or verb in _NAMED:
            return written.text
        hint = self._faults.did_you_mean(written.text, OUTCOMES) or f"known: {', '.join(OUTCOMES)}"
        self._faults.error(Flaw.UNKNOWN_VALUE, written.at, f'unknown outcome "{written.text}"', hint)
        return None


def plain(node: Node) -> object:
    """A node as the JSON document it stands for."""
    match node:
        case Scalar():
            return node.value
        case Items(nodes):
            return [plain(item) for item in nodes]
        case Entries(pairs):
            return {key.text: plain(value) for key, value in pairs}
        case AlreadyReported():
            return None
