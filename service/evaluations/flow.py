"""From a request to an audited answer.

request entry durable → facts → decision → response entry and outcomes durable, in one commit → answer. Whatever
fails in between leaves an `exception` entry; if even that cannot be written, the caller is told 503 all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from service.audit import EntryType
from service.core import Clock, exact_json, ids, timestamp
from service.decide import Outcome, RulesetDecision, explain, facts
from service.evaluations import outcomes
from service.evaluations.event_samples import EventSamples
from service.evaluations.problems import exception
from service.evaluations.reach import ReachCheck
from service.evaluations.sentiment import computed, derived
from service.language import Sentiment
from service.rulesets import ActiveVersions, RecordedRequest, ServingVersion, Shadows, decided_by
from service.storage import AlreadyExists, AuditEntry, Store


@dataclass(frozen=True, slots=True)
class EvaluationCall:
    """What an app asks to be decided. `raw_data` is the JSON as it was received, `via` the call it came by.

    `depth` counts the events of rules by which it follows from another evaluation."""

    ruleset: str
    request: Mapping[str, object]
    request_id: str
    evaluation_id: str
    app: str
    raw_data: str
    via: str
    as_of: datetime | None = None
    explain: bool = False
    callback_url: str | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class EvaluatedCall:
    """A decision about a call, and the version that made it; `outcomes` say whom they leave out."""

    call: EvaluationCall
    serving: ServingVersion
    decision: RulesetDecision
    outcomes: tuple[Outcome, ...]
    result: Mapping[str, object]
    explanation: Mapping[str, object] | None = None

    def as_json(self) -> Mapping[str, object]:
        """The whole answer, except the explanation, which is derived and not recorded."""
        return {
            "request_id": self.call.request_id,
            "evaluation_id": self.call.evaluation_id,
            "ruleset": self.serving.version.named(),
            "fired": self.decision.fired,
            "result": self.result,
            "outcomes": [outcome.as_json() for outcome in self.outcomes],
        }

    def particulars(self) -> Mapping[str, object]:
        """What the audit keeps beside the answer, so that the decision can be made again."""
        scores = computed(self.serving.ruleset, self.decision.facts)
        return {
            **self.serving.version.named(),
            "fired": self.decision.fired,
            "decided_by": self.decision.decided_by,
            **({"derived": scores} if scores else {}),
        }

    def origin(self, now: datetime) -> Mapping[str, object]:
        """Where an outcome came from."""
        return {
            "evaluation_id": self.call.evaluation_id,
            "request_id": self.call.request_id,
            "ruleset": self.serving.version.named(),
            "app": self.call.app,
            "at": timestamp(now),
            **({"depth": self.call.depth} if self.call.depth else {}),
            **({} if self.call.callback_url is None else {"callback_url": self.call.callback_url}),
        }


@dataclass(frozen=True, slots=True)
class AuditedAnswer:
    """An answer as it stands in the audit, and why, if that was asked for."""

    raw_data: str
    explanation: Mapping[str, object] | None = None


class Evaluations:
    """Evaluates requests with the rulesets that are live in this process."""

    def __init__(
        self,
        live: ActiveVersions,
        store: Store,
        clock: Clock,
        sentiment: Sentiment | None = None,
        shadows: Shadows | None = None,
        samples: EventSamples | None = None,
        reach: ReachCheck | None = None,
    ) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._sentiment = sentiment
        self._shadows = shadows
        self._samples = samples
        self._reach = reach

    def evaluate(self, call: EvaluationCall, present: Callable[[EvaluatedCall], Mapping[str, object]]) -> AuditedAnswer:
        """Decide a call and answer it as `present` words it, both entries and every outcome being durable by then.

        Raises `UnknownRuleset` before anything is recorded; `FactsRefused`, `ActionRefused`, `NobodyReached`,
        `NotUnique`, `NotYetActive` (the request does not fit) and any `Unavailable` after it is.
        """
        self._live.known(call.ruleset)
        self._store.append(self._entry(call, EntryType.REQUEST, call.raw_data))
        if self._samples is not None:
            self._samples.note(call.ruleset, call.request_id, call.request, call.app)
        with self._failures_recorded(call):
            evaluated = self._decide(call)
            answer = exact_json.readable(present(evaluated))
            answered = self._committed(evaluated, answer)
        self._note_for_shadow(evaluated)
        return answered

    def _note_for_shadow(self, evaluated: EvaluatedCall) -> None:
        """Leave the answered request to the ruleset's shadow, if it has one and this is in its share."""
        call, decision = evaluated.call, evaluated.decision
        if self._shadows is None or (shadow := self._shadows.sampling(call.ruleset, call.request_id)) is None:
            return
        scores = computed(evaluated.serving.ruleset, decision.facts)
        asked = RecordedRequest(call.request_id, call.request, (call.as_of or self._clock.now()).date(), scores)
        self._shadows.note(shadow, asked, decided_by(evaluated.serving.ruleset, decision))

    def _decide(self, call: EvaluationCall) -> EvaluatedCall:
        at = call.as_of or self._clock.now()
        serving = self._live.at(call.ruleset, at)
        given = derived(serving.ruleset, facts.read(serving.ruleset, call.request, at.date()), self._sentiment)
        decision = serving.decide(given)
        asked = decision.outcomes
        if self._reach is not None and asked:
            asked = self._reach.judged(serving.ruleset, asked)
        result = facts.write(serving.ruleset, call.request, decision.facts)
        why = explain.explain(serving.ruleset, given, decision).as_json() if call.explain else None
        return EvaluatedCall(call, serving, decision, asked, result, why)

    def _committed(self, evaluated: EvaluatedCall, answer: str) -> AuditedAnswer:
        entry = self._entry(evaluated.call, EntryType.RESPONSE, answer, evaluated.particulars())
        now = self._clock.now()
        children = outcomes.items(evaluated.call.evaluation_id, evaluated.outcomes, evaluated.origin(now), now)
        try:
            self._store.add(*children, audit=[entry]) if children else self._store.append(entry)
        except AlreadyExists:
            return self._answered_before(entry.audit_id)
        return AuditedAnswer(answer, evaluated.explanation)

    def _answered_before(self, audit_id: str) -> AuditedAnswer:
        """A repeated call whose first attempt had got this far: its answer and its outcomes stand."""
        first = self._store.audit_entry(audit_id)
        if first is None:
            raise LookupError(f"audit entry {audit_id} is taken and not there")
        return AuditedAnswer(first.raw_data)

    @contextmanager
    def _failures_recorded(self, call: EvaluationCall) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._store.append(self._entry(call, EntryType.EXCEPTION, exact_json.dumps(exception(error))))
            raise

    def _entry(
        self, call: EvaluationCall, type_: EntryType, raw_data: str, particulars: Mapping[str, object] | None = None
    ) -> AuditEntry:
        """An entry of this call.

        Its id orders it within the evaluation, which has one response for ever; other entries are those of an attempt.
        """
        now = self._clock.now()
        step = {EntryType.REQUEST: f"1-{ids.fresh(now)}", EntryType.RESPONSE: "2"}.get(type_, f"3-{ids.fresh(now)}")
        detail = {"evaluation_id": call.evaluation_id, "via": call.via, **(particulars or {})}
        return AuditEntry(
            f"{call.evaluation_id}-{step}", call.request_id, type_, now, call.app, raw_data, call.ruleset, detail
        )
