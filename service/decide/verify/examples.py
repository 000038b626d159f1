"""A request for a region: complete, of the declared types and inside the declared ranges, ready to be pasted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service.decide import facts as request_facts
from service.decide.cells import atoms
from service.decide.declarations import TODAY
from service.decide.matcher import bits
from service.decide.ruleset import (
    ORDERED,
    Adjustment,
    Always,
    CompareFacts,
    Condition,
    Fact,
    Facts,
    FactType,
    Ruleset,
    Value,
)
from service.decide.scales import scale_of
from service.decide.values import canonical
from service.decide.verify.regions import Region, Space

_ANY_TEXT = "example"
_ANY_NUMBER = 100


def needed_by_actions(ruleset: Ruleset) -> frozenset[str]:
    """The facts that an action changes by an amount."""
    return frozenset(action.path for rule in ruleset.rules for action in rule.then if isinstance(action, Adjustment))


def facts_in(
    ruleset: Ruleset, space: Space, region: Region, turn: int = 0, needed: frozenset[str] | None = None
) -> Facts:
    """Typed facts that lie in `region`; other `turn`s give other ones where there are any.

    An optional fact is left out where it may be, unless it is `needed`: by an action.
    """
    needed = needed_by_actions(ruleset) if needed is None else needed
    chosen: dict[str, Value | None] = {}
    for dimension, mask in zip(space.cells.dimensions, region, strict=True):
        if len(dimension.facts) == 1:
            (path,) = dimension.facts
            may_lack = dimension.missing is not None and mask >> dimension.missing & 1
            cells = list(bits(mask & dimension.present))
            lacks = not cells or (may_lack and path not in needed and turn % 2 == 0)
            chosen[path] = None if lacks else dimension.sample(cells[turn % len(cells)])
    facts: dict[str, Value] = {}
    for path, fact in ruleset.facts.items():
        usual = None if fact.optional and path not in needed else _usual(fact)
        value = chosen.get(path, usual)
        if value is not None:
            facts[path] = value
    return facts


def given(facts: Facts, space: Space) -> Facts:
    """The facts that a request for `facts` must hold: `today` only where a rule looks at it."""
    looked_at = any(TODAY in dimension.facts for dimension in space.cells.dimensions)
    return {path: value for path, value in facts.items() if path != TODAY or looked_at}


def request(ruleset: Ruleset, facts: Facts, space: Space) -> Mapping[str, object]:
    """The request that is read as `facts`."""
    flat = {path: canonical(ruleset.facts[path], value) for path, value in given(facts, space).items()}
    return request_facts.nested(flat)


def read_by(condition: Condition) -> Iterator[str]:
    """The facts that a condition looks at."""
    for atom in atoms(condition):
        match atom:
            case CompareFacts(left=left, right=right):
                yield from (left, right)
            case Always():
                pass
            case _:
                yield atom.fact


def _usual(fact: Fact) -> Value:
    """A value of a fact that no rule looks at."""
    if fact.type in ORDERED:
        scale = scale_of(fact)
        usual = scale.number(_ANY_NUMBER) if fact.type in (FactType.INTEGER, FactType.DECIMAL) else scale.usual
        number = usual if scale.low is None else max(scale.low, usual)
        return scale.value(number if scale.high is None else min(scale.high, number))
    if fact.type is FactType.BOOLEAN:
        return False
    return fact.values[0] if fact.values else _ANY_TEXT
