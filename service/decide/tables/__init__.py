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

from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.positions import Node, Scalar
from service.decide.ruleset import Always, And, Condition, Place, Rule
from service.decide.schema import Schema
from service.decide.tables import columns, layout, sheet
from service.decide.tables.columns import Columns
from service.decide.tables.sheet import Cell

MAX_ROWS = 20_000
"""Rules of one table."""


def read(node: Node, schema: Schema, faults: RuleFaults, verbs: Collection[str]) -> tuple[Rule, ...]:
    """The rules of a table that stands in its rule file as a block; every fault is reported at its cell."""
    if not isinstance(node, Scalar) or node.style != "|":
        faults.error(Flaw.SYNTAX, node.at, *_not_here(node))
        return ()
    rows = sheet.rows(node.text, _first(node), faults)
    header, roles = next(rows, None), next(rows, None)
    if header is None or roles is None:
        faults.error(Flaw.SYNTAX, node.at, "a table begins with two rows: names of columns, and their roles (in, out)")
        return ()
    if not layout.is_sound(header, roles, schema, faults):
        return ()
    header, roles = _without_blank_end(header), _without_blank_end(roles)
    return _rules(columns.read(header, roles, schema, verbs, faults), list(islice(rows, MAX_ROWS + 1)), faults)


def _without_blank_end(row: list[Cell], least: int = 0) -> list[Cell]:
    """A row without the empty cells that spreadsheets add at its end."""
    count = len(row)
    while count > least and not row[count - 1].text:
        count -= 1
    return row[:count]


def _not_here(node: Node) -> tuple[str, str]:
    """Why a table cannot be read from where it is said to be, and what to do."""
    name = node.text.strip() if isinstance(node, Scalar) else ""
    rows = "by HTTP, send the rows themselves: table: | and the rows below it, indented"
    if name.lower().endswith((".xlsx", ".xls", ".ods")):
        return f'"{name}" is a workbook, and a table is a CSV file', f"run: tocsin rules import {name} > table.csv"
    if "/" in name or "\\" in name:
        file = name.replace("\\", "/").rsplit("/", 1)[-1]
        return f'the table lies beside the rule file, and "{name}" names a folder', f"write table: {file}"
    if name.lower().endswith(".csv"):
        where = "put it into the same folder, spelt alike, as an ordinary file of at most 4 MiB"
        return f'there is no file "{name}" beside the rule file', f"{where}; {rows}"
    hint = "write table: premium.csv for a CSV file in the same folder, or table: | and the rows below it, indented"
    return "the rows of the table are not here", hint


def _rules(head: Columns, rows: Sequence[list[Cell]], faults: RuleFaults) -> tuple[Rule, ...]:
    if len(rows) > MAX_ROWS:
        faults.error(Flaw.SYNTAX, rows[-1][0].at, f"a table may have {MAX_ROWS:,} rows")
    if not head.coming_out and not faults.refused:
        faults.error(Flaw.SYNTAX, Place(1, 1), "no column of the table comes out", "give one the role out:set")
    seen: dict[str, int] = {}
    rules = []
    for number, written in enumerate(rows[:MAX_ROWS], 1):
        row = _without_blank_end(written, head.count)
        if len(row) > head.count:
            _stray(next(cell for cell in row[head.count :] if cell.text), faults)
            continue
        if len(row) < head.count:
            faults.error(Flaw.SYNTAX, row[0].at, f"this row has {len(row)} cells, the header {head.count}")
            continue
        rules.append(_rule(head, row, number, seen, faults))
    return tuple(rules)


def _rule(head: Columns, row: list[Cell], number: int, seen: dict[str, int], faults: RuleFaults) -> Rule:
    name = (row[head.name].text if head.name is not None else "") or f"row {number}"
    faults = faults.of_rule(name)
    for column in head.unnamed:
        if row[column].text:
            _stray(row[column], faults)
    if name in seen:
        message = f'a rule named "{name}" stands above already, in row {seen[name]}'
        faults.error(Flaw.DUPLICATE_KEY, row[head.name or 0].at, message, "give each rule a name of its own")
    seen[name] = number
    demands = [
        condition for column, cells in head.conditions if (condition := cells.read(row[column], faults)) is not None
    ]
    then = [action for column, out in head.outs if (action := out.read(row[column], faults)) is not None]
    if head.coming_out and not any(row[column].text for column in head.coming_out):
        faults.error(Flaw.SYNTAX, row[0].at, f'the rule "{name}" does nothing: all of its out cells are empty')
    why = row[head.why].text if head.why is not None else ""
    return Rule(name, _all(demands, row[0].at), tuple(then), row[0].at, why or None)


def _stray(cell: Cell, faults: RuleFaults) -> None:
    hint = "name the column in the first row, or empty the cell; a text that holds a comma goes in quotes"
    faults.error(Flaw.SYNTAX, cell.at, f'"{cell.text}" stands in a column that has no name', hint)


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
