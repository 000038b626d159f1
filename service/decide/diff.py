"""What changes for requests when one version of a ruleset takes the place of another: regions, not lines.

Exact over the cells of both versions together. Under `hit: first` a change is another rule deciding, or the same one
doing something else; otherwise it is a rule that begins or ceases to hold, or does something else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from service.decide.declared_changes import changes_of_facts, joint_facts, retyped
from service.decide.describe import actions_text
from service.decide.matcher import bits
from service.decide.ruleset import Fact, Hit, Rule, Ruleset
from service.decide.verify.consequences import does, touched
from service.decide.verify.covers import Covers
from service.decide.verify.examples import read_by
from service.decide.verify.regions import OutOfSteps, Region, Space, Steps, around, joined, lowest, meet, where
from service.decide.verify.world import Case, World
from service.decide.wording import condition_text

MAX_STEPS = 200_000
"""Regions that one diff may look at: a few seconds."""

MAX_CHANGES = 50
"""Changes that are shown; the others are counted."""

_MAX_REGIONS = 3

Pair: TypeAlias = tuple[Case | None, Case | None]
"""The rule before and the rule after; None for no rule."""


@dataclass(frozen=True, slots=True)
class ChangeSide:
    """One version's part in a change: the rule, and what it does."""

    rule: str
    does: str


@dataclass(frozen=True, slots=True)
class ChangedRequests:
    """Requests for which `before` becomes `after`, None standing for no rule. `more` regions are not described."""

    before: ChangeSide | None
    after: ChangeSide | None
    where: tuple[str, ...]
    more: int
    example: Mapping[str, object]

    def as_json(self) -> dict[str, object]:
        """`{"before": {"rule", "does"} | null, "after": …, "where": [..], "more", "example"}`."""
        before, after = (
            None if side is None else {"rule": side.rule, "does": side.does} for side in (self.before, self.after)
        )
        return {
            "before": before,
            "after": after,
            "where": list(self.where),
            "more": self.more,
            "example": self.example,
        }

    def as_text(self) -> str:
        """One sentence a line."""
        more = f", or in {self.more} more regions" if self.more else ""
        return f"{where(*self.where)}{more}:\n    {_shown(self.before)} → {_shown(self.after)}"


@dataclass(frozen=True, slots=True)
class RulesetDifference:
    """Everything that changes. `notes` say what regions cannot: facts, hit policy, order, and what was not compared."""

    notes: tuple[str, ...]
    changes: tuple[ChangedRequests, ...]
    more: int = 0

    @property
    def equivalent(self) -> bool:
        """Whether both versions decide every request alike, as far as is known."""
        return not (self.notes or self.changes)

    def as_json(self) -> dict[str, object]:
        """`{"equivalent", "notes": [..], "changes": [..], "more"}`."""
        changes = [change.as_json() for change in self.changes]
        return {"equivalent": self.equivalent, "notes": list(self.notes), "changes": changes, "more": self.more}

    def as_text(self) -> str:
        """For people: notes, then changes."""
        if self.equivalent:
            return "no request is decided differently"
        more = [f"and {self.more:,} more changes"] if self.more else []
        return "\n".join([*self.notes, *(change.as_text() for change in self.changes), *more])


def diff_rulesets(old: Ruleset, new: Ruleset) -> RulesetDifference:
    """What changes for requests that fit both versions; raises for no two rulesets."""
    facts = joint_facts(old.facts, new.facts)
    uncomparable = retyped(old.facts, new.facts)
    notes = [*changes_of_facts(old.facts, new.facts), *_hit_note(old, new)]
    olds, news = (_comparable(version, facts, uncomparable) for version in (old, new))
    space = Space.of(replace(new, facts=facts, rules=(*olds.rules, *news.rules), must_cover=None, should_cover=None))
    versions = _Versions(World.of(olds, space), World.of(news, space), Steps(MAX_STEPS))
    notes += versions.notes(_left_out(old, uncomparable) | _left_out(new, uncomparable))
    regions: dict[Pair, list[Region]] = {}
    try:
        for pair, region in versions.changes():
            regions.setdefault(pair, []).append(region)
    except OutOfSteps as error:
        notes.append(f"the comparison was given up, there may be more changes: {error}")
    shown = [versions.changed(pair, boxes) for pair, boxes in list(regions.items())[:MAX_CHANGES]]
    return RulesetDifference(tuple(notes), tuple(shown), max(0, len(regions) - MAX_CHANGES))


