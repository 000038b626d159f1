"""What fired rules do to the facts of many rows at once, exactly: whole numbers in units of each fact's scale.

What does not fit whole numbers of 64 bits, and what an action refuses, is left to be decided one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from decimal import Decimal
from itertools import chain
from typing import TypeAlias, assert_never

import numpy as np

from service.decide import (
    LIMIT,
    Accept,
    Action,
    Adjustment,
    Cap,
    Emit,
    Fact,
    FactPath,
    FactType,
    FlagForReview,
    Notify,
    OpenIncident,
    Percent,
    Reject,
    Ruleset,
    SetTo,
    Text,
    scale_of,
)
from service.rulesets.columns.column import Integers, Mask
from service.rulesets.columns.numerals import MAX_NUMBER
from service.rulesets.columns.typed import NONE, Facts, number_of
from service.rulesets.comparing import NOWHERE

Step: TypeAlias = tuple[str, Action]
"""A rule's name and one of its actions."""

BEYOND = 2**62


@dataclass(frozen=True, slots=True)
class Values:
    """One fact of some rows: numbers, or codes of texts."""

    present: Mask
    numbers: Integers


@dataclass(slots=True)
class WorkingRows:
    """Some rows of a segment after the actions so far; `left` are those to be decided one by one."""

    facts: Facts
    rows: Integers
    left: Mask
    changed: dict[str, Values] = field(default_factory=dict)

    def value(self, path: str) -> Values:
        """A fact as it is now."""
        if path in self.changed:
            return self.changed[path]
        typed = self.facts.by_path[path]
        numbers = typed.texts().codes if typed.fact.type is FactType.TEXT else typed.numbers()
        return Values(typed.present[self.rows], numbers[self.rows])

    def leave(self, rows: Mask) -> None:
        """Decide these one by one."""
        self.left = self.left | rows


class InternedTexts:
    """Codes below `NONE` for texts that rules set and no column need hold: the same text has the same code."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def code(self, text: str, names: Iterable[str]) -> int:
        """The code of a text among a column's names, or one of its own."""
        known = next((code for code, name in enumerate(names) if name == text), None)
        return NONE - 1 - self._codes.setdefault(text, len(self._codes)) if known is None else known


def steps(ruleset: Ruleset, fired: Iterable[str]) -> tuple[Step, ...]:
    """The actions of the rules that fired, without their places in the file."""
    by_name = {rule.name: rule for rule in ruleset.rules}
    return tuple((name, replace(action, at=NOWHERE)) for name in fired for action in by_name[name].then)


def filled_facts(action: object) -> Iterator[str]:
    """The facts that texts of the action are filled with."""
    match action:
        case FactPath(path=path):
            yield path
        case Text(parts=inner) | (tuple() as inner):
            yield from chain.from_iterable(map(filled_facts, inner))
        case Mapping():
            yield from chain.from_iterable(map(filled_facts, action.values()))
        case _ if is_dataclass(action):
            yield from chain.from_iterable(filled_facts(getattr(action, member.name)) for member in fields(action))
        case _:
            return


def carry_out(ruleset: Ruleset, plan: Iterable[Step], working: WorkingRows, interned: InternedTexts) -> None:
    """Apply the actions to the rows. None of them may set a fact to a text that is filled with facts."""
    for _, action in plan:
        match action:
            case Accept() | FlagForReview() | Reject() | Notify() | OpenIncident() | Emit():
                continue  # it asks for something and changes no fact
            case Adjustment(path=path):
                _change(ruleset.facts[path], action, working)
            case Cap(path=path, limit=limit):
                _cap(ruleset.facts[path], limit, working)
            case SetTo():
                _set(ruleset.facts[action.path], action, working, interned)
            case _:
                assert_never(action)


def _change(fact: Fact, change: Adjustment, working: WorkingRows) -> None:
    before = working.value(fact.path)
    times, plus, per = _affine(fact, change)
    too_large = max(1, (BEYOND - abs(plus)) // max(1, abs(times)))
    if abs(plus) >= BEYOND or per >= BEYOND or abs(times) >= BEYOND:
        working.leave(np.ones_like(working.left))
        return
    beyond = np.abs(before.numbers) >= too_large
    after = _half_even(np.where(beyond, 0, before.numbers) * times + plus, per)
    low, high = _bounds(fact)
    working.leave(~before.present | beyond | (after < low) | (after > high))
    working.changed[fact.path] = Values(before.present, after)


def _affine(fact: Fact, change: Adjustment) -> tuple[int, int, int]:
    """`(times, plus, per)`: the number n becomes (n × times + plus) / per."""
    if isinstance(change.by, Percent):
        share = change.by.of_hundred.as_integer_ratio()
        return 100 * share[1] + change.sign * share[0], 0, 100 * share[1]
    amount, per = change.by.as_integer_ratio()
    return per, change.sign * amount * int(10**fact.scale), per


def _half_even(numbers: Integers, per: int) -> Integers:
    """Each number divided, rounded half to even."""
    if per == 1:
        return numbers
    whole = numbers // per
    rest = (numbers - whole * per) * 2
    up: Mask = (rest > per) | ((rest == per) & (whole % 2 == 1))
    return whole + up


def _bounds(fact: Fact) -> tuple[int, int]:
    """The least and the largest number that an action may make of a fact, in its units and within a column."""
    scale, most = scale_of(fact), (LIMIT - 1) * 10**fact.scale
    low, high = -most if scale.low is None else scale.low, most if scale.high is None else scale.high
    return max(low, -MAX_NUMBER), min(high, MAX_NUMBER)


def _cap(fact: Fact, limit: Decimal, working: WorkingRows) -> None:
    before = working.value(fact.path)
    most = _constant(fact, limit)
    if abs(most) > MAX_NUMBER:
        working.leave(np.ones_like(working.left))
        return
    working.changed[fact.path] = Values(before.present, np.minimum(before.numbers, most))


def _set(fact: Fact, action: SetTo, working: WorkingRows, interned: InternedTexts) -> None:
    everywhere = np.ones_like(working.left)
    if fact.type is FactType.TEXT:
        text = "".join(map(str, action.value.parts)) if isinstance(action.value, Text) else str(action.value)
        before = working.value(fact.path)
        working.leave(before.present & (before.numbers == NONE))  # it may be this very text
        number = interned.code(text, working.facts.by_path[fact.path].texts().names)
    elif isinstance(action.value, Text) or abs(number := _constant(fact, action.value)) > MAX_NUMBER:
        working.leave(everywhere)
        return
    working.changed[fact.path] = Values(everywhere, np.full(len(everywhere), number, dtype=np.int64))


def _constant(fact: Fact, value: object) -> int:
    """A constant in the units of its fact, rounded as actions round it."""
    if fact.type is FactType.INTEGER and isinstance(value, int | Decimal):
        return int(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        scaled, per = Decimal(value).as_integer_ratio()
        return round_half_even(scaled * int(10**fact.scale), per)
    return number_of(fact, value)  # type: ignore[arg-type]  # a constant of a rule is a value


def round_half_even(number: int, per: int) -> int:
    """`number / per`, rounded half to even."""
    whole, rest = divmod(number, per)
    return whole + (rest * 2 > per or (rest * 2 == per and whole % 2 == 1))
