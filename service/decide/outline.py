"""A ruleset as data for a page: its facts, and each rule's condition and actions in words."""

from __future__ import annotations

from collections.abc import Mapping

from service.decide.declarations import TODAY
from service.decide.describe import action_text
from service.decide.ruleset import Fact, Rule, Ruleset
from service.decide.values import canonical
from service.decide.wording import condition_text

MOST_RULES = 500
"""Rules that an outline holds at most; `rules_in_all` says how many there are."""


def outline_ruleset(ruleset: Ruleset) -> Mapping[str, object]:
    """Facts that a request gives, and the first rules in file order."""
    derived = {fact.path for fact in ruleset.derived}
    given = [
        fact
        for path, fact in ruleset.facts.items()
        if path != TODAY and not any(path.startswith(f"{source}.") for source in derived)
    ]
    return {
        "name": ruleset.name,
        "description": ruleset.description,
        "hit": ruleset.hit.value,
        "facts": [_fact(fact) for fact in given],
        "rules": [_rule(rule, ruleset) for rule in ruleset.rules[:MOST_RULES]],
        "rules_in_all": len(ruleset.rules),
        "tests": len(ruleset.tests),
    }


def _fact(fact: Fact) -> Mapping[str, object]:
    return {
        "path": fact.path,
        "type": fact.type.value,
        "optional": fact.optional,
        "scale": fact.scale,
        "min": None if fact.minimum is None else canonical(fact, fact.minimum),
        "max": None if fact.maximum is None else canonical(fact, fact.maximum),
        "values": fact.values,
    }


def _rule(rule: Rule, ruleset: Ruleset) -> Mapping[str, object]:
    return {
        "name": rule.name,
        "line": rule.at.line,
        "when": condition_text(rule.when, ruleset.facts),
        "then": [action_text(action, ruleset.facts) for action in rule.then],
        "why": rule.why,
    }
