"""Proofs about a ruleset: gaps, overlaps, dead, shadowed, redundant and impossible rules, each with a request.

Exact over cells, without a solver: a finding is true of the request it shows, and what is not found is not there. What
cannot be decided so is reported as `not_analysed`, never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from service.decide.findings import Finding, Flaw, Severity
from service.decide.ruleset import Place, Ruleset
from service.decide.verify.changes import impossible, shares
from service.decide.verify.conditions import dead, shadowed
from service.decide.verify.gaps import gaps, unanalysed, unmentioned
from service.decide.verify.overlaps import overlaps
from service.decide.verify.redundancy import redundant
from service.decide.verify.regions import OutOfSteps, Steps
from service.decide.verify.world import MAX_SHOWN, Found, MoreFindings, World

STEPS, STEPS_A_RULE = 20_000, 6
"""Regions that one proof may look at: in all, and more for more rules."""

_PROOFS: Mapping[str, Callable[[World, Steps], Iterator[Found]]] = {
    "rules that cannot be analysed": unanalysed,
    "dead rules": dead,
    "shadowed rules": shadowed,
    "redundant rules": redundant,
    "overlaps": overlaps,
    "changes that cannot be made": impossible,
    "amounts that look like shares": shares,
    "gaps": gaps,
    "values that no rule names": unmentioned,
}


def verify_ruleset(ruleset: Ruleset) -> tuple[Finding, ...]:
    """Everything that can be proven to be wrong with a ruleset's rules, by place; raises for no ruleset.

    At most `MAX_SHOWN` findings of a kind are shown and the others counted. A proof that takes too long is given up
    with a finding of kind `not_analysed`.
    """
    world = World.of(ruleset)
    steps = STEPS + STEPS_A_RULE * len(ruleset.rules)
    proven = [finding for what, proof in _PROOFS.items() for finding in _shown(what, proof(world, Steps(steps)))]
    return tuple(sorted(proven, key=lambda finding: finding.at))


def _shown(what: str, proofs: Iterator[Found]) -> Iterator[Finding]:
    """The first findings of a proof, how many there are beyond, and whether it was given up."""
    shown: list[Finding] = []
    more, given_up = 0, None
    try:
        for proof in proofs:
            if isinstance(proof, MoreFindings):
                more += proof.count
            elif len(shown) < MAX_SHOWN:
                shown.append(proof())
            else:
                more += 1
    except OutOfSteps as error:
        given_up = error
    yield from shown
    if more:
        message = f"and {'at least ' if given_up else ''}{more:,} more of this kind ({what})"
        yield replace(shown[-1], message=message, rule=None, example=None, hint=None)
    elif given_up:
        message = f"the search for {what} was given up, there may be more: {given_up}"
        at = shown[-1].at if shown else Place(1, 1)
        yield Finding(Severity.WARNING, Flaw.NOT_ANALYSED, at, message, hint="split the ruleset")