class _Versions:
    """Two versions in one space."""

    def __init__(self, old: World, new: World, steps: Steps) -> None:
        self._old, self._new, self._steps = old, new, steps
        self._by_name = {case.rule.name: case for case in old.cases}, {case.rule.name: case for case in new.cases}

    def notes(self, not_compared: set[str]) -> Iterator[str]:
        """What cannot be said by regions."""
        keys = [{rule.name: self._key(rule) for rule, _ in world.left_out} for world in (self._old, self._new)]
        changed = {name for name in keys[0] | keys[1] if keys[0].get(name) != keys[1].get(name)}
        if names := sorted(not_compared | changed):
            yield f"not compared: {', '.join(names)}"
        if self._old.ruleset.hit is not Hit.FIRST and (moved := self._moved()):
            yield f"moved: {', '.join(moved)}; where several rules change one fact, the result may differ"

    def changes(self) -> Iterator[tuple[Pair, Region]]:
        """Every change with a region of it; the regions of one pair may overlap. Raises `OutOfSteps`."""
        one_decides = self._old.ruleset.hit is Hit.FIRST and self._new.ruleset.hit is Hit.FIRST
        return self._deciding() if one_decides else self._holding()

    def changed(self, pair: Pair, regions: list[Region]) -> ChangedRequests:
        """One change in words."""
        before, after = pair
        wholes = joined(regions)
        space = self._new.space
        return ChangedRequests(
            self._side(before),
            self._side(after),
            tuple(space.words(region) for region in wholes[:_MAX_REGIONS]),
            max(0, len(wholes) - _MAX_REGIONS),
            self._new.example(wholes[0]),
        )

    def _side(self, case: Case | None) -> ChangeSide | None:
        facts = self._new.ruleset.facts
        return None if case is None else ChangeSide(case.rule.name, actions_text(case.rule.then, facts))

    def _holding(self) -> Iterator[tuple[Pair, Region]]:
        """Rule by rule: where it ceases to hold, where it begins to, and where it does something else."""
        olds, news = self._by_name
        for name in dict.fromkeys([*news, *olds]):
            was, now = olds.get(name), news.get(name)
            before, after = was.regions if was else (), now.regions if now else ()
            if was and now and self._key(was.rule) == self._key(now.rule):
                continue
            yield from (((was, None), rest) for rest in _beyond(before, after, self._steps))
            yield from (((None, now), rest) for rest in _beyond(after, before, self._steps))
            if was and now and does(was.rule) != does(now.rule):
                both = (meet(one, other) for one in before for other in after)
                yield from (((was, now), region) for region in both if region is not None)

    def _deciding(self) -> Iterator[tuple[Pair, Region]]:
        """Inside the regions of rules that changed or moved: which rule decides before and after."""
        affected = Covers(list(self._affected()))
        for number in bits(affected.all):
            for piece in affected.uncovered(affected[number], (1 << number) - 1, self._steps):
                for inner, before in _deciders(self._old, piece, self._steps):
                    for innermost, after in _deciders(self._new, inner, self._steps):
                        if self._differ(before, after):
                            yield (before, after), innermost

    def _affected(self) -> Iterator[Region]:
        olds, news = self._by_name
        moved = set(self._moved())
        for name in dict.fromkeys([*olds, *news]):
            was, now = olds.get(name), news.get(name)
            if was is None or now is None or name in moved or self._key(was.rule) != self._key(now.rule):
                yield from (*(was.regions if was else ()), *(now.regions if now else ()))

    def _differ(self, before: Case | None, after: Case | None) -> bool:
        if before is None or after is None:
            return before is not after
        return before.rule.name != after.rule.name or does(before.rule) != does(after.rule)

    def _moved(self) -> list[str]:
        """The fewest rules of both versions that, taken out, leave the others in the same order."""
        olds, news = self._by_name
        common = [name for name in news if name in olds]
        kept = {common[index] for index in _longest_rising([olds[name].number for name in common])}
        return [name for name in common if name not in kept]

    def _key(self, rule: Rule) -> tuple[str, str]:
        facts = self._new.ruleset.facts
        return condition_text(rule.when, facts), does(rule)


def _deciders(world: World, region: Region, steps: Steps) -> Iterator[tuple[Region, Case | None]]:
    """Who decides where in `region` under `hit: first`."""
    waiting = [(region, world.pieces.all)]
    while waiting:
        left, near = waiting.pop()
        steps.take(1)
        near = world.pieces.meeting(left, near)
        cover = world.pieces[lowest(near)] if near else None
        both = None if cover is None else meet(left, cover)
        if cover is None or both is None:
            yield left, None
            continue
        yield both, world.owners[lowest(near)]
        waiting.extend((rest, near) for rest in around(left, cover))


def _beyond(regions: Sequence[Region], covers: Sequence[Region], steps: Steps) -> Iterator[Region]:
    """What the covers do not hold of the regions."""
    around_them = Covers(covers)
    return (rest for region in regions for rest in around_them.uncovered(region, around_them.all, steps))


def _longest_rising(numbers: list[int]) -> set[int]:
    """The places of a longest rising subsequence (patience sorting)."""
    tops: list[int] = []
    places: list[int] = []
    before: list[int | None] = []
    for place, number in enumerate(numbers):
        pile = bisect_left(tops, number)
        tops[pile : pile + 1] = [number]
        places[pile : pile + 1] = [place]
        before.append(places[pile - 1] if pile else None)
    chain: set[int] = set()
    last = places[-1] if places else None
    while last is not None:
        chain.add(last)
        last = before[last]
    return chain


def _comparable(version: Ruleset, facts: Mapping[str, Fact], uncomparable: frozenset[str]) -> Ruleset:
    """A version over the joint facts, without the rules that cannot be compared."""
    left_out = _left_out(version, uncomparable)
    return replace(version, facts=facts, rules=tuple(rule for rule in version.rules if rule.name not in left_out))


def _left_out(version: Ruleset, uncomparable: frozenset[str]) -> set[str]:
    return {rule.name for rule in version.rules if not uncomparable.isdisjoint(_read(rule))}


def _read(rule: Rule) -> Iterator[str]:
    yield from read_by(rule.when)
    yield from touched(rule)


def _hit_note(old: Ruleset, new: Ruleset) -> Iterator[str]:
    if old.hit is not new.hit:
        yield f"hit: {old.hit} became hit: {new.hit}; requests that several rules match are decided by another policy"


def _shown(side: ChangeSide | None) -> str:
    return "no rule" if side is None else f'"{side.rule}" ({side.does})'
