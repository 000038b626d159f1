"""Conditions and values in the words of rule files."""

from __future__ import annotations

from collections.abc import Mapping

from service.decide.ruleset import (
    Always,
    And,
    Between,
    Compare,
    CompareFacts,
    Condition,
    Fact,
    FactType,
    IsMissing,
    Not,
    OneOf,
    Or,
    Value,
)
from service.decide.values import canonical


def condition_text(condition: Condition, facts: Mapping[str, Fact]) -> str:
    """The condition as a rule file would write it."""
    match condition:
        case And(items=items):
            return " and ".join(_grouped(item, facts) for item in items)
        case Or(items=items):
            return " or ".join(_grouped(item, facts) for item in items)
        case Not(item=item):
            return f"not {_grouped(item, facts)}"
        case Always():
            return "always"
        case IsMissing(fact=path):
            return f"{path} is missing"
        case CompareFacts(left=left, operator=operator, right=right):
            return f"{left} {operator} {right}"
        case Compare(fact=path, operator=operator, value=value):
            return f"{path} {operator} {constant_text(facts[path], value)}"
        case Between(fact=path, low=low, high=high):
            return f"{path} between {constant_text(facts[path], low)} and {constant_text(facts[path], high)}"
        case OneOf(fact=path, values=values):
            return f"{path} in [{', '.join(constant_text(facts[path], value) for value in values)}]"


def constant_text(fact: Fact, value: Value) -> str:
    """A value as a rule file would write it: texts, dates and instants in quotes."""
    match fact.type:
        case FactType.BOOLEAN:
            return str(value).lower()
        case FactType.INTEGER | FactType.DECIMAL:
            return str(canonical(fact, value))
        case _:
            text = str(canonical(fact, value))
            return f"'{text}'" if '"' in text else f'"{text}"'


def _grouped(condition: Condition, facts: Mapping[str, Fact]) -> str:
    text = condition_text(condition, facts)
    return f"({text})" if isinstance(condition, And | Or) else text
