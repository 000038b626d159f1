"""Requests that should be decided and are not: inside `must_cover` an error, inside `should_cover` a warning."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from itertools import islice

from service.decide.findings import Finding, Flaw, Severity
from service.decide.matcher import bits
from service.decide.ruleset import And, Compare, Condition, Fact, Not, OneOf, Operator, Or, Ruleset, Value
from service.decide.verify.covers import Covers
from service.decide.verify.regions import Region, Steps, joined
from service.decide.verify.world import Found, World, analysed

_PIECES = 2_000
"""Uncovered regions that are looked for before they are joined and counted."""


def gaps(world: World, steps: Steps) -> Iterator[Found]:
    """What no rule covers of `must_cover` and `should_cover`, in as few regions as are easily found."""
    for cover, severity, name in _covers(world.ruleset):
        _, scope = analysed(world.space, cover)
        missed = islice(_missed(world, Covers(scope), steps), _PIECES)
        for region in joined(list(missed)):
            if (example := world.example_beyond_doubt(region)) is not None:
                yield partial(_gap, cover, severity, name, world.space.where(region), example)


def _missed(world: World, scope: Covers, steps: Steps) -> Iterator[Region]:
    """Disjoint regions of the scope in which no rule holds."""
    for number in bits(scope.all):
        for region in scope.uncovered(scope[number], (1 << number) - 1, steps):
            yield from world.pieces.uncovered(region, world.pieces.all, steps)


def unmentioned(world: World, steps: Steps) -> Iterator[Found]:
    """Where all that must be covered is, declared values that no condition names while it names their siblings."""
    ruleset = world.ruleset
    if ruleset.must_cover is None or next(gaps(world, steps), None) is not None:
        return
    for fact in ruleset.facts.values():
        unnamed = _unnamed(ruleset, fact) if fact.values else ()
        if unnamed:
            yield partial(_unmentioned, fact, unnamed)


def unanalysed(world: World, _: Steps) -> Iterator[Found]:
    """Rules and covers about which nothing can be proven."""
    for rule, why in world.left_out:
        message = f'"{rule.name}" is not analysed: {why}; gaps and overlaps that involve it are not looked for'
        yield partial(Finding, Severity.WARNING, Flaw.NOT_ANALYSED, rule.at, message, rule.name)
    for cover, _severity, name in _covers(world.ruleset):
        reason, _regions = analysed(world.space, cover)
        if reason is not None:
            message = f"{name} is not analysed: {reason}; gaps inside it are not looked for"
            yield partial(Finding, Severity.WARNING, Flaw.NOT_ANALYSED, cover.at, message)


def _covers(ruleset: Ruleset) -> Iterator[tuple[Condition, Severity, str]]:
    if ruleset.must_cover is not None:
        yield ruleset.must_cover, Severity.ERROR, "must_cover"
    if ruleset.should_cover is not None:
        yield ruleset.should_cover, Severity.WARNING, "should_cover"


def _gap(cover: Condition, severity: Severity, name: str, where: str, example: Mapping[str, object]) -> Finding:
    message = f"no rule holds {where}, though {name} asks for one"
    return Finding(severity, Flaw.GAP, cover.at, message, None, "widen a rule, or add one for this case", example)


def _unmentioned(fact: Fact, unnamed: Collection[str]) -> Finding:
    message = f"no rule names {' or '.join(unnamed)}, declared for {fact.path}; only rules that look past it decide"
    return Finding(Severity.WARNING, Flaw.UNKNOWN_VALUE, fact.at, message, None, "add a rule, or remove the value")


def _unnamed(ruleset: Ruleset, fact: Fact) -> tuple[str, ...]:
    """Declared values in no condition; none where the fact is not picked by value at all, or is picked by exclusion."""
    named: set[Value] = set()
    for rule in ruleset.rules:
        if any(_excludes(part, fact.path) for part in _parts(rule.when)):
            return ()
        named.update(value for part in _parts(rule.when) for value in _picked(part, fact.path))
    return tuple(value for value in fact.values or () if value not in named) if named else ()


def _excludes(part: Condition, path: str) -> bool:
    """Whether a part of a condition says which values a fact must not have."""
    match part:
        case Not(item=item):
            return any(_picked(inner, path) for inner in _parts(item))
        case Compare(fact=fact, operator=Operator.NE):
            return fact == path
        case _:
            return False


def _picked(part: Condition, path: str) -> tuple[Value, ...]:
    match part:
        case Compare(fact=fact, value=value) if fact == path:
            return (value,)
        case OneOf(fact=fact, values=values) if fact == path:
            return values
        case _:
            return ()


def _parts(condition: Condition) -> Iterator[Condition]:
    """The condition and everything that it is made of."""
    yield condition
    match condition:
        case Not(item=item):
            yield from _parts(item)
        case And(items=items) | Or(items=items):
            for item in items:
                yield from _parts(item)
