"""From typed facts to a decision: signature, memo or engine, then the actions on the real values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count
from typing import Protocol

from service.core import TocsinError
from service.decide.branches import Branches, branches_of
from service.decide.cells import Cells, Signature
from service.decide.effects import ActionRefused, Effect, Working, effects_of
from service.decide.engine import Engine, EngineDisagreement, EngineFault
from service.decide.matcher import Matcher
from service.decide.memo import Memo
from service.decide.outcomes import Outcome
from service.decide.ruleset import Facts, Hit, Ruleset

__all__ = [
    "ActionRefused",
    "Compiled",
    "DecidedBy",
    "EngineDisagreement",
    "EngineFault",
    "NotUnique",
    "RulesetDecision",
]

MEMO_ENTRIES = 65_536
MEMO_BYTES = 16 * 1024 * 1024


class DecidedBy(StrEnum):
    """Whether the engine was asked for this signature now or before."""

    ENGINE = "engine"
    MEMO = "memo"


class NotUnique(TocsinError):
    """Several rules match where `hit: unique` allows one: the rules or the request must change."""

    def __init__(self, rules: tuple[str, ...]) -> None:
        named = ", ".join(f'"{rule}"' for rule in rules)
        super().__init__(
            f"{named} all match this request, but the ruleset says hit: unique; make them exclude each other"
        )
        self.rules = rules


@dataclass(frozen=True, slots=True)
class RulesetDecision:
    """The outcome of one evaluation. `facts` are the given ones as the fired rules' actions left them."""

    fired: tuple[str, ...]
    facts: Facts
    outcomes: tuple[Outcome, ...]
    decided_by: DecidedBy
    signature: Signature


class Inference(Protocol):
    """Who says which rules fire: `Engine`, or what a test puts in its place."""

    def fired(self, signature: Signature) -> tuple[int, ...]:
        """The numbers of the rules that fire, in file order; raises `EngineFault`."""

    def rebuild(self) -> None:
        """Start afresh before the next question."""

    def build_all(self) -> None:
        """Build everything that is built on demand; raises `EngineFault`."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a signature comes to: the rules that take effect and their actions in order."""

    fired: tuple[str, ...]
    effects: tuple[Effect, ...]


class Compiled:
    """A ruleset ready to decide: immutable to its callers, safe for threads and across fork."""

    def __init__(self, ruleset: Ruleset, infer: Callable[[Branches], Inference] = Engine) -> None:
        """Raises `TooManyAlternatives` or `TooManyConditions` for a rule that no engine takes, `EngineFault`."""
        self.ruleset = ruleset
        self.cells = Cells.cut(ruleset)
        branches = branches_of(ruleset, self.cells)
        self._matcher = Matcher(branches)
        self._engine = infer(branches)
        self._effects = tuple(effects_of(ruleset, rule) for rule in ruleset.rules)
        self._memo = _new_memo()
        self._disagreed = count()
        self.disagreements = 0

    def decide(self, facts: Facts) -> RulesetDecision:
        """Decide a request whose facts `facts.read` has typed.

        Raises `EngineFault` (nothing is decided, ask again), `NotUnique` and `ActionRefused` (the request does not fit
        the rules), `FactsDoNotFit` (the facts did not come from `facts.read`).
        """
        signature = self.cells.signature(facts)
        plan = self._memo.get(signature)
        if plan is None:
            return self._carried_out(self._asked(signature), facts, DecidedBy.ENGINE, signature)
        return self._carried_out(plan, facts, DecidedBy.MEMO, signature)

    def fired(self, signature: Signature) -> tuple[str, ...]:
        """The names of the rules that take effect on a signature, in file order; raises as `decide`."""
        plan = self._memo.get(signature)
        return (self._asked(signature) if plan is None else plan).fired

    def build_all(self) -> None:
        """Build what a large ruleset's engine builds on demand, to see that it can be built; raises `EngineFault`."""
        self._engine.build_all()

    def forget(self) -> None:
        """Ask the engine anew for every signature: after doubts about its answers, and to measure it."""
        self._memo = _new_memo()

    def _carried_out(self, plan: _Plan, facts: Facts, decided_by: DecidedBy, signature: Signature) -> RulesetDecision:
        working: Working = dict(facts)
        outcomes: list[Outcome] = []
        for effect in plan.effects:
            effect(working, outcomes)
        return RulesetDecision(plan.fired, working, tuple(outcomes), decided_by, signature)

    def _asked(self, signature: Signature) -> _Plan:
        """The engine's answer, checked by the matcher and remembered."""
        matching = self._engine.fired(signature)
        if matching != self._matcher.match(signature):
            self._engine.rebuild()
            self.disagreements = next(self._disagreed) + 1
            raise EngineDisagreement("the rule engine and its cross-check disagree; nothing was decided, ask again")
        plan = self._plan(matching)
        size = 400 + 8 * (len(signature) + len(plan.fired) + len(plan.effects))
        self._memo.put(signature, plan, size + 32 * sum(cell > 256 for cell in signature))
        return plan

    def _plan(self, matching: tuple[int, ...]) -> _Plan:
        names = tuple(self.ruleset.rules[number].name for number in matching)
        if self.ruleset.hit is Hit.UNIQUE and len(matching) > 1:
            raise NotUnique(names)
        if self.ruleset.hit is Hit.FIRST:
            matching, names = matching[:1], names[:1]
        return _Plan(names, tuple(chain.from_iterable(self._effects[number] for number in matching)))


def _new_memo() -> Memo[Signature, _Plan]:
    return Memo(MEMO_ENTRIES, MEMO_BYTES)
