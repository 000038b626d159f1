"""One dimension of the space of cells: a fact's domain, cut; or how two facts compare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from service.core import TocsinError
from service.decide.ruleset import (
    Atom,
    Compare,
    CompareFacts,
    Fact,
    Facts,
    FactType,
    IsMissing,
    OneOf,
    Operator,
    Value,
)
from service.decide.scales import scale_of

Reader: TypeAlias = Callable[[Facts], int]
"""The number of the cell that a request's facts lie in."""

SHOWN = 12
"""Values that a description lists before it counts the rest."""

MIRRORED: Mapping[Operator, Operator] = {
    Operator.EQ: Operator.EQ,
    Operator.NE: Operator.NE,
    Operator.LT: Operator.GT,
    Operator.LE: Operator.GE,
    Operator.GT: Operator.LT,
    Operator.GE: Operator.LE,
}
"""`a < b` is `b > a`."""


class FactsDoNotFit(TocsinError):
    """A fact is missing, of another type or out of its range: it did not come through `facts.read`."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}; read requests with facts.read, which checks them")
        self.path = path


class NotCut(TocsinError):
    """A condition uses a constant that the cells were not cut at: hand the condition to `Cells.cut`."""


class Dimension(ABC):
    """One dimension: its cells are numbered from 0, and a set of cells is a bit mask, bit n for cell n."""

    facts: tuple[str, ...]
    size: int
    missing: int | None

    @property
    def full(self) -> int:
        """The mask of all cells."""
        return (1 << self.size) - 1

    @property
    def present(self) -> int:
        """The mask of all cells but the one for a missing fact."""
        return self.full if self.missing is None else self.full ^ (1 << self.missing)

    def mask(self, atom: Atom, negated: bool = False) -> int:
        """The cells in which `atom`, or its negation, is true; a comparison with a missing fact is neither."""
        if isinstance(atom, IsMissing):
            absent = 0 if self.missing is None else 1 << self.missing
            return self.present if negated else absent
        held = self._held(atom)
        return self.present & ~held if negated else held

    def describe(self, mask: int) -> str:
        """The cells of `mask` in words: "under 21", "RED or BLUE", "any other text", "missing"."""
        if not mask:
            return "no value"
        words = ["any value"] if self.present and mask & self.present == self.present else list(self._words(mask))
        if self.missing is not None and mask >> self.missing & 1:
            words.append("missing")
        return " or ".join(words)

    @abstractmethod
    def sample(self, cell: int) -> Value | None:
        """A value inside the cell and inside the fact's range; None where no single value shows it."""

    @abstractmethod
    def reader(self) -> Reader:
        """A function from facts to the number of their cell; it raises `FactsDoNotFit`."""

    @abstractmethod
    def _held(self, atom: Atom) -> int: ...

    @abstractmethod
    def _words(self, mask: int) -> Iterator[str]: ...


class NamedDimension(Dimension):
    """A text or truth fact: one cell for each constant, one for all that no constant names."""

    def __init__(self, fact: Fact, atoms: Iterable[Atom]) -> None:
        self._fact = fact
        used = dict.fromkeys(constant for atom in atoms for constant in _constants(atom))
        self._names: tuple[Value, ...] = (False, True) if fact.type is FactType.BOOLEAN else tuple(used)
        if fact.values is not None:
            self._names = tuple(name for name in self._names if name in fact.values)
        self._cell: dict[Value, int] = {name: cell for cell, name in enumerate(self._names)}
        self._other = self._example_of_others()
        values = len(self._names) + (self._other is not None)
        self.facts = (fact.path,)
        self.missing = values if fact.optional else None
        self.size = values + fact.optional

    def sample(self, cell: int) -> Value | None:
        if cell == self.missing:
            return None
        return self._names[cell] if cell < len(self._names) else self._other

    def reader(self) -> Reader:
        path, missing = self._fact.path, self.missing
        kind = bool if self._fact.type is FactType.BOOLEAN else str
        cells = dict(self._cell)
        other = None if self._other is None else len(self._names)
        if self._fact.values is not None and other is not None:
            cells = {name: self._cell.get(name, other) for name in self._fact.values}
            other = None

        def read(facts: Facts) -> int:
            value = facts.get(path)
            if type(value) is kind:
                cell = cells.get(value, other)
                if cell is not None:
                    return cell
                raise FactsDoNotFit(path, "not one of the values that it is declared with")
            if value is None and missing is not None:
                return missing
            raise unfit(path, value, kind)

        return read

    def _example_of_others(self) -> str | None:
        """A value that no constant names; None if there is none."""
        if self._fact.type is FactType.BOOLEAN:
            return None
        if self._fact.values is not None:
            return next((value for value in self._fact.values if value not in self._cell), None)
        candidates = ("other", *(f"other {n}" for n in range(2, len(self._cell) + 3)))
        return next(value for value in candidates if value not in self._cell)

    def _held(self, atom: Atom) -> int:
        held = 0
        for constant in _constants(atom):
            held |= self._bit(constant)
        return self.present & ~held if isinstance(atom, Compare) and atom.operator is Operator.NE else held

    def _bit(self, constant: Value) -> int:
        cell = self._cell.get(constant)
        declared_elsewhere = self._fact.values is not None and constant not in self._fact.values
        if cell is None and not declared_elsewhere:
            raise NotCut(f"{self._fact.path} is not cut at {constant!r}")
        return 0 if cell is None else 1 << cell

    def _words(self, mask: int) -> Iterator[str]:
        others = self._other is not None and mask >> len(self._names) & 1
        declared = self._fact.values if others and self._fact.values is not None else ()
        named = [name for cell, name in enumerate(self._names) if mask >> cell & 1]
        unnamed = [value for value in declared if value not in self._cell]
        yield from listed([_shown(name) for name in (*named, *unnamed)])
        if others and self._fact.values is None:
            yield "any other text" if self._names else "any value"


