"""Two rules for one request that cannot both be meant: under `hit: unique` any two, under `hit: all` contradictions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from service.decide.findings import Kind, Severity
from service.decide.ruleset import Hit
from service.decide.verify.regions import Region, Steps, meet
from service.decide.verify.world import Case, Found, World, finding, named


def overlaps(world: World, steps: Steps) -> Iterator[Found]:
    """Pairs of rules that hold for one request and clash, each pair once, at the later rule."""
    if world.ruleset.hit is Hit.FIRST:
        return
    for number, region in enumerate(world.pieces):
        later = world.owners[number]
        if region is not later.regions[0]:
            continue
        for earlier, both in _partners(world, later, steps):
            clash = _clash(world, earlier, later)
            if clash is not None:
                yield _found(world, earlier, later, both, clash)


def _partners(world: World, later: Case, steps: Steps) -> Iterator[tuple[Case, Region]]:
    """The earlier cases that share requests with `later`, with a region of such requests."""
    seen: set[int] = set()
    for region in later.regions:
        before = world.before(later, region)
        steps.take(len(before))
        for number in before:
            earlier = world.owners[number]
            if earlier.number not in seen and (both := meet(region, world.pieces[number])) is not None:
                seen.add(earlier.number)
                yield earlier, both


def _clash(world: World, earlier: Case, later: Case) -> str | None:
    if world.ruleset.hit is not Hit.UNIQUE:
        return world.consequences.clash(earlier.effect, later.effect)
    return "hit: unique allows one" if earlier.effect != later.effect else None


def _found(world: World, earlier: Case, later: Case, both: Region, clash: str) -> Found:
    unique = world.ruleset.hit is Hit.UNIQUE
    return finding(
        Kind.OVERLAP,
        Severity.ERROR if unique else Severity.WARNING,
        later.rule,
        partial(_words, world, earlier, later, both, clash),
        partial(world.example, both),
        "make their conditions exclude each other" if unique else "let only one of them hold, or say hit: first",
    )


def _words(world: World, earlier: Case, later: Case, both: Region, clash: str) -> str:
    where = world.space.words(both)
    return f'{named(earlier.rule)} and "{later.rule.name}" both hold where {where}: {clash}'
