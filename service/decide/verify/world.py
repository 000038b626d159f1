"""What all proofs about one ruleset look at: its rules as regions, and which of them cannot be looked at."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from service.decide.cells import TooManyAlternatives, atoms, inside
from service.decide.findings import Finding, Kind, Severity
from service.decide.ruleset import CompareFacts, Condition, Facts, Rule, Ruleset
from service.decide.verify.consequences import Consequences
from service.decide.verify.examples import facts_in, request
from service.decide.verify.regions import Index, Region, Space, meet

Found: TypeAlias = Callable[[], Finding]
"""A finding that is put into words only if it is shown."""

TURNS = 8
"""Requests of a region that are tried where rules that cannot be analysed might hold as well."""


@dataclass(frozen=True, slots=True)
class Case:
    """One rule that can be analysed; `effect` is the same number for rules that do the same."""

    number: int
    rule: Rule
    regions: tuple[Region, ...]
    effect: int


@dataclass(frozen=True, slots=True)
class World:
    """A ruleset ready for proofs. `pieces` are the regions of all cases in file order, `owners` whose they are."""

    ruleset: Ruleset
    space: Space
    cases: tuple[Case, ...]
    left_out: tuple[tuple[Rule, str], ...]
    consequences: Consequences
    pieces: tuple[Region, ...]
    owners: tuple[Case, ...]
    index: Index

    @classmethod
    def of(cls, ruleset: Ruleset, space: Space | None = None) -> World:
        """The ruleset in its own space, or in one that was cut for it and others."""
        space = space or Space.of(ruleset)
        consequences = Consequences.of(ruleset)
        cases, left_out = [], []
        for number, rule in enumerate(ruleset.rules):
            reason, regions = analysed(space, rule.when)
            if reason is not None:
                left_out.append((rule, reason))
            else:
                cases.append(Case(number, rule, regions, consequences.effects[number]))
        owned = [(region, case) for case in cases for region in case.regions]
        pieces = tuple(region for region, _ in owned)
        owners = tuple(case for _, case in owned)
        return cls(
            ruleset, space, tuple(cases), tuple(left_out), consequences, pieces, owners, Index(pieces, space.whole)
        )

    def before(self, case: Case, region: Region) -> list[int]:
        """The pieces of earlier cases that may meet a region of `case`, in file order."""
        near = self.index.near(region)
        return near[: bisect_left(near, case.number, key=self._owner)]

    def after(self, case: Case, region: Region) -> list[int]:
        """The pieces of later cases that may meet a region of `case`, in file order."""
        near = self.index.near(region)
        return near[bisect_right(near, case.number, key=self._owner) :]

    def meeting(self, case: Case, region: Region) -> list[int]:
        """The pieces of earlier cases that do meet a region of `case`, in file order."""
        return [number for number in self.before(case, region) if meet(region, self.pieces[number])]

    def _owner(self, piece: int) -> int:
        return self.owners[piece].number

    def example(self, region: Region) -> Mapping[str, object]:
        """A request inside `region`."""
        return request(self.ruleset, facts_in(self.ruleset, self.space, region))

    def example_beyond_doubt(self, region: Region) -> Mapping[str, object] | None:
        """A request inside `region` for which none of the rules left out holds; None if a few tries show none."""
        for turn in range(TURNS if self.left_out else 1):
            facts = facts_in(self.ruleset, self.space, region, turn)
            if not any(self._holds(rule.when, facts) for rule, _ in self.left_out):
                return request(self.ruleset, facts)
        return None

    def _holds(self, condition: Condition, facts: Facts) -> bool:
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
    kind: Kind,
    severity: Severity,
    rule: Rule,
    message: Callable[[], str],
    example: Callable[[], Mapping[str, object] | None] | None = None,
    hint: str | None = None,
) -> Found:
    """A finding at a rule, its words and its example made when it is shown."""
    return partial(_made, kind, severity, rule, message, example, hint)


def _made(
    kind: Kind,
    severity: Severity,
    rule: Rule,
    message: Callable[[], str],
    example: Callable[[], Mapping[str, object] | None] | None,
    hint: str | None,
) -> Finding:
    return Finding(severity, kind, rule.at, message(), rule.name, hint, None if example is None else example())


def named(rule: Rule) -> str:
    """A rule as messages name it."""
    return f'"{rule.name}" (line {rule.at.line})'
