"""Two versions asked about all requests of a segment: the production engine once for each distinct signature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.decide import Changing, Compiled, FactType, NotUnique, Ruleset, SetTo, Signature
from service.rulesets.columns.arithmetic import InternedTexts, Step, Values, WorkingRows, carry_out, filled_facts, steps
from service.rulesets.columns.cells import RowGroups, aligned, grouped, located
from service.rulesets.columns.column import Integers, Mask
from service.rulesets.columns.segment import Segment
from service.rulesets.columns.segment_counts import Fired, SegmentCounts
from service.rulesets.columns.typed import NONE, Facts, typed
from service.rulesets.comparing import NOWHERE

NUMBERS = (FactType.INTEGER, FactType.DECIMAL)

REMEMBERED = 200_000
"""Pairs of signatures whose rules are remembered."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What one version reads in a segment, and the cells of its rows."""

    facts: Facts
    cells: Sequence[Integers]
    sizes: Sequence[int]
    unclear: Mask


@dataclass(frozen=True, slots=True)
class _Pair:
    """What fires in both versions, and what that does; `filled` are facts that its texts read."""

    old: Fired
    new: Fired
    old_steps: tuple[Step, ...]
    new_steps: tuple[Step, ...]
    filled: frozenset[str]
    changes: frozenset[str]
    sets_filled: bool

    @property
    def alike(self) -> bool:
        """Whether both do the same."""
        return self.old_steps == self.new_steps


@dataclass(frozen=True, slots=True)
class _Unlike:
    """Where a number `moved` by which `amounts`, where a fact differs otherwise, where neither can be said."""

    moved: Mask
    amounts: Integers
    scale: int
    other: Mask
    cannot: Mask


class ColumnComparison:
    """Two versions, ready to be asked about segments."""

    def __init__(self, old: Compiled, new: Compiled) -> None:
        self._old, self._new = old, new
        self._comparable = _comparable(old.ruleset, new.ruleset)
        self._alike = _declared(old.ruleset) == _declared(new.ruleset)
        self._pairs: dict[tuple[Signature, Signature], _Pair | None] = {}
        self._known: dict[tuple[Fired, Fired], _Pair] = {}

    def paths(self) -> Iterator[str]:
        """The members of a request that either version reads."""
        for ruleset in (self._old.ruleset, self._new.ruleset):
            yield from ruleset.facts
            yield from (derivation.path for derivation in ruleset.derived)

    def at_once(self, segment: Segment, among: Mask) -> tuple[SegmentCounts, Mask]:
        """The counts of the rows of `among`, and the rows that must be decided one by one; raises `EngineFault`."""
        counted = SegmentCounts()
        if not self._comparable:
            return counted, among
        facts = typed(self._old.ruleset, segment)
        old = _located(self._old, facts)
        new = _located(self._new, facts if self._alike else typed(self._new.ruleset, segment))
        both_refuse = among & old.facts.refused & new.facts.refused
        counted.not_compared.add(np.flatnonzero(both_refuse))
        left = among & ~both_refuse & (old.unclear | new.unclear | old.facts.refused)
        rows = np.flatnonzero(among & ~both_refuse & ~left)
        where = grouped([cells[rows] for cells in (*old.cells, *new.cells)], [*old.sizes, *new.sizes], len(rows))
        for pair, members in self._by_pair(where, len(old.cells)):
            here = rows[members]
            refuses = new.facts.refused[here]
            left[self._count(pair, old.facts, new.facts, here[~refuses], counted)] = True
            left[self._count_refused(pair, old.facts, here[refuses], counted)] = True
        return counted, left

    def _by_pair(self, where: RowGroups, split: int) -> Iterator[tuple[_Pair | None, Integers]]:
        """The rows of each pair of sets of rules that fire."""
        pairs = [self._pair(signature[:split], signature[split:]) for signature in where.signatures]
        numbers: dict[tuple[Fired, Fired] | None, int] = {}
        kinds = [numbers.setdefault((pair.old, pair.new) if pair else None, len(numbers)) for pair in pairs]
        of_row = np.array(kinds, dtype=np.int64)[where.group]
        by_kind = dict(zip(kinds, pairs, strict=True))
        for kind, pair in by_kind.items():
            yield pair, np.flatnonzero(of_row == kind)

    def _pair(self, old: Signature, new: Signature) -> _Pair | None:
        key = (old, new)
        if key not in self._pairs:
            if len(self._pairs) >= REMEMBERED:
                self._pairs.clear()
            self._pairs[key] = self._asked(old, new)
        return self._pairs[key]

    def _asked(self, old: Signature, new: Signature) -> _Pair | None:
        try:
            fired = self._old.fired(old), self._new.fired(new)
        except NotUnique:
            return None
        if fired not in self._known:
            self._known[fired] = _paired(*fired, steps(self._old.ruleset, fired[0]), steps(self._new.ruleset, fired[1]))
        return self._known[fired]

    def _count(self, pair: _Pair | None, old: Facts, new: Facts, rows: Integers, counted: SegmentCounts) -> Integers:
        """Count rows that both versions accept; returns those that must be decided one by one."""
        if pair is None or not self._can_count(pair):
            return rows
        interned = InternedTexts()
        before, after = _working(old, rows, pair.filled), _working(new, rows, pair.filled)
        carry_out(self._old.ruleset, pair.old_steps, before, interned)
        if pair.alike and self._alike:
            return rows[before.left]
        carry_out(self._new.ruleset, pair.new_steps, after, interned)
        return rows[self._differences(pair, before, after, before.left | after.left, counted)]

    def _differences(
        self, pair: _Pair, before: WorkingRows, after: WorkingRows, left: Mask, counted: SegmentCounts
    ) -> Mask:
        """Count what differs; answers the rows that are left."""
        outcomes = _outcomes(pair.old_steps) != _outcomes(pair.new_steps)
        shared = [path for path in {**before.changed, **after.changed} if self._shared(path)]
        unlike = {path: self._unlike(path, before.value(path), after.value(path)) for path in shared}
        for rows in unlike.values():
            left = left | rows.cannot
        differ = np.full(len(left), pair.old != pair.new or outcomes)
        for rows in unlike.values():
            differ |= rows.moved | rows.other
        differ &= ~left
        counted.change(pair.old, pair.new, before.rows[differ])
        counted.outcomes += outcomes * int(differ.sum())
        for path, rows in unlike.items():
            moved = rows.moved & ~left
            counted.move(path, rows.amounts[moved], rows.scale, before.rows[moved])
            counted.value(path, int((rows.other & ~left).sum()))
        return left

    def _unlike(self, path: str, old: Values, new: Values) -> _Unlike:
        """Where the two versions leave a fact otherwise."""
        one, other = self._old.ruleset.facts[path], self._new.ruleset.facts[path]
        both, comes_or_goes = old.present & new.present, old.present != new.present
        if one.type not in NUMBERS:
            nowhere = np.zeros_like(both)
            return _Unlike(nowhere, old.numbers, 0, comes_or_goes | (both & (old.numbers != new.numbers)), nowhere)
        before, after, cannot = aligned(old.numbers, one.scale, new.numbers, other.scale)
        scale = max(one.scale, other.scale)
        return _Unlike(both & (before != after), after - before, scale, comes_or_goes, both & cannot)

    def _shared(self, path: str) -> bool:
        return path in self._old.ruleset.facts and path in self._new.ruleset.facts

    def _can_count(self, pair: _Pair) -> bool:
        """Whether texts that are filled with facts are the same in both versions, whatever the facts are."""
        if not pair.filled:
            return True
        same = self._alike and _outcomes(pair.old_steps) == _outcomes(pair.new_steps)
        return same and not pair.sets_filled and (pair.alike or not pair.filled & pair.changes)

    def _count_refused(self, pair: _Pair | None, old: Facts, rows: Integers, counted: SegmentCounts) -> Integers:
        """Count rows that only the new version refuses; returns those that the old one may refuse too."""
        if pair is None or pair.sets_filled:
            return rows
        before = _working(old, rows, pair.filled)
        carry_out(self._old.ruleset, pair.old_steps, before, InternedTexts())
        counted.refuse(rows[~before.left])
        return rows[before.left]


