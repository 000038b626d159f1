"""What is tried without consequences: a draft, a published version, or what is active."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from service.decide import Compiled, Explanation, Facts, Ruleset, RulesetDecision, explain, facts
from service.evaluations.sentiment import derived
from service.language import Sentiment
from service.rulesets import ActiveVersions, fingerprint, gate, passed


@dataclass(frozen=True, slots=True)
class CandidateChoice:
    """Whose rules to ask: a draft's text, a published version, or, without either, what is active."""

    ruleset: str
    version: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class CandidateAnswer:
    """What a candidate decides about a request."""

    ruleset: Ruleset
    given: Facts
    decision: RulesetDecision
    result: Mapping[str, object]

    def as_json(self) -> Mapping[str, object]:
        """`fired`, `result` and `outcomes`, as an evaluation answers them."""
        outcomes = [outcome.as_json() for outcome in self.decision.outcomes]
        return {"fired": self.decision.fired, "result": self.result, "outcomes": outcomes}

    def explanation(self) -> Explanation:
        """Why, and why not."""
        return explain.explain(self.ruleset, self.given, self.decision)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Rules that can be asked; `number` is None for a draft."""

    ruleset: Ruleset
    compiled: Compiled
    number: int | None
    sha256: str

    def named(self) -> Mapping[str, object]:
        """How an answer says whose rules decided."""
        return {"name": self.ruleset.name, "version": self.number, "sha256": self.sha256}

    def try_on(self, request: Mapping[str, object], today: date, sentiment: Sentiment | None) -> CandidateAnswer:
        """Decide a request; raises as an evaluation does."""
        given = derived(self.ruleset, facts.read(self.ruleset, request, today), sentiment)
        decision = self.compiled.decide(given)
        return CandidateAnswer(self.ruleset, given, decision, facts.write(self.ruleset, request, decision.facts))


def candidate(live: ActiveVersions, which: CandidateChoice, at: datetime) -> Candidate:
    """The rules to ask; raises as `ActiveVersions.at` and `ActiveVersions.version` do.

    For a draft also `RuleFileRejected`, `WrongName` and `TooMuchToCompile`.
    """
    if which.source is not None:
        ruleset = passed(gate.check(which.source), which.ruleset).ruleset()
        return Candidate(ruleset, Compiled(ruleset), None, fingerprint(which.source))
    serving = live.version(which.ruleset, which.version) if which.version else live.at(which.ruleset, at)
    return Candidate(serving.ruleset, serving.compiled, serving.version.number, serving.version.sha256)
