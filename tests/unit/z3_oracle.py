"""The same questions as `verify` answers, asked of the solver z3: a reference that shares no code with the service.

Every fact is an integer unknown (a text is the number of its constant, -1 for any other text) and a truth for whether
it is there. A condition becomes two formulas, "is true" and "is false", because what is unknown is neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import z3

from service.decide.ruleset import (
    Always,
    And,
    Between,
    Compare,
    Condition,
    Fact,
    FactType,
    IsMissing,
    Not,
    OneOf,
    Operator,
    Or,
    Ruleset,
    Value,
)

_LIMIT = 10**18
_COMPARED: dict[Operator, Callable[[z3.ArithRef, int], z3.BoolRef]] = {
    Operator.EQ: lambda left, right: left == right,
    Operator.NE: lambda left, right: left != right,
    Operator.LT: lambda left, right: left < right,
    Operator.LE: lambda left, right: left <= right,
    Operator.GT: lambda left, right: left > right,
    Operator.GE: lambda left, right: left >= right,
}


class Solver:
    """Asks z3 about one ruleset."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._facts = ruleset.facts
        self._texts: dict[str, int] = {}
        self._rules = [self._true(rule.when) for rule in ruleset.rules]
        self._solver = z3.Solver()
        for fact in ruleset.facts.values():
            self._solver.add(*self._domain(fact))

    def holds_nowhere(self, rule: int) -> bool:
        """Whether no request fulfils a rule's condition."""
        return not self._possible(self._rules[rule])

    def comes_too_late(self, rule: int) -> bool:
        """Whether an earlier rule holds wherever this one does."""
        return not self._possible(self._rules[rule], *(z3.Not(earlier) for earlier in self._rules[:rule]))

    def is_inherited(self, rule: int, alike: Sequence[bool]) -> bool:
        """Whether wherever this rule is the first to hold, the next one that holds is one of those `alike`."""
        next_alike = z3.BoolVal(False)
        for later in reversed(range(rule + 1, len(self._rules))):
            next_alike = z3.If(self._rules[later], z3.BoolVal(alike[later]), next_alike)
        earlier = (z3.Not(one) for one in self._rules[:rule])
        return not self._possible(self._rules[rule], *earlier, z3.Not(next_alike))

    def share_a_request(self, one: int, other: int) -> bool:
        """Whether both rules hold for some request."""
        return self._possible(self._rules[one], self._rules[other])

    def leaves_a_gap(self, cover: Condition) -> bool:
        """Whether some request inside `cover` fulfils no rule."""
        return self._possible(self._true(cover), *(z3.Not(rule) for rule in self._rules))

    def _possible(self, *formulas: z3.BoolRef) -> bool:
        answer = self._solver.check(*formulas)
        assert answer != z3.unknown
        return bool(answer == z3.sat)

    def _value(self, path: str) -> z3.ArithRef:
        return z3.Int(path)

    def _there(self, path: str) -> z3.BoolRef:
        return z3.Bool(f"there {path}") if self._facts[path].optional else z3.BoolVal(True)

    def _domain(self, fact: Fact) -> Sequence[z3.BoolRef]:
        value = self._value(fact.path)
        if fact.type is FactType.BOOLEAN:
            return [z3.Or(value == 0, value == 1)]
        if fact.type is FactType.TEXT:
            return [z3.Or([value == self._number(fact, one) for one in fact.values])] if fact.values else [value >= -1]
        low, high = _ends(fact)
        ranged = [value >= low, value <= high]
        if fact.minimum is not None:
            ranged.append(value >= self._number(fact, fact.minimum))
        if fact.maximum is not None:
            ranged.append(value <= self._number(fact, fact.maximum))
        return ranged

    def _number(self, fact: Fact, value: Value) -> int:
        match value:
            case str():
                return self._texts.setdefault(value, len(self._texts))
            case datetime():
                return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
            case date():
                return value.toordinal()
            case _:
                number = Decimal(value) * 10**fact.scale
                assert number == int(number)
                return int(number)

    def _true(self, condition: Condition) -> z3.BoolRef:
        match condition:
            case Not(item=item):
                return self._false(item)
            case And(items=items):
                return z3.And([self._true(item) for item in items])
            case Or(items=items):
                return z3.Or([self._true(item) for item in items])
            case Always():
                return z3.BoolVal(True)
            case IsMissing(fact=path):
                return z3.Not(self._there(path))
            case Compare(fact=path) | OneOf(fact=path) | Between(fact=path):
                return z3.And(self._there(path), self._held(condition))
            case _:
                raise AssertionError(f"not for this oracle: {condition}")

    def _false(self, condition: Condition) -> z3.BoolRef:
        match condition:
            case Not(item=item):
                return self._true(item)
            case And(items=items):
                return z3.Or([self._false(item) for item in items])
            case Or(items=items):
                return z3.And([self._false(item) for item in items])
            case Always():
                return z3.BoolVal(False)
            case IsMissing(fact=path):
                return self._there(path)
            case Compare(fact=path) | OneOf(fact=path) | Between(fact=path):
                return z3.And(self._there(path), z3.Not(self._held(condition)))
            case _:
                raise AssertionError(f"not for this oracle: {condition}")

    def _held(self, atom: Condition) -> z3.BoolRef:
        match atom:
            case Compare(fact=path, operator=operator, value=constant):
                return _COMPARED[operator](self._value(path), self._number(self._facts[path], constant))
            case OneOf(fact=path, values=values):
                return z3.Or([self._value(path) == self._number(self._facts[path], one) for one in values])
            case Between(fact=path, low=low, high=high):
                fact, value = self._facts[path], self._value(path)
                return z3.And(value >= self._number(fact, low), value <= self._number(fact, high))
            case _:
                raise AssertionError(f"not for this oracle: {atom}")


def _ends(fact: Fact) -> tuple[int, int]:
    match fact.type:
        case FactType.DATE:
            return date.min.toordinal(), date.max.toordinal()
        case FactType.DATETIME:
            first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
            epoch, step = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
            return (first - epoch) // step, (last - epoch) // step
        case _:
            return 1 - _LIMIT * 10**fact.scale, _LIMIT * 10**fact.scale - 1
