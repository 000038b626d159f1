"""Rules whose removal would change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial, reduce
from itertools import islice
from operator import or_

from service.decide.findings import Flaw, Severity
from service.decide.ruleset import Hit
from service.decide.verify.consequences import touched
from service.decide.verify.regions import Region, Steps, around, lowest
from service.decide.verify.world import Case, Found, World, finding, named

_SHOWN = 8
_HINT = "remove one of them, or join their conditions with or"


def redundant(world: World, steps: Steps) -> Iterator[Found]:
    """Rules that can be removed without changing any decision's facts and outcomes, and duplicates under unique."""
    proof = {Hit.FIRST: _under_first, Hit.ALL: _under_all, Hit.UNIQUE: _under_unique}[world.ruleset.hit]
    for case in world.cases:
        others = proof(world, case, steps) if case.regions else None
        if others:
            yield finding(
                Flaw.REDUNDANT,
                Severity.WARNING,
                case.rule,
                partial(_words, world, case, others),
                partial(world.example, case.regions[0]),
                _HINT,
            )


def _words(world: World, case: Case, others: int) -> str:
    shown = ", ".join(named(other.rule) for other in islice(world.owning(others), _SHOWN))
    beyond = world.number_owning(others) - _SHOWN
    more = f" and {beyond} more" if beyond > 0 else ""
    if world.ruleset.hit is Hit.UNIQUE:
        return (
            f'"{case.rule.name}" does the same as {shown}{more} and they hold for one request, '
            "which hit: unique refuses"
        )
    return f'"{case.rule.name}" changes nothing: without it {shown}{more} would do the same'


def _under_first(world: World, case: Case, steps: Steps) -> int | None:
    """The pieces of rules that would do the same if `case` were removed; None if anything would change."""
    if any(rule.at > case.rule.at for rule, _ in world.left_out):
        return None
    heirs = 0
    for region in case.regions:
        for won in world.pieces.uncovered(region, world.before(case), steps):
            inheriting = _heirs(world, won, case, steps)
            if inheriting is None:
                return None
            heirs |= inheriting
    return heirs


def _heirs(world: World, won: Region, case: Case, steps: Steps) -> int | None:
    """The pieces that decide `won` instead of `case`, if all of them do the same and nothing is left undecided."""
    heirs = 0
    waiting = [(won, world.after(case))]
    while waiting:
        left, later = waiting.pop()
        steps.take(1)
        later = world.pieces.meeting(left, later)
        heir = lowest(later)
        if not later or world.owners[heir].effect != case.effect:
            return None
        heirs |= 1 << heir
        waiting.extend((rest, later) for rest in around(left, world.pieces[heir]))
    return heirs


def _under_all(world: World, case: Case, steps: Steps) -> int | None:
    """Pieces of earlier rules that set the same facts alike wherever `case` does, if no other rule meddles."""
    if not world.consequences[case.effect].repeatable or _is_meddled_with(world, case):
        return None
    same = 0
    for region in case.regions:
        covering = world.pieces.covering(region, _alike(world, case), steps)
        if covering is None:
            return None
        same |= covering
    return same


def _is_meddled_with(world: World, case: Case) -> bool:
    """Whether a rule that does something else changes a fact that `case` sets, for one of its requests."""
    mine, meddling = touched(case.rule), world.doers.meddling(case.effect)
    return any(touched(rule) & mine for rule, _ in world.left_out) or any(
        world.pieces.meeting(region, meddling) for region in case.regions
    )


def _under_unique(world: World, case: Case, _: Steps) -> int | None:
    """Pieces of earlier rules that do the same and hold for one of its requests: the engine still refuses to choose."""
    alike = _alike(world, case)
    return reduce(or_, [world.pieces.meeting(region, alike) for region in case.regions], 0)


def _alike(world: World, case: Case) -> int:
    """The pieces of earlier rules that do the same."""
    return world.doers.alike(case.effect) & world.before(case)
