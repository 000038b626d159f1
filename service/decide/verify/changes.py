"""Changes that the rules make impossible for some request: a fact out of its range, or changed while it is missing.

Such a request is refused. A finding is made of one: the facts at the end of a rule's region where its change goes
farthest, with all that the other rules do to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from service.decide.effects import ActionRefused, Effect, Working, effects_of
from service.decide.findings import Finding, Flaw, Severity
from service.decide.intervals import OrderedDimension
from service.decide.matcher import bits
from service.decide.numerals import percent
from service.decide.ruleset import Adjustment, Changing, Fact, Facts, FactType, Hit, Percent, Rule, Value
from service.decide.scales import scale_of
from service.decide.verify.examples import facts_in, needed_by_actions, request
from service.decide.verify.regions import Region, Steps, lowest
from service.decide.verify.world import Case, Found, World, named, owned

_REGIONS = 4
"""Regions of one rule whose ends are tried."""

_ENOUGH = 3
"""Rules that are looked for which do the same to one fact."""

_EFFECTS_A_STEP = 16


def impossible(world: World, steps: Steps) -> Iterator[Found]:
    """For each fact the rules that may push it out of its range, and those that may change it while it is missing."""
    others = _Others.of(world)
    for path in dict.fromkeys(action.path for rule in world.ruleset.rules for action in _changes(rule)):
        tried = _Tried(world, world.ruleset.facts[path], others)
        for alike in tried.refusals(steps):
            if alike:
                yield partial(_finding, world, alike)


def shares(world: World, _: Steps) -> Iterator[Found]:
    """Amounts such as 0.25 for a fact that other rules change by a percentage."""
    changes = [(rule, action) for rule in world.ruleset.rules for action in _changes(rule)]
    by_percent = {action.path for _, action in changes if isinstance(action.by, Percent)}
    for rule, action in changes:
        if action.path in by_percent and _is_like_a_share(world.ruleset.facts[action.path], action.by):
            yield partial(_share, rule, action)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What an evaluation of `facts` is refused with, by a change of the fact `path`."""

    path: str
    facts: Facts
    why: str


