"""The declared facts of two versions, compared and joined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from service.decide.ruleset import Fact, Place, Value
from service.decide.values import later, range_of

_NOWHERE = Place(1, 1)


def changes_of_facts(old: Mapping[str, Fact], new: Mapping[str, Fact]) -> Iterator[str]:
    """What changed in the declarations, a sentence each."""
    yield from (f"fact {path} is no longer declared" for path in old if path not in new)
    yield from (f"fact {path} is new: {described(fact)}" for path, fact in new.items() if path not in old)
    for path, fact in new.items():
        if path in old and replace(fact, at=_NOWHERE) != replace(old[path], at=_NOWHERE):
            yield f"fact {path} was {described(old[path])} and is {described(fact)}"


def retyped(old: Mapping[str, Fact], new: Mapping[str, Fact]) -> frozenset[str]:
    """The facts whose values in one version are not comparable with those in the other."""
    both = ((path, old[path], fact) for path, fact in new.items() if path in old)
    return frozenset(path for path, was, now in both if (was.type, was.scale) != (now.type, now.scale))


def joint_facts(old: Mapping[str, Fact], new: Mapping[str, Fact]) -> Mapping[str, Fact]:
    """One declaration a fact that allows what either version allows; of a retyped one, the new declaration."""
    unlike = retyped(old, new)
    joint = {path: fact for path, fact in old.items() if path not in new}
    for path, fact in new.items():
        joint[path] = fact if path not in old or path in unlike else _wider(old[path], fact)
    return joint


def described(fact: Fact) -> str:
    """A declaration in words: `integer 0..130, optional`."""
    kind = f"{fact.type}({fact.scale})" if fact.scale else str(fact.type)
    ranged = (
        "" if fact.minimum is None and fact.maximum is None else f" {range_of(fact).rpartition(' ')[2].strip('()')}"
    )
    valued = f" of {', '.join(fact.values)}" if fact.values else ""
    return f"{kind}{ranged}{valued}{', optional' if fact.optional else ''}"


def _wider(one: Fact, other: Fact) -> Fact:
    values = None if one.values is None or other.values is None else tuple(dict.fromkeys(one.values + other.values))
    return replace(
        other,
        minimum=_outer(one.minimum, other.minimum, low=True),
        maximum=_outer(one.maximum, other.maximum, low=False),
        values=values,
        optional=one.optional or other.optional,
    )


def _outer(one: Value | None, other: Value | None, *, low: bool) -> Value | None:
    if one is None or other is None:
        return None
    return other if later(one, other) == low else one
