"""The rule language: from the bytes of a rule file to its typed form, with every finding at once.

`parse` never raises for anything a file may hold. Conditions are read by `conditions`, actions by `actions`, fact
declarations by `declarations`, the file's own tests by `expectations`; this module holds the frame around them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from service.decide import actions, conditions, declarations, entries, expectations, positions, tables
from service.decide.entries import EntryKeys
from service.decide.errors import RuleFaults
from service.decide.findings import Finding, Flaw
from service.decide.positions import Entries, Items, Node, Scalar
from service.decide.ruleset import Action, Always, Condition, Derived, Hit, Rule, Ruleset, RuleTest
from service.decide.schema import Schema

MAX_RULES = 5_000
"""Rules of one YAML file; a decision table may have more rows."""

VERDICTS_ONLY = "sentiment"
"""The ruleset that judges messages: it may accept, flag and reject, and do nothing else."""

_FRAME = ("ruleset", "description", "facts", "hit", "must_cover", "should_cover", "rules", "table", "tests")
_RULE = ("name", "when", "then", "why", "tests")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_MAX_RULE_NAME = 200


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file says and what is wrong with it; `ruleset` is None if it cannot be read.

    An error beside a ruleset is a doubt: it keeps the file from being published, not a published version from deciding.
    """

    ruleset: Ruleset | None
    findings: tuple[Finding, ...]


def parse(source: str | bytes) -> Parsed:
    """Parse a rule file."""
    faults = RuleFaults()
    root, _, whole = positions.read_partly(source, faults)
    ruleset = None
    if root is not None and (keys := entries.keyed(root, _FRAME, "a rule file", faults)):
        ruleset = _File(faults, whole, whole or not _ends_within_facts(root)).ruleset(keys)
    return Parsed(None if faults.refused else ruleset, faults.in_order())


