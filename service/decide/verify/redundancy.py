"""Rules whose removal would change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from service.decide.findings import Kind, Severity
from service.decide.ruleset import Hit
from service.decide.verify.consequences import touched
from service.decide.verify.regions import Region, Steps, is_covered, meet, uncovered
from service.decide.verify.world import Case, Found, World, finding, named

_HINT = "remove one of them, or join their conditions with or"


def redundant(world: World, steps: Steps) -> Iterator[Found]:
    """Rules that can be removed without changing any decision's facts and outcomes, and duplicates under unique."""
    proof = {Hit.FIRST: _under_first, Hit.ALL: _under_all, Hit.UNIQUE: _under_unique}[world.ruleset.hit]
    for case in world.cases:
        others = proof(world, case, steps) if case.regions else None
        if others:
            yield finding(
                Kind.REDUNDANT,
                Severity.WARNING,
                case.rule,
                partial(_words, world, case, others),
                partial(world.example, case.regions[0]),
                _HINT,
            )


def _words(world: World, case: Case, others: list[Case]) -> str:
    shown = ", ".join(named(other.rule) for other in others[:8])
    more = f" and {len(others) - 8} more" if len(others) > 8 else ""
    if world.ruleset.hit is Hit.UNIQUE:
        return (
            f'"{case.rule.name}" does the same as {shown}{more} and they hold for one request, '
            "which hit: unique refuses"
        )
    return f'"{case.rule.name}" changes nothing: without it {shown}{more} would do the same'


def _under_first(world: World, case: Case, steps: Steps) -> list[Case] | None:
    """The rules that would do the same if `case` were removed; None if anything would change."""
    if any(rule.at > case.rule.at for rule, _ in world.left_out):
        return None
    heirs: dict[int, Case] = {}
    for region in case.regions:
        later = world.after(case, region)
        earlier = [world.pieces[number] for number in world.before(case, region)]
        for won in uncovered(region, earlier, steps):
            inheriting = _heirs(world, won, later, case.effect, steps)
            if inheriting is None:
                return None
            heirs.update(inheriting)
    return list(heirs.values())


def _heirs(world: World, won: Region, later: list[int], effect: int, steps: Steps) -> dict[int, Case] | None:
    """The rules that decide `won` instead, if all of them have this effect and nothing is left undecided."""
    heirs: dict[int, Case] = {}
    left = [won]
    for number in later:
        cover, owner = world.pieces[number], world.owners[number]
        steps.take(len(left))
        if not any(meet(one, cover) for one in left):
            continue
        if owner.effect != effect:
            return None
        heirs[owner.number] = owner
        left = [rest for one in left for rest in uncovered(one, [cover], steps)]
        if not left:
            return heirs
    return None


def _under_all(world: World, case: Case, steps: Steps) -> list[Case] | None:
    """Earlier rules that set the same facts to the same values wherever `case` does, and no other rule meddles."""
    same = _alike(world, case, steps) if world.consequences[case.effect].repeatable else {}
    covers = [region for owner in same.values() for region in owner.regions]
    if not covers or _is_meddled_with(world, case, steps):
        return None
    covered = all(is_covered(region, covers, steps) for region in case.regions)
    return list(same.values()) if covered else None


def _is_meddled_with(world: World, case: Case, steps: Steps) -> bool:
    """Whether a rule that does something else changes a fact that `case` sets, for one of its requests."""
    mine = touched(case.rule)
    steps.take(len(world.cases))
    meddlers = [other for other in world.cases if other.effect != case.effect and touched(other.rule) & mine]
    return any(touched(rule) & mine for rule, _ in world.left_out) or any(
        meet(one, other) for meddler in meddlers for one in case.regions for other in meddler.regions
    )


def _under_unique(world: World, case: Case, steps: Steps) -> list[Case] | None:
    """Earlier rules that do the same and hold for one of its requests: the engine still refuses to choose."""
    return list(_alike(world, case, steps).values())


def _alike(world: World, case: Case, steps: Steps) -> dict[int, Case]:
    """Earlier rules with the same effect that hold for one of its requests."""
    alike: dict[int, Case] = {}
    for region in case.regions:
        numbers = world.before(case, region)
        steps.take(len(numbers))
        for number in numbers:
            owner = world.owners[number]
            if owner.effect == case.effect and meet(region, world.pieces[number]):
                alike[owner.number] = owner
    return alike
