"""What rules do, compared: which do the same, and which two cannot both be meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import reduce
from itertools import product
from operator import or_
from typing import TypeVar

from service.decide.ruleset import (
    Accept,
    Action,
    Adjustment,
    Cap,
    Changing,
    FlagForReview,
    Percent,
    Place,
    Reject,
    Rule,
    Ruleset,
    SetTo,
    Text,
)

K = TypeVar("K")

_NOWHERE = Place(0, 0)
_VERDICTS = {Accept: "accepts", FlagForReview: "flags for review", Reject: "rejects"}


class ChangeKind(Enum):
    """How a rule changes a fact."""

    CAP = "cap"
    """It is only ever cut off at a limit."""
    AMOUNT = "amount"
    PERCENT = "percent"
    OTHERWISE = "otherwise"
    """Set, or in more than one of these ways."""

    def clashes(self, later: ChangeKind) -> bool:
        """Whether the order of two such changes is seen in the result, so that both can hardly be meant.

        Amounts add up, as a scorecard means them, and so do percentages. A cap below what it caps is meant.
        """
        if later is ChangeKind.CAP:
            return False
        return self is not later or self is ChangeKind.OTHERWISE


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one rule's actions come to: the facts that it changes, and how."""

    changes: Mapping[str, ChangeKind]
    verdicts: tuple[str, ...]
    repeatable: bool
    """Whether doing it twice in a row is the same as doing it once."""


class Consequences:
    """The consequences of a ruleset's rules, each different one once."""

    def __init__(self, effects: tuple[int, ...], consequences: tuple[Consequence, ...]) -> None:
        self.effects = effects
        self._consequences = consequences

    @classmethod
    def of(cls, ruleset: Ruleset) -> Consequences:
        """`effects` numbers the rules' consequences: the same number for the same actions in the same order."""
        numbers: dict[str, int] = {}
        consequences: list[Consequence] = []
        effects = []
        for rule in ruleset.rules:
            wording = does(rule)
            if wording not in numbers:
                numbers[wording] = len(consequences)
                consequences.append(_consequence(rule))
            effects.append(numbers[wording])
        return cls(tuple(effects), tuple(consequences))

    def __getitem__(self, effect: int) -> Consequence:
        return self._consequences[effect]

    def clash(self, earlier: int, later: int) -> str | None:
        """Why two rules should not both take effect, `earlier` standing above `later`; None if they may."""
        one, other = self._consequences[earlier], self._consequences[later]
        if earlier == later:
            return None
        if one.verdicts and other.verdicts and one.verdicts != other.verdicts:
            return f"the first {' and '.join(one.verdicts)}, the second {' and '.join(other.verdicts)}"
        both = [fact for fact, how in one.changes.items() if fact in other.changes and how.clashes(other.changes[fact])]
        return f"both change {' and '.join(sorted(both))}" if both else None


class RegionsByConsequence:
    """Which regions' rules do what, sets of regions being bit masks over their numbers."""

    def __init__(self, effects: Sequence[int], consequences: Consequences) -> None:
        """`effects` has the effect of each region's rule."""
        self._consequences = consequences
        self._by_effect: dict[int, int] = {}
        for number, effect in enumerate(effects):
            self._by_effect[effect] = self._by_effect.get(effect, 0) | 1 << number
        self._touching: dict[tuple[str, ChangeKind], int] = {}
        self._judging: dict[tuple[str, ...], int] = {}
        for effect, regions in self._by_effect.items():
            its = consequences[effect]
            for change in its.changes.items():
                self._touching[change] = self._touching.get(change, 0) | regions
            self._judging[its.verdicts] = self._judging.get(its.verdicts, 0) | regions

    def alike(self, effect: int) -> int:
        """The regions of rules with this effect."""
        return self._by_effect.get(effect, 0)

    def clashing(self, effect: int) -> int:
        """The regions of rules that clash with one of this effect below them."""
        mine = self._consequences[effect]
        others = [its for its in self._judging if its and mine.verdicts and its != mine.verdicts]
        changes = [(fact, how) for fact, its in mine.changes.items() for how in ChangeKind if how.clashes(its)]
        return (_any(self._judging, others) | _any(self._touching, changes)) & ~self.alike(effect)

    def meddling(self, effect: int) -> int:
        """The regions of rules that change the same facts as this effect, and do not do the same."""
        mine = self._consequences[effect]
        return _any(self._touching, product(mine.changes, ChangeKind)) & ~self.alike(effect)


def _any(regions: Mapping[K, int], keys: Iterable[K]) -> int:
    return reduce(or_, [regions.get(key, 0) for key in keys], 0)


def does(rule: Rule) -> str:
    """The same text for rules that do the same, wherever they stand."""
    return repr([replace(action, at=_NOWHERE) for action in rule.then])


def touched(rule: Rule) -> frozenset[str]:
    """The facts that a rule's actions change."""
    return frozenset(action.path for action in rule.then if isinstance(action, Changing))


def _consequence(rule: Rule) -> Consequence:
    changes: dict[str, ChangeKind] = {}
    for action in rule.then:
        if isinstance(action, Changing):
            how = _how(action)
            known = changes.get(action.path, how)
            changes[action.path] = how if known is how else ChangeKind.OTHERWISE
    verdicts = sorted({_VERDICTS[type(action)] for action in rule.then if type(action) in _VERDICTS})
    return Consequence(changes, tuple(verdicts), all(map(_is_repeatable, rule.then)))


def _how(action: SetTo | Adjustment | Cap) -> ChangeKind:
    match action:
        case Cap():
            return ChangeKind.CAP
        case Adjustment(by=Percent()):
            return ChangeKind.PERCENT
        case Adjustment():
            return ChangeKind.AMOUNT
        case SetTo():
            return ChangeKind.OTHERWISE


def _is_repeatable(action: Action) -> bool:
    return isinstance(action, Cap) or (isinstance(action, SetTo) and not isinstance(action.value, Text))