@dataclass(frozen=True, slots=True)
class _Others:
    """All rules that change a fact. `pieces` are theirs; `unknown` are those that no proof can look at."""

    world: World
    pieces: int
    unknown: Sequence[Rule]
    needed: frozenset[str]
    effects: dict[int, tuple[Effect, ...]]

    @classmethod
    def of(cls, world: World) -> _Others:
        pieces = owned([case for case in world.cases if _changing(case.rule).then])
        unknown = [rule for rule, _ in world.left_out if world.ruleset.hit is not Hit.ALL or _changing(rule).then]
        return cls(world, pieces, unknown, needed_by_actions(world.ruleset), {})

    def refuse(self, case: Case, path: str, facts: Facts, steps: Steps) -> str | None:
        """Why a request is refused, if it is by a change of this rule to this fact."""
        world = self.world
        if any(world.may_hold(rule.when, facts) for rule in self.unknown):
            return None
        taking_effect = self._taking_effect(case, tuple([1 << cell for cell in world.space.cells.signature(facts)]))
        steps.take(1 + len(taking_effect) // _EFFECTS_A_STEP)
        working: Working = dict(facts)
        for its in taking_effect:
            try:
                for effect in self._effects(its):
                    effect(working, [])
            except ActionRefused as refused:
                return _sentence(refused) if its is case and refused.path == path else None
        return None

    def _taking_effect(self, case: Case, point: Region) -> Sequence[Case]:
        """The rules that change something at a point, if this rule is among them."""
        world = self.world
        if world.ruleset.hit is Hit.ALL:
            return list(world.owning(world.pieces.meeting(point, self.pieces)))
        holding = world.pieces.meeting(point, world.pieces.all)
        if world.ruleset.hit is Hit.UNIQUE and world.number_owning(holding) > 1:
            return ()
        return [case] if holding and world.owners[lowest(holding)] is case else ()

    def _effects(self, case: Case) -> tuple[Effect, ...]:
        if case.number not in self.effects:
            self.effects[case.number] = effects_of(self.world.ruleset, _changing(case.rule))
        return self.effects[case.number]


@dataclass(frozen=True, slots=True)
class _Tried:
    """One fact, and what is tried with it."""

    world: World
    fact: Fact
    others: _Others

    def refusals(self, steps: Steps) -> Sequence[Sequence[tuple[Case, _Refusal]]]:
        """The first rules that push the fact out of its range, and the first that change it while it is missing."""
        refusals: tuple[list[tuple[Case, _Refusal]], ...] = ([], [])
        for case in self.world.cases:
            for facts in self._tries(case):
                alike = refusals[self.fact.path not in facts]
                if len(alike) == _ENOUGH or (alike and alike[-1][0] is case):
                    continue
                if (why := self.others.refuse(case, self.fact.path, facts, steps)) is not None:
                    alike.append((case, _Refusal(self.fact.path, facts, why)))
        return refusals

    def _tries(self, case: Case) -> Iterator[Facts]:
        ups = {action.sign > 0 for action in _changes(case.rule) if action.path == self.fact.path}
        for region in case.regions[:_REGIONS] if ups else ():
            facts = facts_in(self.world.ruleset, self.world.space, region, needed=self.others.needed)
            if self._may_be_missing(region):
                yield {path: value for path, value in facts.items() if path != self.fact.path}
            for up in ups:
                if (end := self._end(region, up)) is not None:
                    yield {**facts, self.fact.path: end}

    def _side(self, region: Region) -> tuple[int, int] | None:
        """The fact's own dimension and the region's cells in it; None if no condition looks at the fact."""
        dimensions = self.world.space.cells.dimensions
        mine = (number for number, dimension in enumerate(dimensions) if dimension.facts == (self.fact.path,))
        number = next(mine, None)
        return None if number is None else (number, region[number])

    def _may_be_missing(self, region: Region) -> bool:
        side = self._side(region)
        if side is None:
            return self.fact.optional
        missing = self.world.space.cells.dimensions[side[0]].missing
        return missing is not None and bool(side[1] >> missing & 1)

    def _end(self, region: Region, up: bool) -> Value | None:
        """The largest or least value of the fact in a region; None where there is no end."""
        side, scale = self._side(region), scale_of(self.fact)
        if side is None:
            end = scale.high if up else scale.low
            return None if end is None else scale.value(end)
        dimension = self.world.space.cells.dimensions[side[0]]
        cells = list(bits(side[1] & dimension.present))
        if not cells or not isinstance(dimension, OrderedDimension):
            return None
        return dimension.bounds(cells[-1 if up else 0])[1 if up else 0]


def _sentence(refused: ActionRefused) -> str:
    """The refusal in a sentence; that of an answer is not one, and recorded requests hold it as it is."""
    return str(refused).replace(" is outside ", ", which is outside ")


def _changes(rule: Rule) -> list[Adjustment]:
    return [action for action in rule.then if isinstance(action, Adjustment)]


def _changing(rule: Rule) -> Rule:
    """The rule with those of its actions alone that change a fact."""
    return replace(rule, then=tuple(action for action in rule.then if isinstance(action, Changing)))


def _finding(world: World, alike: Sequence[tuple[Case, _Refusal]]) -> Finding:
    (case, refusal), *others = alike
    path = refusal.path
    also = f"; so may {named(others[0][0].rule)}" if others else ""
    more = " and others" if len(others) > 1 else ""
    hint = f"narrow its condition, let an earlier rule cap {path}, or declare a wider range"
    kind = Flaw.OUT_OF_RANGE
    if path not in refusal.facts:
        hint, kind = f"write and {path} is not missing behind its condition", Flaw.TYPE
    example: Mapping[str, object] = request(world.ruleset, refusal.facts, world.space)
    message = f"{refusal.why}, and the request is refused{also}{more}"
    return Finding(Severity.WARNING, kind, case.rule.at, message, case.rule.name, hint, example)


def _is_like_a_share(fact: Fact, by: Percent | Decimal) -> bool:
    """Whether an amount is a fraction of one with all the digits of its fact; others are doubted when they are read."""
    if isinstance(by, Percent) or fact.type is not FactType.DECIMAL or not 0 < by < 1:
        return False
    return by.normalize().as_tuple().exponent == -fact.scale


def _share(rule: Rule, action: Adjustment) -> Finding:
    message = f"{action.by} is an amount, and other rules change {action.path} by a percentage"
    hint = f"write {percent(str(action.by))}% for a share"
    return Finding(Severity.WARNING, Flaw.TYPE, action.at, message, rule.name, hint)
