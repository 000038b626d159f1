"""Rules that can never take effect: their condition holds for no request, or earlier rules always come first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from service.decide.findings import Kind, Severity
from service.decide.ruleset import Hit
from service.decide.verify.regions import Steps, is_covered
from service.decide.verify.world import Case, Found, World, finding, named

_CORRECT = "correct it, or remove it"
_MOST_BLAMED = 24
"""Earlier rules among which it is worth looking for the few that suffice."""


def dead(world: World, _: Steps) -> Iterator[Found]:
    """Rules whose condition no request fulfils."""
    for case in world.cases:
        if not case.regions:
            message = f'"{case.rule.name}" can never fire: no request fulfils its condition'
            yield finding(
                Kind.DEAD, Severity.WARNING, case.rule, partial(str, message), hint="correct it, or remove it"
            )


def shadowed(world: World, steps: Steps) -> Iterator[Found]:
    """Under `hit: first`, rules for whose every request an earlier rule holds as well."""
    if world.ruleset.hit is not Hit.FIRST:
        return
    for case in world.cases:
        earlier = [world.before(case, region) for region in case.regions]
        if case.regions and all(
            is_covered(region, [world.pieces[number] for number in numbers], steps)
            for region, numbers in zip(case.regions, earlier, strict=True)
        ):
            yield finding(
                Kind.SHADOWED,
                Severity.WARNING,
                case.rule,
                partial(_shadowed_by, world, case),
                partial(world.example, case.regions[0]),
                "move it above them, narrow them, or remove it",
            )


def _shadowed_by(world: World, case: Case) -> str:
    first = {world.owners[n].number: world.owners[n] for region in case.regions for n in world.meeting(case, region)}
    owners = _sufficient(case, list(first.values()))
    shown = [named(owner.rule) for owner in owners[:_MOST_BLAMED]]
    more = f" and {len(owners) - len(shown)} more" if len(owners) > len(shown) else ""
    together = "comes first" if len(owners) == 1 else "together come first"
    return f'"{case.rule.name}" never takes effect: {", ".join(shown)}{more} {together} wherever it holds'


def _sufficient(case: Case, owners: list[Case]) -> list[Case]:
    """Of rules that together come first, as few as still do: one if one suffices."""
    enough = Steps(100_000)
    if len(owners) > _MOST_BLAMED:
        return owners
    for owner in owners:
        if _come_first([owner], case, enough):
            return [owner]
    for owner in list(owners):
        others = [one for one in owners if one is not owner]
        if _come_first(others, case, enough):
            owners = others
    return owners


def _come_first(owners: list[Case], case: Case, steps: Steps) -> bool:
    covers = [region for owner in owners for region in owner.regions]
    return all(is_covered(region, covers, steps) for region in case.regions)
