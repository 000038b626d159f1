"""Decision tables: the rules of a ruleset as CSV, one row a rule.

    rule,car.style,driver.age,policy.premium,why
    ,in,in,out:increase %,note
    High Risk,SPORTS,< 21,20,Young drivers claim more often.

The first row names facts, the second says whether a column goes `in` (a condition; empty cells demand nothing) or comes
`out` (an action; empty cells do nothing). Everything else of the ruleset, its facts and hit policy, stands in its YAML.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

from service.decide.faults import Faults
from service.decide.findings import Kind
from service.decide.positions import Node, Scalar
from service.decide.ruleset import Always, And, Condition, Place, Rule
from service.decide.schema import Schema
from service.decide.tables import columns, sheet
from service.decide.tables.columns import Columns
from service.decide.tables.sheet import Cell

MAX_ROWS = 20_000
"""Rules of one table."""


def read(node: Node, schema: Schema, faults: Faults, verbs: Collection[str]) -> tuple[Rule, ...]:
    """The rules of a table that stands in its rule file as a block; every fault is reported at its cell."""
    if not isinstance(node, Scalar) or node.style != "|":
        hint = "write table: | and the rows below it, indented; tocsin does it for a CSV file in the same folder"
        faults.error(Kind.SYNTAX, node.at, "the rows of the table are not here", hint)
        return ()
    found = sheet.rows(node.text, _first(node), faults)
    header, roles = next(found, None), next(found, None)
    if header is None or roles is None:
        faults.error(Kind.SYNTAX, node.at, "a table begins with two rows: names of columns, and their roles (in, out)")
        return ()
    return _rules(columns.read(header, roles, schema, verbs, faults), list(islice(found, MAX_ROWS + 1)), faults)


def _rules(head: Columns, rows: Sequence[list[Cell]], faults: Faults) -> tuple[Rule, ...]:
    if len(rows) > MAX_ROWS:
        faults.error(Kind.SYNTAX, rows[-1][0].at, f"a table may have {MAX_ROWS:,} rows")
    if not head.coming_out:
        faults.error(Kind.SYNTAX, Place(1, 1), "no column of the table comes out", "give one the role out:set")
    seen: dict[str, int] = {}
    rules = []
    for number, row in enumerate(rows[:MAX_ROWS], 1):
        if len(row) != head.count:
            faults.error(Kind.SYNTAX, row[0].at, f"this row has {len(row)} cells, the header {head.count}")
            continue
        rules.append(_rule(head, row, number, seen, faults))
    return tuple(rules)


def _rule(head: Columns, row: list[Cell], number: int, seen: dict[str, int], faults: Faults) -> Rule:
    name = (row[head.name].text if head.name is not None else "") or f"row {number}"
    faults = faults.of_rule(name)
    if name in seen:
        message = f'a rule named "{name}" stands above already, in row {seen[name]}'
        faults.error(Kind.DUPLICATE_KEY, row[head.name or 0].at, message, "give each rule a name of its own")
    seen[name] = number
    demands = [
        condition for column, cells in head.conditions if (condition := cells.read(row[column], faults)) is not None
    ]
    then = [action for column, out in head.outs if (action := out.read(row[column], faults)) is not None]
    if not any(row[column].text for column in head.coming_out):
        faults.error(Kind.SYNTAX, row[0].at, f'the rule "{name}" does nothing: all of its out cells are empty')
    why = row[head.why].text if head.why is not None else ""
    return Rule(name, _all(demands, row[0].at), tuple(then), row[0].at, why or None)


def _all(demands: list[Condition], at: Place) -> Condition:
    match demands:
        case []:
            return Always(at)
        case [one]:
            return one
        case _:
            return And(tuple(demands), at)


def _first(node: Scalar) -> Place:
    """Where the text of a block begins: on the line below its `|`, behind its indentation."""
    line = node.at.line + 1
    content = node.text.split("\n", 1)[0]
    written = node.source.line(line)
    return Place(line, len(written) - len(content) + 1 if written.endswith(content) and content else 1)
