"""Two rules for one request that cannot both be meant: under `hit: unique` any two, under `hit: all` contradictions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial, reduce
from itertools import islice
from operator import or_

from service.decide.findings import Flaw, Severity
from service.decide.ruleset import Hit
from service.decide.verify.regions import Region, Steps, meet
from service.decide.verify.world import MAX_SHOWN, Case, Found, MoreFindings, World, finding, named


def overlaps(world: World, steps: Steps) -> Iterator[Found]:
    """Pairs of rules that hold for one request and clash, each pair once, at the later rule."""
    if world.ruleset.hit is Hit.FIRST:
        return
    room = MAX_SHOWN
    for later in world.cases:
        steps.take(1)
        among = _clashing(world, later.effect) & world.before(later)
        clashing = reduce(or_, [world.pieces.meeting(region, among) for region in later.regions], 0)
        earlier = list(islice(world.owning(clashing), room))
        room -= len(earlier)
        yield from (_found(world, one, later) for one in earlier)
        if room == 0:
            yield MoreFindings(world.number_owning(clashing) - len(earlier))


def _clashing(world: World, effect: int) -> int:
    """The pieces of rules that clash with one of this effect below them."""
    if world.ruleset.hit is Hit.UNIQUE:
        return world.pieces.all & ~world.doers.alike(effect)
    return world.doers.clashing(effect)


def _found(world: World, earlier: Case, later: Case) -> Found:
    unique = world.ruleset.hit is Hit.UNIQUE
    pairs = (meet(one, other) for one in later.regions for other in earlier.regions)
    both = next(region for region in pairs if region is not None)
    return finding(
        Flaw.OVERLAP,
        Severity.ERROR if unique else Severity.WARNING,
        later.rule,
        partial(_words, world, earlier, later, both),
        partial(world.example, both),
        "make their conditions exclude each other" if unique else "let only one of them hold, or say hit: first",
    )


def _words(world: World, earlier: Case, later: Case, both: Region) -> str:
    unique = world.ruleset.hit is Hit.UNIQUE
    clash = "hit: unique allows one" if unique else world.consequences.clash(earlier.effect, later.effect)
    return f'{named(earlier.rule)} and "{later.rule.name}" both hold {world.space.where(both)}: {clash}'
