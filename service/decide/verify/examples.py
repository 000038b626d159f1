"""A request for a region: complete, of the declared types and inside the declared ranges, ready to be pasted."""

from __future__ import annotations

from collections.abc import Mapping

from service.decide import facts as request_facts
from service.decide.declarations import TODAY
from service.decide.matcher import bits
from service.decide.ruleset import ORDERED, Change, Fact, Facts, FactType, Ruleset, Value
from service.decide.scales import scale_of
from service.decide.values import canonical
from service.decide.verify.regions import Region, Space

_ANY_TEXT = "example"


def facts_in(ruleset: Ruleset, space: Space, region: Region, turn: int = 0) -> Facts:
    """Typed facts that lie in `region`; other `turn`s give other ones where there are any.

    An optional fact is left out where it may be, unless an action needs it.
    """
    needed = {action.path for rule in ruleset.rules for action in rule.then if isinstance(action, Change)}
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


def request(ruleset: Ruleset, space: Space, facts: Facts) -> Mapping[str, object]:
    """The request that is read as `facts`; `today` is given where a rule looks at it."""
    looked_at = {path for dimension in space.cells.dimensions for path in dimension.facts}
    return request_facts.nested(
        {
            path: canonical(ruleset.facts[path], value)
            for path, value in facts.items()
            if path != TODAY or path in looked_at
        }
    )


def example(ruleset: Ruleset, space: Space, region: Region) -> Mapping[str, object]:
    """A request inside `region`."""
    return request(ruleset, space, facts_in(ruleset, space, region))


def _usual(fact: Fact) -> Value:
    """A value of a fact that no rule looks at."""
    if fact.type in ORDERED:
        scale = scale_of(fact)
        number = scale.usual if scale.low is None else max(scale.low, scale.usual)
        return scale.value(number if scale.high is None else min(scale.high, number))
    if fact.type is FactType.BOOLEAN:
        return False
    return fact.values[0] if fact.values else _ANY_TEXT
