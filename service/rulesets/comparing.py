"""One request decided by two versions: what each answers, and what differs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from service.decide import (
    ActionRefused,
    Compiled,
    Facts,
    FactsRefused,
    NotUnique,
    Outcome,
    Place,
    Ruleset,
    RulesetDecision,
    Value,
    facts,
)
from service.rulesets.reading import Reader
from service.rulesets.recorded import RecordedRequest

NOWHERE = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Decided:
    """The rules that fired, the facts they left, what they ask for; `declared` are the facts that there may be."""

    fired: tuple[str, ...]
    facts: Facts
    outcomes: tuple[Outcome, ...]
    declared: Collection[str]


def decided_by(ruleset: Ruleset, decision: RulesetDecision) -> Decided:
    """A decision of a ruleset as an answer."""
    return Decided(decision.fired, decision.facts, decision.outcomes, ruleset.facts)


@dataclass(frozen=True, slots=True)
class NotDecided:
    """The version does not decide this request; `why` names the paths that do not fit."""

    why: str


Answer: TypeAlias = Decided | NotDecided


@dataclass(frozen=True, slots=True)
class DecisionDifference:
    """The differences of two decisions about one request; none if `changed` is False.

    Only facts that both versions declare are compared: one that comes or goes with a version is no decision.
    `amounts` are new less old, of every number that changed; `values` are other facts that changed.
    """

    changed: bool
    amounts: Mapping[str, Decimal]
    values: frozenset[str]
    outcomes: bool


SAME = DecisionDifference(False, {}, frozenset(), False)


class VersionComparison:
    """Two versions, ready to be asked the same."""

    def __init__(self, old: Compiled, new: Compiled) -> None:
        self._old = old
        self._new = new
        self._old_reader, self._new_reader = Reader(old.ruleset), Reader(new.ruleset)
        self._declared_alike = _declared(old.ruleset) == _declared(new.ruleset)

    def answers(self, asked: RecordedRequest) -> tuple[Answer, Answer]:
        """What the old and the new version answer; raises `EngineFault` if one cannot be asked."""
        if not self._declared_alike:
            return _asked(self._old, self._old_reader, asked), _asked(self._new, self._new_reader, asked)
        try:
            given = facts_of(self._old.ruleset, self._old_reader, asked)
        except FactsRefused as error:
            refused = NotDecided(str(error))
            return refused, refused
        if self._nothing_fires(given):
            silent = Decided((), given, (), self._old.ruleset.facts)
            return silent, silent
        return decided(self._old, given), decided(self._new, given)

    def _nothing_fires(self, given: Facts) -> bool:
        """Whether neither version has anything to do, as for most requests: then no actions need to run."""
        try:
            return not any(compiled.fired(compiled.cells.signature(given)) for compiled in (self._old, self._new))
        except NotUnique:
            return False


def answer(compiled: Compiled, asked: RecordedRequest) -> Answer:
    """What a version answers to a recorded request."""
    return _asked(compiled, Reader(compiled.ruleset), asked)


def _asked(compiled: Compiled, reader: Reader, asked: RecordedRequest) -> Answer:
    try:
        return decided(compiled, facts_of(compiled.ruleset, reader, asked))
    except FactsRefused as error:
        return NotDecided(str(error))


def facts_of(ruleset: Ruleset, reader: Reader, asked: RecordedRequest) -> Facts:
    """The typed facts of a recorded request, computed ones as they were recorded.

    `FactsRefused` if they do not fit or were not computed.
    """
    given = reader.read(asked.request, asked.today)
    for derivation in facts.underived(ruleset, given):
        if f"{derivation.path}.label" not in asked.scores:
            raise FactsRefused((facts.FactError(derivation.path, "was not computed when this request was decided"),))
        names = ("positive", "negative", "neutral", "mixed")
        scores = {name: Decimal(asked.scores[f"{derivation.path}.{name}"]) for name in names}
        given = facts.derive(given, derivation, asked.scores[f"{derivation.path}.label"], scores)
    return given


def decided(compiled: Compiled, given: Facts) -> Answer:
    """What a version answers to typed facts."""
    try:
        decision = compiled.decide(given)
    except (ActionRefused, NotUnique) as error:
        return NotDecided(str(error))
    return decided_by(compiled.ruleset, decision)


def difference(old: Decided, new: Decided) -> DecisionDifference:
    """What changes from one answer to the other."""
    if old is new:
        return SAME
    outcomes = old.outcomes != new.outcomes
    if old.facts == new.facts:
        return DecisionDifference(True, {}, frozenset(), outcomes) if outcomes or old.fired != new.fired else SAME
    shared = (path for path in {**old.facts, **new.facts} if path in old.declared and path in new.declared)
    paths = [path for path in shared if old.facts.get(path) != new.facts.get(path)]
    if not (paths or outcomes or old.fired != new.fired):
        return SAME
    amounts = {
        path: amount for path in paths if (amount := _amount(old.facts.get(path), new.facts.get(path))) is not None
    }
    return DecisionDifference(True, amounts, frozenset(paths) - amounts.keys(), outcomes)


def _amount(old: Value | None, new: Value | None) -> Decimal | None:
    numbers = [value for value in (old, new) if isinstance(value, int | Decimal) and not isinstance(value, bool)]
    return Decimal(numbers[1]) - Decimal(numbers[0]) if len(numbers) == 2 else None


def _declared(ruleset: Ruleset) -> object:
    """What a ruleset does with a request, without the places in its file."""
    declared = {path: replace(fact, at=NOWHERE) for path, fact in ruleset.facts.items()}
    return declared, {replace(derivation, at=NOWHERE) for derivation in ruleset.derived}