class _File:
    """Reads the frame; facts first, whatever their place in the file, because everything else refers to them."""

    def __init__(self, faults: RuleFaults, whole: bool, facts_whole: bool) -> None:
        self._faults = faults
        self._whole = whole
        self._facts_whole = facts_whole
        self._schema = Schema({}, complete=False)
        self._verbs: Collection[str] = actions.KEYS
        self._tests: list[tuple[Node, str | None]] = []

    def ruleset(self, keys: EntryKeys) -> Ruleset:
        self._demand(keys, "ruleset", "ruleset: premium")
        self._demand(keys, "facts", "facts: {driver.age: {type: integer}}")
        if "table" not in keys:
            self._demand(keys, "rules", "rules: and one - name: … a rule")
        elif "rules" in keys:
            self._faults.error(Flaw.SYNTAX, keys.at, "a file has either rules or a table", "remove one of them")
        name = keys.read("ruleset", self._name) or ""
        self._verbs = actions.VERDICTS if name == VERDICTS_ONLY else actions.KEYS
        self._schema, derived = keys.read("facts", self._facts) or declarations.read(None, self._faults)
        rules = keys.read("table", self._table) or keys.read("rules", self._rules) or ()
        keys.read("tests", self._keep_tests)
        hit = keys.read("hit", self._hit)
        description = keys.read("description", self._description)
        must_cover = keys.read("must_cover", lambda node: self._condition(node, "must_cover"))
        should_cover = keys.read("should_cover", lambda node: self._condition(node, "should_cover"))
        return Ruleset(
            name=name,
            facts=self._schema.facts,
            rules=rules,
            hit=hit or Hit.ALL,
            description=description or "",
            must_cover=must_cover,
            should_cover=should_cover,
            derived=derived,
            tests=self._run_of_tests({rule.name for rule in rules}),
        )

    def _demand(self, keys: EntryKeys, key: str, example: str) -> None:
        if key not in keys and self._whole:
            self._faults.error(Flaw.SYNTAX, keys.at, f'the file lacks "{key}"', f"write {example}")

    def _name(self, node: Node) -> str | None:
        written = entries.text(node, "ruleset", self._faults)
        if written is None or _NAME.fullmatch(written.text):
            return written.text if written else None
        message = f'"{written.text}" cannot name a ruleset'
        self._faults.error(Flaw.SYNTAX, written.at, message, "letters, digits, - and _, at most 64")
        return None

    def _facts(self, node: Node) -> tuple[Schema, tuple[Derived, ...]]:
        schema, derived = declarations.read(node, self._faults)
        return replace(schema, complete=schema.complete and self._facts_whole), derived

    def _hit(self, node: Node) -> Hit | None:
        written = entries.text(node, "hit", self._faults)
        if written is None or written.text in set(Hit):
            return Hit(written.text) if written else None
        hint = self._faults.did_you_mean(written.text, Hit) or "known: first, all, unique"
        self._faults.error(Flaw.UNKNOWN_VALUE, written.at, f'unknown hit policy "{written.text}"', hint)
        return None

    def _description(self, node: Node) -> str | None:
        written = entries.sentence(node, "description", self._faults)
        return written.text.strip() if written else None

    def _condition(self, node: Node, what: str, of_rule: RuleFaults | None = None) -> Condition | None:
        faults = of_rule or self._faults
        written = entries.text(node, what, faults)
        return conditions.read(written, self._schema, faults) if written else None

    def _rules(self, node: Node) -> tuple[Rule, ...]:
        nodes = entries.items(node, "rules", self._faults)
        if isinstance(node, Items) and not nodes:
            entries.mismatch(node, "rules must hold at least one rule", self._faults)
        if len(nodes) > MAX_RULES:
            message = f"{len(nodes):,} rules; a YAML file may have {MAX_RULES:,}"
            self._faults.error(Flaw.SYNTAX, nodes[MAX_RULES].at, message, "write them as a decision table (CSV)")
        seen: set[str] = set()
        return tuple(rule for item in nodes[:MAX_RULES] if (rule := self._rule(item, seen)) is not None)

    def _table(self, node: Node) -> tuple[Rule, ...]:
        return tables.read(node, self._schema, self._faults, self._verbs)

    def _rule(self, node: Node, seen: set[str]) -> Rule | None:
        faults = self._faults.of_rule(_name_in(node))
        keys = entries.keyed(node, _RULE, "a rule", faults)
        if keys is None:
            return None
        for key, example in (("name", "name: High Risk"), ("then", "then: [accept]")):
            if key not in keys:
                faults.error(Flaw.SYNTAX, keys.at, f'this rule lacks "{key}"', f"write {example}")
        name = keys.read("name", lambda value: self._rule_name(value, seen, faults))
        when = keys.read("when", lambda value: self._condition(value, "when", faults))
        then = keys.read("then", lambda value: self._actions(value, faults)) or ()
        why = keys.read("why", lambda value: entries.sentence(value, "why", faults))
        keys.read("tests", lambda value: self._keep_tests(value, name))
        # a rule with a faulty condition stays in the list, so that tests naming it are not blamed as well
        return Rule(name or "", when or Always(keys.at), then, keys.at, why.text.strip() if why else None)

    def _rule_name(self, node: Node, seen: set[str], faults: RuleFaults) -> str | None:
        written = entries.sentence(node, "name", faults)
        if written is None:
            return None
        if written.text in seen:
            message = f'a rule named "{written.text}" stands above already'
            faults.error(Flaw.DUPLICATE_KEY, written.at, message, "give each rule a name of its own")
        if len(written.text) > _MAX_RULE_NAME:
            faults.error(Flaw.SYNTAX, written.at, f"a rule's name has at most {_MAX_RULE_NAME} characters")
        seen.add(written.text)
        return written.text

    def _actions(self, node: Node, faults: RuleFaults) -> tuple[Action, ...]:
        nodes = entries.one_or_more(node)
        if not nodes:
            entries.mismatch(node, "then must hold at least one action", faults, "write then: [accept]")
        read = [actions.read(item, self._schema, faults, self._verbs) for item in nodes]
        return tuple(action for action in read if action is not None)

    def _keep_tests(self, node: Node, rule: str | None = None) -> None:
        """Tests are read last: they may name rules that stand below them."""
        self._tests += [(item, rule) for item in entries.items(node, "tests", self._faults)]

    def _run_of_tests(self, rules: Collection[str]) -> tuple[RuleTest, ...]:
        if not self._whole:
            return ()
        read = [expectations.read(node, self._schema, rules, self._faults.of_rule(rule)) for node, rule in self._tests]
        return tuple(test for test in read if test is not None)


def _ends_within_facts(root: Node) -> bool:
    """Whether a file that stopped being YAML did so among its facts, so that some are not known."""
    return isinstance(root, Entries) and bool(root.pairs) and root.pairs[-1][0].text == "facts"


def _name_in(node: Node) -> str | None:
    """The name that findings of this rule are listed under."""
    pairs = node.pairs if isinstance(node, Entries) else ()
    return next((value.text for key, value in pairs if key.text == "name" and isinstance(value, Scalar)), None)