class PairDimension(Dimension):
    """How two facts compare: `<`, `=` and `>` are cells 0, 1 and 2."""

    def __init__(self, left: Fact, right: Fact) -> None:
        self._left, self._right = left, right
        self.facts = (left.path, right.path)
        self.missing = 3 if left.optional or right.optional else None
        self.size = 3 if self.missing is None else 4

    def sample(self, cell: int) -> Value | None:  # noqa: ARG002  (two facts make no single value)
        return None

    def reader(self) -> Reader:
        left, right, missing = self._left.path, self._right.path, self.missing
        left_kind, right_kind = kind_of(self._left), kind_of(self._right)

        def read(facts: Facts) -> int:
            left_value, right_value = facts.get(left), facts.get(right)
            if type(left_value) is left_kind and type(right_value) is right_kind:
                return 1 if left_value == right_value else 0 if left_value < right_value else 2  # type: ignore[operator]  # comparable by declaration
            if missing is not None and (left_value is None or right_value is None):
                return missing
            raise (
                unfit(left, left_value, left_kind)
                if type(left_value) is not left_kind
                else unfit(right, right_value, right_kind)
            )

        return read

    def _held(self, atom: Atom) -> int:
        if not isinstance(atom, CompareFacts):
            raise NotCut(f"{self.facts[0]} and {self.facts[1]} are only compared with one another")
        operator = atom.operator if atom.left == self.facts[0] else MIRRORED[atom.operator]
        return _HELD_BY_PAIRS[operator]

    def _words(self, mask: int) -> Iterator[str]:
        left, right = self.facts
        words = (f"{left} less than {right}", f"{left} equal to {right}", f"{left} greater than {right}")
        yield from (text for cell, text in enumerate(words) if mask >> cell & 1)


_HELD_BY_PAIRS: Mapping[Operator, int] = {
    Operator.LT: 0b001,
    Operator.EQ: 0b010,
    Operator.GT: 0b100,
    Operator.LE: 0b011,
    Operator.GE: 0b110,
    Operator.NE: 0b101,
}


def kind_of(fact: Fact) -> type[Value]:
    """The Python type of a fact's values."""
    match fact.type:
        case FactType.TEXT:
            return str
        case FactType.BOOLEAN:
            return bool
        case _:
            return scale_of(fact).kind


def unfit(path: str, value: Value | None, kind: type[Value]) -> FactsDoNotFit:
    """What to raise for a value of another type, or for none where there must be one."""
    if value is None:
        return FactsDoNotFit(path, "missing, but not declared optional")
    return FactsDoNotFit(path, f"{type(value).__name__} where {kind.__name__} is declared")


def listed(words: Sequence[str]) -> Iterator[str]:
    """The first `SHOWN` words and a count of the others."""
    yield from words[:SHOWN]
    if len(words) > SHOWN:
        yield f"one of {len(words) - SHOWN} more"


def _constants(atom: Atom) -> tuple[Value, ...]:
    match atom:
        case Compare(value=value):
            return (value,)
        case OneOf(values=values):
            return values
        case IsMissing():
            return ()
        case _:
            raise NotCut(f"{type(atom).__name__} is no condition on a text or a truth")


def _shown(name: Value) -> str:
    text = str(name).lower() if isinstance(name, bool) else str(name)
    return text if text and text == text.strip() else f'"{text}"'
