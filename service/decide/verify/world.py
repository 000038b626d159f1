"""What all proofs about one ruleset look at: its rules as regions, and which of them cannot be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from itertools import groupby
from operator import or_
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.decide.cells import TooManyAlternatives, atoms, inside
from service.decide.findings import Finding, Flaw, Severity
from service.decide.matcher import bits
from service.decide.ruleset import CompareFacts, Condition, Facts, Rule, Ruleset
from service.decide.verify.consequences import Consequences, RegionsByConsequence
from service.decide.verify.covers import Covers
from service.decide.verify.examples import facts_in, request
from service.decide.verify.regions import Region, Space

MAX_SHOWN = 20
"""Findings of one proof that are shown one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class MoreFindings:
    """So many more findings of the same proof, which nobody needs one by one."""

    count: int


Found: TypeAlias = Callable[[], Finding] | MoreFindings
"""A finding that is put into words only if it is shown."""

TURNS = 8
"""Requests of a region that are tried where rules that cannot be analysed might hold as well."""


@dataclass(frozen=True, slots=True)
class Case:
    """One rule that can be analysed; `effect` is the same number for rules that do the same.

    Its regions are the world's pieces from number `first` on.
    """

    number: int
    rule: Rule
    regions: tuple[Region, ...]
    effect: int
    first: int


@dataclass(frozen=True, slots=True)
class World:
    """A ruleset ready for proofs. `pieces` are the regions of all cases in file order, `owners` whose they are.

    Sets of pieces are bit masks over their numbers.
    """

    ruleset: Ruleset
    space: Space
    cases: tuple[Case, ...]
    left_out: tuple[tuple[Rule, str], ...]
    consequences: Consequences
    pieces: Covers
    owners: tuple[Case, ...]
    doers: RegionsByConsequence
    begins: NDArray[np.intp]
    """The number of each case's first piece, for those that have one."""

    @classmethod
    def of(cls, ruleset: Ruleset, space: Space | None = None) -> World:
        """The ruleset in its own space, or in one that was cut for it and others."""
        space = space or Space.of(ruleset)
        consequences = Consequences.of(ruleset)
        cases: list[Case] = []
        left_out: list[tuple[Rule, str]] = []
        owners: list[Case] = []
        for number, rule in enumerate(ruleset.rules):
            reason, regions = analysed(space, rule.when)
            if reason is not None:
                left_out.append((rule, reason))
                continue
            cases.append(Case(number, rule, regions, consequences.effects[number], len(owners)))
            owners += [cases[-1]] * len(regions)
        pieces = Covers([region for case in cases for region in case.regions])
        doers = RegionsByConsequence([owner.effect for owner in owners], consequences)
        begins = np.array([case.first for case in cases if case.regions], dtype=np.intp)
        return cls(ruleset, space, tuple(cases), tuple(left_out), consequences, pieces, tuple(owners), doers, begins)

    def before(self, case: Case) -> int:
        """The pieces of earlier cases."""
        return (1 << case.first) - 1

    def after(self, case: Case) -> int:
        """The pieces of later cases."""
        return self.pieces.all & -(1 << case.first + len(case.regions))

    def owning(self, pieces: int) -> Iterator[Case]:
        """The cases that some pieces belong to, in file order."""
        return (case for case, _ in groupby(self.owners[piece] for piece in bits(pieces)))

    def number_owning(self, pieces: int) -> int:
        """How many cases some pieces belong to."""
        packed = np.frombuffer(pieces.to_bytes(len(self.owners) // 8 + 1, "little"), dtype=np.uint8)
        each = np.unpackbits(packed, count=len(self.owners), bitorder="little")
        return int(np.count_nonzero(np.logical_or.reduceat(each, self.begins))) if pieces else 0

    def example(self, region: Region) -> Mapping[str, object]:
        """A request inside `region`."""
        return request(self.ruleset, facts_in(self.ruleset, self.space, region), self.space)

    def example_beyond_doubt(self, region: Region) -> Mapping[str, object] | None:
        """A request inside `region` for which none of the rules left out holds; None if a few tries show none."""
        for turn in range(TURNS if self.left_out else 1):
            facts = facts_in(self.ruleset, self.space, region, turn)
            if not any(self.may_hold(rule.when, facts) for rule, _ in self.left_out):
                return request(self.ruleset, facts, self.space)
        return None

    def may_hold(self, condition: Condition, facts: Facts) -> bool:
        """Whether a condition is true, or has too many alternatives to be sure that it is not."""
        try:
            boxes = self.space.cells.boxes(condition)
        except TooManyAlternatives:
            return True
        signature = self.space.cells.signature(facts)
        return any(inside(box, signature) for box in boxes)


def analysed(space: Space, condition: Condition) -> tuple[str | None, tuple[Region, ...]]:
    """The regions of a condition, or why it has none that proofs could use."""
    if any(isinstance(atom, CompareFacts) for atom in atoms(condition)):
        return "it compares a fact with a fact", ()
    try:
        return None, space.regions(condition)
    except TooManyAlternatives as error:
        return str(error), ()


def finding(
    kind: Flaw,
    severity: Severity,
    rule: Rule,
    message: Callable[[], str],
    example: Callable[[], Mapping[str, object] | None] | None = None,
    hint: str | None = None,
) -> Found:
    """A finding at a rule, its words and its example made when it is shown."""
    return partial(_made, kind, severity, rule, message, example, hint)


def _made(
    kind: Flaw,
    severity: Severity,
    rule: Rule,
    message: Callable[[], str],
    example: Callable[[], Mapping[str, object] | None] | None,
    hint: str | None,
) -> Finding:
    return Finding(severity, kind, rule.at, message(), rule.name, hint, None if example is None else example())


def owned(cases: Iterable[Case]) -> int:
    """The pieces of some cases, as a mask."""
    return reduce(or_, [((1 << len(case.regions)) - 1) << case.first for case in cases], 0)


def named(rule: Rule) -> str:
    """A rule as messages name it."""
    return f'"{rule.name}" (line {rule.at.line})'
