"""What was found in the rows of one segment, in any order, and the tally that counting them in their order gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from service.decide import EXACT
from service.rulesets.columns.column import Integers
from service.rulesets.comparing import Answer, Decided, DecisionDifference, NotDecided, difference
from service.rulesets.tally import SAMPLES, WORDS, Tally

Fired = tuple[str, ...]


@dataclass(slots=True)
class Rows:
    """How many rows, and the first of them."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, rows: Integers) -> None:
        """Count rows, which are in ascending order."""
        self.count += len(rows)
        self.first = sorted([*self.first, *rows[:SAMPLES].tolist()])[:SAMPLES]


@dataclass(slots=True)
class NumberShift:
    """How a number changed: how often, by how much in all, and the first of the largest changes with its row."""

    changed: int = 0
    total: Decimal = Decimal(0)
    largest: tuple[Decimal, int] | None = None

    def add(self, changed: int, total: Decimal, largest: Decimal, row: int) -> None:
        """Count changes; `row` is the first with the largest."""
        self.changed += changed
        self.total = EXACT.add(self.total, total)
        if self.largest is None or (abs(largest), -row) > (abs(self.largest[0]), -self.largest[1]):
            self.largest = largest, row


@dataclass(slots=True)
class SegmentCounts:
    """Counts of one segment; `decided` says one by one what could not be counted at once."""

    changes: dict[tuple[Fired, Fired], Rows] = field(default_factory=dict)
    moved: dict[str, NumberShift] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    outcomes: int = 0
    changed: int = 0
    refused: Rows = field(default_factory=Rows)
    uncovered: Rows = field(default_factory=Rows)
    not_compared: Rows = field(default_factory=Rows)
    newly_decided: int = 0

    def change(self, old: Fired, new: Fired, rows: Integers) -> None:
        """Rows that are decided otherwise."""
        if len(rows):
            self.changed += len(rows)
            self.changes.setdefault((old, new), Rows()).add(rows)
            if old and not new:
                self.uncovered.add(rows)

    def move(self, path: str, deltas: Integers, scale: int, rows: Integers) -> None:
        """By how much a number changed in these rows, in units of its scale."""
        if len(rows):
            first = int(np.abs(deltas).argmax())
            total = Decimal(_sum(deltas)).scaleb(-scale, EXACT)
            largest = Decimal(int(deltas[first])).scaleb(-scale, EXACT)
            self.moved.setdefault(path, NumberShift()).add(len(rows), total, largest, int(rows[first]))

    def value(self, path: str, rows: int) -> None:
        """Another fact that changed."""
        if rows:
            self.values[path] = self.values.get(path, 0) + rows

    def refuse(self, rows: Integers) -> None:
        """Rows that only the new version refuses."""
        self.changed += len(rows)
        self.refused.add(rows)

    def one(self, row: int, old: Answer, new: Answer) -> None:
        """A row that was decided on its own."""
        here = np.array([row], dtype=np.int64)
        match old, new:
            case NotDecided(), _:
                self.not_compared.add(here)
                self.newly_decided += isinstance(new, Decided)
            case _, NotDecided():
                self.refuse(here)
            case Decided(), Decided():
                self._differing(here, old, new, difference(old, new))

    def _differing(self, here: Integers, old: Decided, new: Decided, unlike: DecisionDifference) -> None:
        if not unlike.changed:
            return
        self.change(old.fired, new.fired, here)
        self.outcomes += unlike.outcomes
        for path, amount in unlike.amounts.items():
            self.moved.setdefault(path, NumberShift()).add(1, amount, amount, int(here[0]))
        for path in unlike.values:
            self.value(path, 1)

    def tally(self, requests: int, request_id: Callable[[int], str], why: Callable[[int], tuple[str, str]]) -> Tally:
        """The tally of the segment; `why` tells what the old and the new version say to a row that they refuse."""
        tally = Tally(requests=requests, changed=self.changed, outcomes_changed=self.outcomes)
        for (old, new), rows in sorted(self.changes.items(), key=lambda change: change[1].first[0]):
            tally.count_change(old, new, rows.count, map(request_id, rows.first))
        for path, moved in self.moved.items():
            if moved.largest is not None:
                tally.count_amount(path, moved.changed, moved.total, moved.largest[0])
        tally.values, tally.newly_decided = dict(self.values), self.newly_decided
        tally.newly_uncovered.add(self.uncovered.count, [(request_id(row), "") for row in self.uncovered.first])
        for group, rows, side in ((tally.not_compared, self.not_compared, 0), (tally.refused, self.refused, 1)):
            group.add(rows.count, [(request_id(row), why(row)[side][:WORDS]) for row in rows.first])
        return tally


def _sum(deltas: Integers) -> int:
    """The exact sum, also beyond 64 bits."""
    high, low = deltas >> 31, deltas & (2**31 - 1)
    return (int(high.sum()) << 31) + int(low.sum())
