"""Trying a request without consequences: the decision and why, recorded as a dry run, nothing carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service import ids
from service.audit.entry import EntryType
from service.clock import Clock
from service.decide import explain, facts
from service.decide.decision import Compiled
from service.decide.ruleset import Ruleset
from service.evaluations.sentiment import derived
from service.language import Sentiment
from service.rulesets import gate
from service.rulesets.library import fingerprint
from service.rulesets.live import Live
from service.rulesets.publishing import passed
from service.storage import AuditEntry, Store


@dataclass(frozen=True, slots=True)
class Trial:
    """What to try: a draft's text, a published version, or, without either, what is active."""

    ruleset: str
    request: Mapping[str, object]
    request_id: str
    app: str
    raw_data: str
    version: int | None = None
    source: str | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Which rules a trial asks; `number` is None for a draft."""

    ruleset: Ruleset
    compiled: Compiled
    number: int | None
    sha256: str


class DryRuns:
    """Tries requests with the rulesets that are live here, or with drafts."""

    def __init__(self, live: Live, store: Store, clock: Clock, sentiment: Sentiment | None = None) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._sentiment = sentiment

    def run(self, trial: Trial) -> Mapping[str, object]:
        """The decision, the explanation and what would be asked for.

        Raises as an evaluation does; for a draft also `Refused` and `WrongName`.
        """
        at = trial.as_of or self._clock.now()
        candidate = self._candidate(trial, at)
        ruleset = candidate.ruleset
        given = derived(ruleset, facts.read(ruleset, trial.request, at.date()), self._sentiment)
        decision = candidate.compiled.decide(given)
        answer = {
            "request_id": trial.request_id,
            "ruleset": {"name": ruleset.name, "version": candidate.number, "sha256": candidate.sha256},
            "fired": decision.fired,
            "result": facts.write(ruleset, trial.request, decision.facts),
            "outcomes": [outcome.as_json() for outcome in decision.outcomes],
        }
        self._record(trial, answer)
        return {**answer, "explanation": explain.explain(ruleset, given, decision).as_json()}

    def _candidate(self, trial: Trial, at: datetime) -> _Candidate:
        if trial.source is not None:
            ruleset = passed(gate.check(trial.source), trial.ruleset).ruleset
            return _Candidate(ruleset, Compiled(ruleset), None, fingerprint(trial.source))
        serving = (
            self._live.version(trial.ruleset, trial.version) if trial.version else self._live.at(trial.ruleset, at)
        )
        return _Candidate(serving.ruleset, serving.compiled, serving.version.number, serving.version.sha256)

    def _record(self, trial: Trial, answer: Mapping[str, object]) -> None:
        now = self._clock.now()
        entry_id, type_ = ids.fresh(now), EntryType.DRY_RUN
        self._store.append(
            AuditEntry(entry_id, trial.request_id, type_, now, trial.app, trial.raw_data, trial.ruleset, answer)
        )
