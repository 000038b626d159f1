"""Rules that can never take effect: their condition holds for no request, or earlier rules always come first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from service.decide.findings import Flaw, Severity
from service.decide.ruleset import Hit
from service.decide.verify.regions import Steps
from service.decide.verify.world import Case, Found, World, finding, named, owned

_CORRECT = "correct it, or remove it"
_MOST_BLAMED, _STEPS_TO_BLAME = 24, 100_000
"""Earlier rules among which it is worth looking for the few that suffice, and how long."""


def dead(world: World, _: Steps) -> Iterator[Found]:
    """Rules whose condition no request fulfils."""
    for case in world.cases:
        if not case.regions:
            message = f'"{case.rule.name}" can never fire: no request fulfils its condition'
            yield finding(Flaw.DEAD, Severity.WARNING, case.rule, partial(str, message), hint=_CORRECT)


def shadowed(world: World, steps: Steps) -> Iterator[Found]:
    """Under `hit: first`, rules for whose every request an earlier rule holds as well."""
    if world.ruleset.hit is not Hit.FIRST:
        return
    for case in world.cases:
        earlier = _coming_first(world, case, world.before(case), steps) if case.regions else None
        if earlier is not None:
            yield finding(
                Flaw.SHADOWED,
                Severity.WARNING,
                case.rule,
                partial(_shadowed_by, world, case, earlier),
                partial(world.example, case.regions[0]),
                "move it above them, narrow them, or remove it",
            )


def _coming_first(world: World, case: Case, among: int, steps: Steps) -> list[Case] | None:
    """Some of the rules `among` that together come first wherever `case` holds; None if they leave it a request."""
    pieces = 0
    for region in case.regions:
        covering = world.pieces.covering(region, among, steps)
        if covering is None:
            return None
        pieces |= covering
    return list(world.owning(pieces))


def _shadowed_by(world: World, case: Case, earlier: list[Case]) -> str:
    owners = _fewest(world, case, earlier) if len(earlier) <= _MOST_BLAMED else earlier
    shown = [named(owner.rule) for owner in owners[:_MOST_BLAMED]]
    more = f" and {len(owners) - len(shown)} more" if len(owners) > len(shown) else ""
    together = "comes first" if len(owners) == 1 else "together come first"
    return f'"{case.rule.name}" never takes effect: {", ".join(shown)}{more} {together} wherever it holds'


def _fewest(world: World, case: Case, owners: list[Case]) -> list[Case]:
    """Of rules that together come first, as few as still do: one if one suffices."""
    enough = Steps(_STEPS_TO_BLAME)
    for owner in owners:
        if _coming_first(world, case, owned([owner]), enough):
            return [owner]
    for owner in list(owners):
        others = [rule for rule in owners if rule is not owner]
        if _coming_first(world, case, owned(others), enough):
            owners = others
    return owners
