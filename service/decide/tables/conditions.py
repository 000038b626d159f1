"""The language of condition cells: `< 21`, `18..25`, `A, B`, `not A`, `missing`, and nothing for any value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from service.decide import values
from service.decide.errors import RuleFaults, did_you_mean
from service.decide.findings import Flaw
from service.decide.ruleset import (
    ORDERED,
    Between,
    Compare,
    Condition,
    Fact,
    FactType,
    IsMissing,
    Not,
    OneOf,
    Operator,
    Place,
    Value,
)
from service.decide.tables import hints
from service.decide.tables.sheet import Cell
from service.decide.values import UnfitValue
from service.decide.wording import condition_text

_COMPARED = re.compile(r"(<=|>=|!=|==|=|<|>)\s*(.*)", re.DOTALL)
_ITEM = re.compile(r'\s*+"(?:[^"]|"")*+"\s*+(?=,|\Z)|[^,]*+')
_NEGATED = re.compile(r"not\s+(.+)", re.DOTALL)
_NOWHERE = Place(1, 1)


def _items(text: str) -> Iterator[str]:
    """The items of a list with commas between them; one in double quotes may hold commas."""
    offset = 0
    while offset < len(text):
        item = _ITEM.match(text, offset)
        assert item is not None, "the pattern matches the empty item"
        yield item[0].strip()
        offset = item.end() + 1


class Conditions:
    """Reads the cells of one column; the same text is read once."""

    def __init__(self, fact: Fact) -> None:
        self._fact = fact
        self._known: dict[str, Condition] = {}

    def read(self, cell: Cell, faults: RuleFaults) -> Condition | None:
        """What the cell demands; None for anything, and where a fault was reported."""
        if cell.text in ("", "-"):
            return None
        known = self._known.get(cell.text)
        if known is None:
            known = self._meaning(cell, faults)
            if known is None:
                return None
            if self._is_plain(cell, known, faults):
                self._known[cell.text] = known
        return replace(known, at=cell.at)

    def _is_plain(self, cell: Cell, meaning: Condition, faults: RuleFaults) -> bool:
        """Whether a cell means what it looks like; reports it if not."""
        hint = hints.doubt(self._fact, cell.text)
        if hint is not None:
            read_as = condition_text(meaning, {self._fact.path: self._fact})
            faults.doubt(Flaw.SYNTAX, cell.at, f'"{cell.text}" would be read as: {read_as}', hint)
        return hint is None

    def _meaning(self, cell: Cell, faults: RuleFaults) -> Condition | None:
        text = cell.text
        if text in ("missing", "present"):
            missing = IsMissing(self._fact.path, _NOWHERE)
            return missing if text == "missing" else Not(missing, _NOWHERE)
        if negated := _NEGATED.fullmatch(text):
            one_of = self._one_of(negated[1], cell, faults)
            return None if one_of is None else Not(one_of, cell.at)
        if compared := _COMPARED.fullmatch(text):
            return self._compared(compared[1], compared[2], cell, faults)
        if self._fact.type in ORDERED and ".." in text:
            first, _, last = text.partition("..")
            return self._between(first, last, cell, faults)
        return self._one_of(text, cell, faults)

    def _compared(self, sign: str, text: str, cell: Cell, faults: RuleFaults) -> Condition | None:
        operator = Operator("==" if sign == "=" else sign)
        if operator not in (Operator.EQ, Operator.NE) and self._fact.type not in ORDERED:
            message = f"{self._fact.path} is {values.NOUN[self._fact.type]} and has no order: {sign} does not apply"
            faults.error(Flaw.TYPE, cell.at, message, hints.advice(self._fact, cell.text))
            return None
        value = self._constant(text, cell, faults)
        return None if value is None else Compare(self._fact.path, operator, value, cell.at)

    def _between(self, first: str, last: str, cell: Cell, faults: RuleFaults) -> Condition | None:
        if not first.strip() or not last.strip():
            message = f'{self._fact.path}: "{cell.text}" is a range that lacks an end'
            faults.error(Flaw.SYNTAX, cell.at, message, hints.advice(self._fact, cell.text))
            return None
        low = self._constant(first, cell, faults)
        high = None if low is None else self._constant(last, cell, faults)
        if low is None or high is None:
            return None
        if values.later(low, high):
            faults.error(Flaw.OUT_OF_RANGE, cell.at, f"empty range: {cell.text}", "swap the two values")
            return None
        return Between(self._fact.path, low, high, cell.at)

    def _one_of(self, text: str, cell: Cell, faults: RuleFaults) -> Condition | None:
        constants: list[Value | None] = []
        for item in _items(text):
            constants.append(self._constant(item, cell, faults))
            if constants[-1] is None and hints.advice(self._fact, cell.text) is not None:
                break  # the cell as a whole is written otherwise
        sound = tuple(dict.fromkeys(value for value in constants if value is not None))
        if len(constants) == 1 and sound:
            return Compare(self._fact.path, Operator.EQ, sound[0], cell.at)
        return OneOf(self._fact.path, sound, cell.at) if None not in constants else None

    def _constant(self, text: str, cell: Cell, faults: RuleFaults) -> Value | None:
        raw = self._raw(text.strip())
        value = values.constant(self._fact, raw)
        if isinstance(value, UnfitValue):
            shown = value.message if self._fact.path in value.message else f"{self._fact.path}: {value.message}"
            hint = hints.advice(self._fact, cell.text) or did_you_mean(str(raw), self._fact.values or ())
            faults.error(value.kind, cell.at, shown, hint)
            return None
        if unfit := values.outside(self._fact, value):
            faults.warning(unfit.kind, cell.at, unfit.message)
        return value

    def _raw(self, text: str) -> values.Raw:
        if len(text) > 1 and text[0] == text[-1] == '"':
            return text[1:-1].replace('""', '"')
        match self._fact.type:
            case FactType.INTEGER | FactType.DECIMAL:
                number = values.number(text)
                return text if number is None else number
            case FactType.BOOLEAN if text in ("true", "false"):
                return text == "true"
            case _:
                return text
