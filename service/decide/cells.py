"""Cells: what rules can tell apart (docs/adr/0002).

Each used fact's domain is cut at the constants that conditions compare it with. Requests whose values lie in the same
cells, that is, with the same signature, are one request to the rules. Everything below the language works on cell
numbers: the engine, the matcher, the verifier, the diff and the memo.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import InvalidOperation
from typing import TypeAlias

from service.core import TocsinError
from service.decide.dimensions import Dimension, FactsDoNotFit, NamedDimension, NotCut, PairDimension
from service.decide.intervals import OrderedDimension
from service.decide.ruleset import (
    ORDERED,
    Always,
    And,
    Atom,
    CompareFacts,
    Condition,
    Fact,
    Facts,
    Not,
    Or,
    Place,
    Ruleset,
)

__all__ = ["MAX_BOXES", "Box", "Cells", "Dimension", "FactsDoNotFit", "NotCut", "Signature", "TooManyAlternatives"]

Box: TypeAlias = Mapping[int, int]
"""A product of sets of cells: the mask of allowed cells by the index of its dimension; a dimension left out is free."""

Signature: TypeAlias = tuple[int, ...]
"""The number of a request's cell in every dimension."""

MAX_BOXES = 512
"""Alternatives that one condition may have once it is written out as an `or` of `and`s."""


class TooManyAlternatives(TocsinError):
    """A condition whose `or`s inside `and`s multiply beyond `MAX_BOXES`."""

    def __init__(self, at: Place) -> None:
        super().__init__(
            f"this condition has more than {MAX_BOXES} alternatives once its and/or are written out; split the rule"
        )
        self.at = at


class Cells:
    """The space of cells of one ruleset. Make it with `Cells.cut`."""

    def __init__(self, dimensions: Sequence[Dimension]) -> None:
        self.dimensions: tuple[Dimension, ...] = tuple(dimensions)
        self._index = {dimension.facts: index for index, dimension in enumerate(dimensions)}
        self._readers = tuple(dimension.reader() for dimension in dimensions)

    @classmethod
    def cut(cls, ruleset: Ruleset, *more: Condition) -> Cells:
        """The cells that all of the ruleset's conditions, its covers and `more` can tell apart."""
        covers = [cover for cover in (ruleset.must_cover, ruleset.should_cover) if cover is not None]
        used: dict[tuple[str, ...], list[Atom]] = {}
        for condition in (*(rule.when for rule in ruleset.rules), *covers, *more):
            for atom in atoms(condition):
                used.setdefault(_facts_of(atom), []).append(atom)
        used.pop((), None)
        order = {path: number for number, path in enumerate(ruleset.facts)}
        paths = sorted(used, key=lambda facts: (len(facts), [order[path] for path in facts]))
        return cls([_dimension([ruleset.facts[path] for path in facts], used[facts]) for facts in paths])

    def signature(self, facts: Facts) -> Signature:
        """The cell of `facts` in every dimension; raises `FactsDoNotFit` for facts that `facts.read` never gives."""
        try:
            return tuple([read(facts) for read in self._readers])
        except (TypeError, InvalidOperation) as error:
            raise FactsDoNotFit("facts", f"a value cannot be compared ({error})") from error

    def boxes(self, condition: Condition) -> tuple[Box, ...]:
        """The condition as an `or` of boxes: it is true of exactly the signatures that lie in one of them.

        Three-valued as in SQL: what is unknown because a fact is missing is not true, nor is its negation.
        Boxes may overlap. Raises `TooManyAlternatives` and, for a constant that is no cut, `NotCut`.
        """
        return tuple(self._alternatives(condition, negated=False))

    def _alternatives(self, condition: Condition, *, negated: bool) -> list[Box]:
        match condition:
            case Not(item=item):
                return self._alternatives(item, negated=not negated)
            case And(items=items) | Or(items=items):
                parts = [self._alternatives(item, negated=negated) for item in items]
                conjunction = isinstance(condition, And) != negated
                return _all_of(parts, condition.at) if conjunction else self._any_of(parts, condition.at)
            case Always():
                return [] if negated else [{}]
            case atom:
                return self._of_atom(atom, negated=negated)

    def _of_atom(self, atom: Atom, *, negated: bool) -> list[Box]:
        index = self._index.get(_facts_of(atom))
        if index is None:
            raise NotCut(f"{' and '.join(_facts_of(atom))} is used by no condition that these cells were cut for")
        mask = self.dimensions[index].mask(atom, negated=negated)
        if mask == self.dimensions[index].full:
            return [{}]
        return [{index: mask}] if mask else []

    def _any_of(self, parts: Iterable[Sequence[Box]], at: Place) -> list[Box]:
        """All boxes of all parts; those that differ in one dimension only become one."""
        boxes = [box for part in parts for box in part]
        for index in sorted({index for box in boxes for index in box}):
            boxes = list(_merged(boxes, index, self.dimensions[index].full))
        return [{}] if {} in boxes else _limited(_distinct(boxes), at)


def atoms(condition: Condition) -> Iterator[Atom]:
    """The comparisons that a condition is made of, from left to right."""
    match condition:
        case Not(item=item):
            yield from atoms(item)
        case And(items=items) | Or(items=items):
            for item in items:
                yield from atoms(item)
        case atom:
            yield atom


def inside(box: Box, signature: Signature) -> bool:
    """Whether a signature lies in a box."""
    return all(mask >> signature[index] & 1 for index, mask in box.items())


def _facts_of(atom: Atom) -> tuple[str, ...]:
    """The dimension of an atom: one fact, or two in an order that `a < b` and `b > a` share."""
    match atom:
        case CompareFacts(left=left, right=right):
            return (left, right) if left <= right else (right, left)
        case Always():
            return ()
        case _:
            return (atom.fact,)


def _dimension(facts: Sequence[Fact], used: Sequence[Atom]) -> Dimension:
    if len(facts) == 2:
        return PairDimension(*facts)
    (fact,) = facts
    return OrderedDimension(fact, used) if fact.type in ORDERED else NamedDimension(fact, used)


def _all_of(parts: Iterable[Sequence[Box]], at: Place) -> list[Box]:
    whole: list[Box] = [{}]
    for part in sorted(parts, key=len):
        overlaps = (_overlap(one, other) for one in whole for other in part)
        whole = _limited(_distinct(box for box in overlaps if box is not None), at)
    return whole


def _overlap(one: Box, other: Box) -> Box | None:
    if not one or not other:
        return one or other
    both = dict(one)
    for index, mask in other.items():
        both[index] = both.get(index, mask) & mask
        if not both[index]:
            return None
    return both


def _merged(boxes: Iterable[Box], index: int, full: int) -> Iterator[Box]:
    masks: dict[frozenset[tuple[int, int]], int] = {}
    for box in boxes:
        if index not in box:
            yield box
            continue
        others = frozenset(side for side in box.items() if side[0] != index)
        masks[others] = masks.get(others, 0) | box[index]
    for others, mask in masks.items():
        yield dict(others) if mask == full else {**dict(others), index: mask}


def _distinct(boxes: Iterable[Box]) -> list[Box]:
    return list({frozenset(box.items()): box for box in boxes}.values())


def _limited(boxes: list[Box], at: Place) -> list[Box]:
    if len(boxes) > MAX_BOXES:
        raise TooManyAlternatives(at)
    return boxes
