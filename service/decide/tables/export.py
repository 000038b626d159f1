"""A ruleset's rules as a decision table, if that can say them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from service.core import TocsinError
from service.decide.describe import text_of
from service.decide.ruleset import (
    Accept,
    Action,
    Adjustment,
    Always,
    And,
    Between,
    Cap,
    Compare,
    Condition,
    Emit,
    Fact,
    FlagForReview,
    IsMissing,
    Not,
    Notify,
    OneOf,
    OpenIncident,
    Operator,
    Percent,
    Reject,
    Rule,
    Ruleset,
    SetTo,
    Text,
    Value,
)
from service.decide.tables import hints
from service.decide.tables.columns import IN, NAME, NOTE, OUT
from service.decide.values import canonical

_PLAIN = re.compile(r"(?!not )[A-Za-z0-9_](?:[A-Za-z0-9_ -]*[A-Za-z0-9_])?")


class NoTable(TocsinError):
    """A rule says more than a row of a table can."""

    def __init__(self, rule: Rule, what: str) -> None:
        super().__init__(f'line {rule.at.line}: the rule "{rule.name}" {what}, which no row of a table can say')


Column: TypeAlias = tuple[str, str, int]
"""A heading, a role, and how many columns before it have the same."""


def as_csv(ruleset: Ruleset) -> str:
    """The rules as CSV, which reads back as rules that do the same; raises `NoTable`."""
    rows = [_row(rule, ruleset.facts) for rule in ruleset.rules]
    used = list(dict.fromkeys(column for row in rows for column in row))
    columns = sorted(used, key=lambda column: column[1] != IN)
    for rule, row in zip(ruleset.rules, rows, strict=True):
        if [column for column in columns if column in row and column[1] != IN] != [
            cell for cell in row if cell[1] != IN
        ]:
            raise NoTable(rule, "acts in another order than the rules above it")
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\n")
    table.writerow([NAME, *(head for head, _, _ in columns), "why"])
    table.writerow(["", *(role for _, role, _ in columns), NOTE])
    for rule, row in zip(ruleset.rules, rows, strict=True):
        table.writerow([rule.name, *(row.get(column, "") for column in columns), rule.why or ""])
    return written.getvalue()


def _row(rule: Rule, facts: Mapping[str, Fact]) -> Mapping[Column, str]:
    """The cells of a rule by column, conditions first."""
    cells: dict[Column, str] = {}
    demanded = [(_fact_of(atom, rule), IN, _condition(atom, rule, facts)) for atom in _demands(rule.when)]
    for head, role, text in [*demanded, *(_action(action, rule, facts) for action in rule.then)]:
        if text != text.strip() or not text:
            raise NoTable(rule, "has a text that is empty or begins or ends with a blank")
        repeated = sum(1 for other, its, _ in cells if (other, its) == (head, role))
        cells[head, role, repeated] = text
    return cells


def _demands(condition: Condition) -> Sequence[Condition]:
    match condition:
        case Always():
            return ()
        case And(items=items):
            return [demand for item in items for demand in _demands(item)]
        case _:
            return (condition,)


def _fact_of(atom: Condition, rule: Rule) -> str:
    match atom:
        case Compare(fact=path) | OneOf(fact=path) | Between(fact=path) | IsMissing(fact=path):
            return path
        case Not(item=(Compare(operator=Operator.EQ) | OneOf() | IsMissing()) as item):
            return item.fact
        case _:
            raise NoTable(rule, "has an or, a not, or compares facts")


def _condition(atom: Condition, rule: Rule, facts: Mapping[str, Fact]) -> str:
    fact = facts[_fact_of(atom, rule)]
    match atom:
        case Not(item=IsMissing()):
            return "present"
        case Not(item=item):
            return f"not {_condition(item, rule, facts)}"
        case OneOf(values=values):
            return ", ".join(_constant(fact, value) for value in values)
        case Between(low=low, high=high):
            return f"{_constant(fact, low)}..{_constant(fact, high)}"
        case Compare(operator=operator, value=value):
            return f"{'' if operator is Operator.EQ else f'{operator} '}{_constant(fact, value)}"
        case _:
            return "missing"


def _constant(fact: Fact, value: Value) -> str:
    text = _written(fact, value)
    if not isinstance(value, str) or (_is_plain(fact, value)):
        return text
    quoted = value.replace('"', '""')
    return f'"{quoted}"'


def _is_plain(fact: Fact, value: str) -> bool:
    """Whether a text reads back as itself without quotes."""
    return bool(_PLAIN.fullmatch(value)) and value not in ("missing", "present") and hints.doubt(fact, value) is None


def _action(action: Action, rule: Rule, facts: Mapping[str, Fact]) -> tuple[str, str, str]:
    """The heading, the role and the cell of an action."""
    match action:
        case SetTo(path=path, value=value):
            return path, "out:set", text_of(value) if isinstance(value, Text) else _written(facts[path], value)
        case Adjustment(path=path, sign=sign, by=Percent(of_hundred=share)):
            return path, f"out:{'increase' if sign > 0 else 'decrease'} %", f"{share:f}"
        case Adjustment(path=path, sign=sign, by=amount):
            assert not isinstance(amount, Percent), "the case before"
            return path, f"out:{'increase' if sign > 0 else 'decrease'}", f"{amount:f}"
        case Cap(path=path, limit=limit):
            return path, "out:cap", f"{limit:f}"
        case Accept():
            return "accept", OUT, "yes"
        case Reject(reason=reason):
            return "reject", OUT, text_of(reason)
        case FlagForReview(reason=reason):
            return "flag for review", OUT, text_of(reason)
        case Emit(event=event) if not action.data:
            return "emit", OUT, event
        case Notify() | OpenIncident() | Emit():
            raise NoTable(rule, "sends messages")


def _written(fact: Fact, value: Value) -> str:
    written = canonical(fact, value)
    return str(written).lower() if isinstance(written, bool) else str(written)
