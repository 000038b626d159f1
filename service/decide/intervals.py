"""The dimension of a fact whose type has an order: its range, cut into intervals at the constants of conditions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from decimal import Decimal

from service.decide.dimensions import Dimension, FactsDoNotFit, NotCut, Reader, listed, unfit
from service.decide.ruleset import Atom, Between, Compare, Fact, Facts, IsMissing, OneOf, Operator, Value
from service.decide.scales import Scale, scale_of
from service.decide.values import canonical


class OrderedDimension(Dimension):
    """A fact of an ordered type, cut into intervals of the whole numbers that its values are."""

    def __init__(self, fact: Fact, atoms: Iterable[Atom]) -> None:
        self._fact = fact
        self._scale: Scale = scale_of(fact)
        low, high = self._scale.low, self._scale.high
        cuts = {cut for atom in atoms for cut in _cuts(atom, self._scale)}
        self._cuts = sorted(cut for cut in cuts if (low is None or cut > low) and (high is None or cut <= high))
        values = len(self._cuts) + 1
        self.facts = (fact.path,)
        self.missing = values if fact.optional else None
        self.size = values + fact.optional

    def bounds(self, cell: int) -> tuple[Value | None, Value | None]:
        """The first and the last value of a cell; None where the fact's range is open."""
        low, high = self._ends(cell)
        value = self._scale.value
        return None if low is None else value(low), None if high is None else value(high)

    def sample(self, cell: int) -> Value | None:
        if cell == self.missing:
            return None
        low, high = self._ends(cell)
        number = self._scale.usual if low is None else max(low, self._scale.usual)
        return self._scale.value(number if high is None else min(high, number))

    def reader(self) -> Reader:
        path, kind, missing = self._fact.path, self._scale.kind, self.missing
        low, high, value = self._scale.low, self._scale.high, self._scale.value
        below = 0 if low is None else 1
        numbers = ([] if low is None else [low]) + self._cuts
        edges, last = [value(number) for number in numbers], len(self._cuts)
        top = None if high is None else value(high)

        def read(facts: Facts) -> int:
            value = facts.get(path)
            if type(value) is kind:
                cell = bisect_right(edges, value) - below
                if 0 <= cell < last or (cell == last and (top is None or value <= top)):  # type: ignore[operator]  # likewise
                    return cell
                raise FactsDoNotFit(path, "outside the range that it is declared with")
            if value is None and missing is not None:
                return missing
            raise unfit(path, value, kind)

        return read

    def _ends(self, cell: int) -> tuple[int | None, int | None]:
        low = self._cuts[cell - 1] if cell else self._scale.low
        high = self._cuts[cell] - 1 if cell < len(self._cuts) else self._scale.high
        return low, high

    def _held(self, atom: Atom) -> int:
        held = 0
        for low, high in _intervals(atom, self._scale):
            held |= self._interval(low, high)
        return held

    def _interval(self, low: int | None, high: int | None) -> int:
        """The cells of the numbers from `low` to `high`, both included."""
        first = 0 if low is None else self._cell_from(low)
        beyond = len(self._cuts) + 1 if high is None else self._cell_from(high + 1)
        return (1 << beyond) - (1 << first) if first < beyond else 0

    def _cell_from(self, number: int) -> int:
        """The cell that begins at `number`; one past the last if all cells lie before it."""
        if self._scale.high is not None and number > self._scale.high:
            return len(self._cuts) + 1
        cell = bisect_right(self._cuts, number)
        begins = self._cuts[cell - 1] if cell else self._scale.low
        if begins is None or (begins != number and not (cell == 0 and number < begins)):
            raise NotCut(f"{self._fact.path} is not cut at {self._scale.value(number)}")
        return cell

    def _words(self, mask: int) -> Iterator[str]:
        intervals = [(self._ends(run[0])[0], self._ends(run[1])[1]) for run in runs(mask & self.present)]
        yield from listed([self._interval_words(*interval) for interval in intervals])

    def _interval_words(self, low: int | None, high: int | None) -> str:
        before, after = ("under", "or more") if self._scale.kind in (int, Decimal) else ("before", "or later")
        if low is not None and low == high:
            return self._show(low)
        if high is not None and (low is None or low == self._scale.low):
            return f"{before} {self._show(high + 1)}"
        if low is not None and (high is None or high == self._scale.high):
            return f"{self._show(low)} {after}"
        return "any value" if low is None or high is None else f"{self._show(low)} to {self._show(high)}"

    def _show(self, number: int) -> str:
        return str(canonical(self._fact, self._scale.value(number)))


def runs(mask: int) -> Iterator[tuple[int, int]]:
    """The runs of neighbouring cells in a mask, as first and last cell."""
    cell = 0
    while mask:
        skipped = (mask & -mask).bit_length() - 1
        length = (~(mask >> skipped) & (mask >> skipped) + 1).bit_length() - 1
        yield cell + skipped, cell + skipped + length - 1
        cell, mask = cell + skipped + length, mask >> skipped + length


def _intervals(atom: Atom, scale: Scale) -> Iterator[tuple[int | None, int | None]]:
    """The numbers for which `atom` holds, as intervals with both ends included."""
    match atom:
        case Compare(operator=operator, value=value):
            yield from _compared(operator, scale.number(value))
        case OneOf(values=values):
            yield from ((number, number) for number in map(scale.number, values))
        case Between(low=low, high=high):
            yield scale.number(low), scale.number(high)
        case IsMissing():
            return
        case _:
            raise NotCut(f"{type(atom).__name__} is no condition on one fact")


def _compared(operator: Operator, number: int) -> Iterator[tuple[int | None, int | None]]:
    match operator:
        case Operator.EQ:
            yield number, number
        case Operator.NE:
            yield None, number - 1
            yield number + 1, None
        case Operator.LT:
            yield None, number - 1
        case Operator.LE:
            yield None, number
        case Operator.GT:
            yield number + 1, None
        case Operator.GE:
            yield number, None


def _cuts(atom: Atom, scale: Scale) -> Iterator[int]:
    """The numbers at which a cell must begin so that `atom` holds in all of a cell or in none of it."""
    for low, high in _intervals(atom, scale):
        if low is not None:
            yield low
        if high is not None:
            yield high + 1
