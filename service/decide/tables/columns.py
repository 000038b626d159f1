"""The two header rows of a table: what each column is about, and whether it goes in or comes out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from service.decide import actions, numerals
from service.decide.errors import RuleFaults, did_you_mean
from service.decide.findings import Flaw
from service.decide.positions import Entries, Node, Scalar
from service.decide.ruleset import Action, FactType
from service.decide.schema import Schema
from service.decide.tables.conditions import Conditions
from service.decide.tables.sheet import Cell

NAME, NOTE, IN, OUT = "rule", "note", "in", "out"
CHANGES = ("set", "increase", "increase %", "decrease", "decrease %", "cap")
"""What may follow `out:` in a column headed by a fact; `out` alone sets it."""

VERBS = ("accept", "reject", "flag for review", "emit")
"""What may head an `out` column instead of a fact."""

_BARE = frozenset({FactType.INTEGER, FactType.DECIMAL, FactType.BOOLEAN})
_YES = frozenset({"yes", "true", "x", "X"})
ROLES = (IN, OUT, NOTE)
_ROLES = (IN, OUT, NOTE, *(f"{OUT}:{change}" for change in CHANGES))

Make: TypeAlias = Callable[[Cell], Node]


@dataclass(frozen=True, slots=True)
class ActionColumn:
    """A column whose cells are actions."""

    make: Make
    schema: Schema
    verbs: Collection[str]

    def read(self, cell: Cell, faults: RuleFaults) -> Action | None:
        """The action of a cell; None for an empty one, and where a fault was reported."""
        return actions.read(self.make(cell), self.schema, faults, self.verbs) if cell.text else None


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns by what they are for: the rule's name and reason, what it demands and what it does.

    `coming_out` are the `out` columns, those with a fault included; `unnamed` have neither name nor role.
    """

    name: int | None
    why: int | None
    conditions: Sequence[tuple[int, Conditions]]
    outs: Sequence[tuple[int, ActionColumn]]
    coming_out: Sequence[int]
    unnamed: Sequence[int]
    count: int


def read(
    header: Sequence[Cell], roles: Sequence[Cell], schema: Schema, verbs: Collection[str], faults: RuleFaults
) -> Columns:
    """The columns; those that make no sense are reported and left out."""
    conditions: list[tuple[int, Conditions]] = []
    outs: list[tuple[int, ActionColumn]] = []
    places: dict[str, int] = {}
    unnamed: list[int] = []
    coming_out = [number for number, role in enumerate(roles[: len(header)]) if role.text.partition(":")[0] == OUT]
    for role in (role for role in roles[len(header) :] if role.text):
        message = f'the role "{role.text}" belongs to no column: the header has {len(header)}'
        faults.error(Flaw.SYNTAX, role.at, message, "give the column a name in the row above")
    for number, head in enumerate(header):
        role = roles[number] if number < len(roles) else Cell("", head.at)
        match role.text.partition(":")[0]:
            case _ if head.text == NAME:
                places.setdefault(NAME, number)
            case "note" | "" if head.text == "why":
                places.setdefault("why", number)
            case "" if not head.text:
                unnamed.append(number)
            case "in":
                if (fact := schema.find(head.text, head.at, faults)) is not None:
                    conditions.append((number, Conditions(fact)))
            case "out" if (make := _maker(head, role, schema, faults)) is not None:
                outs.append((number, ActionColumn(make, schema, verbs)))
            case "note" | "out":
                pass
            case _:
                _no_role(head, role, faults)
    return Columns(places.get(NAME), places.get("why"), conditions, outs, coming_out, unnamed, len(header))


def _no_role(head: Cell, role: Cell, faults: RuleFaults) -> None:
    known = f"known: {', '.join(_ROLES)}"
    if role.text:
        hint = did_you_mean(role.text, _ROLES) or known
        faults.error(Flaw.SYNTAX, role.at, f'unknown role "{role.text}" of the column {head.text}', hint)
    else:
        hint = did_you_mean(head.text, (NAME, "why")) or f"write it in the second row; {known}"
        faults.error(Flaw.SYNTAX, head.at, f'the column "{head.text}" has no role', hint)


def _maker(head: Cell, role: Cell, schema: Schema, faults: RuleFaults) -> Make | None:
    """How a cell of an `out` column becomes the action that a rule file would write."""
    change = role.text.partition(":")[2].strip() or "set"
    if head.text in VERBS:
        return _verb(head.text, faults)
    if change not in CHANGES:
        hint = did_you_mean(change, CHANGES) or f"known: {', '.join(CHANGES)}"
        faults.error(Flaw.UNKNOWN_VERB, role.at, f'unknown change "{change}"', hint)
        return None
    fact = schema.find(head.text, head.at, faults)
    if fact is None:
        return None
    verb, _, percent = change.partition(" ")
    key = {"set": "to", "cap": "at"}.get(verb, "by")
    if percent:
        return _shares(verb, head, faults)
    if fact.type in _BARE:
        return lambda cell: _entries(cell, (verb, head.scalar()), (key, cell.number(cell.text)))
    return lambda cell: _entries(cell, (verb, head.scalar()), (key, cell.scalar()))


def _verb(verb: str, faults: RuleFaults) -> Make:
    def make(cell: Cell) -> Node:
        if verb != "accept":
            return _entries(cell, (verb, cell.scalar()))
        if cell.text not in _YES:
            faults.error(Flaw.UNKNOWN_VALUE, cell.at, f'"{cell.text}" is neither yes nor empty', "write yes")
        return cell.scalar("accept")

    return make


def _shares(verb: str, head: Cell, faults: RuleFaults) -> Make:
    """How a cell of a column of percentages is read; the first that is less than one is doubted, unless it says %."""
    doubted: list[Cell] = []

    def make(cell: Cell) -> Node:
        number = cell.text.removesuffix("%").strip()
        if number == cell.text and numerals.is_fraction(number) and not doubted:
            doubted.append(cell)
            hint = f"write {numerals.percent(number)} for {numerals.percent(number)} %, or {number}% for so little"
            faults.warning(Flaw.TYPE, cell.at, f"{number} in a column of percentages is {number} %", hint)
        return _entries(cell, (verb, head.scalar()), ("by", cell.number(f"{number}%")))

    return make


def _entries(cell: Cell, *pairs: tuple[str, Scalar]) -> Entries:
    return Entries(tuple((cell.scalar(key), value) for key, value in pairs), cell.at)
