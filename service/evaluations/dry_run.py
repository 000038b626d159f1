"""Trying a request without consequences: the decision and why, recorded as a dry run, nothing carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.audit import EntryType
from service.core import Clock, ids
from service.evaluations.candidates import CandidateChoice, candidate
from service.language import Sentiment
from service.rulesets import ActiveVersions
from service.storage import AuditEntry, Store


@dataclass(frozen=True, slots=True)
class Trial:
    """What to try, and with whose rules."""

    which: CandidateChoice
    request: Mapping[str, object]
    request_id: str
    app: str
    raw_data: str
    as_of: datetime | None = None


class DryRuns:
    """Tries requests with the rulesets that are live here, or with drafts."""

    def __init__(self, live: ActiveVersions, store: Store, clock: Clock, sentiment: Sentiment | None = None) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._sentiment = sentiment

    def run(self, trial: Trial) -> Mapping[str, object]:
        """The decision, the explanation and what would be asked for.

        Raises as an evaluation does; for a draft also `RuleFileRejected` and `WrongName`.
        """
        at = trial.as_of or self._clock.now()
        asked = candidate(self._live, trial.which, at)
        tried = asked.try_on(trial.request, at.date(), self._sentiment)
        answer = {"request_id": trial.request_id, "ruleset": asked.named(), **tried.as_json()}
        self._record(trial, answer)
        return {**answer, "explanation": tried.explanation().as_json()}

    def _record(self, trial: Trial, answer: Mapping[str, object]) -> None:
        now = self._clock.now()
        entry_id, type_, ruleset = ids.fresh(now), EntryType.DRY_RUN, trial.which.ruleset
        self._store.append(
            AuditEntry(entry_id, trial.request_id, type_, now, trial.app, trial.raw_data, ruleset, answer)
        )