def _paired(old: Fired, new: Fired, old_steps: tuple[Step, ...], new_steps: tuple[Step, ...]) -> _Pair:
    actions = [action for _, action in (*old_steps, *new_steps)]
    filling = [action for action in actions if any(filled_facts(action))]
    changing = [action for action in actions if isinstance(action, Changing)]
    return _Pair(
        *(old, new, old_steps, new_steps),
        filled=frozenset(path for action in filling for path in filled_facts(action)),
        changes=frozenset(action.path for action in changing),
        sets_filled=any(isinstance(action, SetTo) for action in filling),
    )


def _located(compiled: Compiled, facts: Facts) -> _Read:
    place = located(compiled.cells, facts)
    refused = facts.refused
    cells = [np.where(refused, 0, cell) for cell in place.cells] if refused.any() else place.cells
    return _Read(facts, cells, place.sizes, place.unclear)


def _working(facts: Facts, rows: Integers, filled: Iterable[str]) -> WorkingRows:
    """Rows to be changed; one whose text is not kept in the column and is to be filled in is left."""
    working = WorkingRows(facts, rows, np.zeros(len(rows), dtype=np.bool_))
    for path in filled:
        if facts.by_path[path].fact.type is FactType.TEXT:
            value = working.value(path)
            working.leave(value.present & (value.numbers == NONE))
    return working


def _outcomes(plan: Iterable[Step]) -> list[Step]:
    """What the rules ask for beyond changed facts."""
    return [step for step in plan if not isinstance(step[1], Changing)]


def _declared(ruleset: Ruleset) -> object:
    """What a ruleset does with a request, without the places in its file."""
    return {path: replace(fact, at=NOWHERE) for path, fact in ruleset.facts.items()}, _derived(ruleset)


def _derived(ruleset: Ruleset) -> object:
    return {replace(derivation, at=NOWHERE) for derivation in ruleset.derived}


def _comparable(old: Ruleset, new: Ruleset) -> bool:
    """Whether a fact of both is of one kind in both, so that unchanged facts are equal."""
    shared = (path for path in old.facts if path in new.facts)
    kinds = all(
        old.facts[path].type is new.facts[path].type or {old.facts[path].type, new.facts[path].type} <= set(NUMBERS)
        for path in shared
    )
    return kinds and _derived(old) == _derived(new)
