"""Tests that a rule file can be given: a request inside each rule, and one just outside each of its faces.

A face is where a rule's region ends in one fact: `driver.age < 21` has one, between 20 and 21. What is expected is what
the engine decides today, so that a later slip (`<=` for `<`) fails a test. The idea is that of MC/DC tests for decision
tables, as Drools' MCDCAnalyser makes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from service.decide import yaml_text
from service.decide.cells import Dimension
from service.decide.decision import ActionRefused, Compiled, NotUnique, RulesetDecision
from service.decide.intervals import OrderedDimension, runs
from service.decide.matcher import bits
from service.decide.ruleset import Facts, Hit, Ruleset, Value
from service.decide.verify.examples import facts_in, given
from service.decide.verify.regions import Region, Space, Steps
from service.decide.verify.world import Case, World, owned

_STEPS = 1_000_000

Change: TypeAlias = Mapping[str, Value | None]
"""Values to put in place of others, None for a fact to leave out."""


@dataclass(frozen=True, slots=True)
class GeneratedTest:
    """One test: the rule whose face it stands at, what is given and what is decided; None if that is refused."""

    rule: str
    given: Facts
    decision: RulesetDecision | None


@dataclass(frozen=True, slots=True)
class Boundaries:
    """All tests in rule order, each request once; and the rules that compare facts with facts and get none."""

    ruleset: Ruleset
    space: Space
    tests: tuple[GeneratedTest, ...]
    left_out: tuple[str, ...]

    def as_yaml(self) -> str:
        """The tests as a rule file's `tests:`, with a comment for each rule."""
        lines = ["tests:"]
        rule = None
        for test in self.tests:
            if test.rule != rule:
                rule = test.rule
                lines.append(f"  # {yaml_text.comment(rule)}")
            lines += list(self._written(test))
        lines += [
            f"  # {yaml_text.comment(name)} compares facts with facts: write its tests by hand"
            for name in self.left_out
        ]
        if not any(test.decision for test in self.tests):
            lines[0] = "tests: []"
        return "\n".join(lines) + "\n"

    def _written(self, test: GeneratedTest) -> Iterator[str]:
        ruleset = self.ruleset
        shown = ", ".join(
            f"{path}: {yaml_text.value(ruleset.facts[path], value)}"
            for path, value in given(test.given, self.space).items()
        )
        if test.decision is None:
            yield f"  # refused: {{{shown}}}"
            return
        expected = [f"fired: [{', '.join(map(yaml_text.text, test.decision.fired))}]"]
        for path, value in test.decision.facts.items():
            if test.given.get(path) != value:
                expected.append(f"{path}: {yaml_text.value(ruleset.facts[path], value)}")
        if test.decision.outcomes:
            expected.append(f"outcomes: [{', '.join(outcome.verb for outcome in test.decision.outcomes)}]")
        yield f"  - given: {{{shown}}}"
        yield f"    expect: {{{', '.join(expected)}}}"


def generate(compiled: Compiled) -> Boundaries:
    """The tests of a ruleset's boundaries; raises `EngineFault`, and `OutOfSteps` for rules beyond all measure."""
    world, steps = World.of(compiled.ruleset), Steps(_STEPS)
    tests: dict[tuple[tuple[str, Value], ...], GeneratedTest] = {}
    for case in world.cases:
        for region in case.regions:
            for facts in _requests(world, case, region, steps):
                key = tuple(sorted(facts.items()))
                if key not in tests:
                    tests[key] = GeneratedTest(case.rule.name, facts, _decided(compiled, facts))
    return Boundaries(
        compiled.ruleset, world.space, tuple(tests.values()), tuple(rule.name for rule, _ in world.left_out)
    )


def _requests(world: World, case: Case, region: Region, steps: Steps) -> Iterator[Facts]:
    """Inside first, then just outside each face; and inside at its other faces where there are several."""
    alone = _alone(world, case, region, steps)
    inside = facts_in(world.ruleset, world.space, alone)
    faces: list[tuple[Change, Change]] = []
    for index, dimension in enumerate(world.space.cells.dimensions):
        if region[index] != world.space.whole[index]:
            values_at_faces = list(_faces(dimension, region[index]))
            at_face = (_with(inside, within) for within, _ in values_at_faces)
            inside = next((values for values in at_face if alone[index] >> dimension.reader()(values) & 1), inside)
            faces += values_at_faces
    yield inside
    for within, beyond in faces:
        yield _with(inside, within)
        yield _with(inside, beyond)


def _alone(world: World, case: Case, region: Region, steps: Steps) -> Region:
    """The part of a region where, if possible, nothing else makes the rule hold or decides in its place."""
    earlier = world.before(case) if world.ruleset.hit is Hit.FIRST else 0
    siblings = owned([case]) & ~(1 << case.first + case.regions.index(region))
    free = next(world.pieces.uncovered(region, earlier | siblings, steps), None)
    return next(world.pieces.uncovered(region, earlier, steps), region) if free is None else free


def _faces(dimension: Dimension, mask: int) -> Iterator[tuple[Change, Change]]:
    """What to change in facts inside to stand at each face, and just beyond it."""
    (path,) = dimension.facts
    if not isinstance(dimension, OrderedDimension):
        yield {}, {path: dimension.sample(next(bits(dimension.full & ~mask)))}
        return
    last = dimension.size - 1 - (dimension.missing is not None)
    inner = mask & dimension.present
    for first, final in runs(inner):
        if first > 0:
            yield {path: dimension.bounds(first)[0]}, {path: dimension.bounds(first - 1)[1]}
        if final < last:
            yield {path: dimension.bounds(final)[1]}, {path: dimension.bounds(final + 1)[0]}
    if dimension.missing is not None and not inner:
        yield {}, {path: dimension.sample(0)}
    if dimension.missing is not None and inner == dimension.present:
        yield {}, {path: None}


def _with(facts: Facts, changed: Change) -> Facts:
    merged = {**facts, **changed}
    return {path: value for path, value in merged.items() if value is not None}


def _decided(compiled: Compiled, facts: Facts) -> RulesetDecision | None:
    try:
        return compiled.decide(facts)
    except (NotUnique, ActionRefused):
        return None
