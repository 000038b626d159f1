"""Testing events against rules: each one matches, does not match (and why), or is in error; nothing is carried out.

What EventBridge leaves to a person ("understanding why events fail to deliver is still a manual process",
https://aws.amazon.com/blogs/compute/testing-amazon-eventbridge-events-using-aws-step-functions/) is answered at once,
kept for a month and recorded in the audit as dry runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from service.audit import EntryType
from service.core import Clock, exact_json, timestamp
from service.decide import (
    ActionRefused,
    Clause,
    Combination,
    ExplainedComparison,
    FactsRefused,
    NotUnique,
    RuleExplained,
    Truth,
)
from service.evaluations.candidates import Candidate, CandidateAnswer, CandidateChoice, candidate
from service.evaluations.problems import field_errors
from service.evaluations.reach import NobodyReached, ReachCheck
from service.language import Sentiment
from service.rulesets import ActiveVersions
from service.storage import AlreadyExists, AuditEntry, Item, Page, Store

KEPT = timedelta(days=30)
"""How long results are listed; the audit keeps its entries."""

EXPLAINED = 20
"""Rules that `why_not` explains: those that missed by the fewest comparisons."""

PER_COMMIT = 40
"""Results stored at once, each with its audit entry (a commit takes 100 writes)."""

INDEX = "test_events"


class TrialOutcome(StrEnum):
    """What became of an event."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class EventTest:
    """Events to test, each a facts object or an EventBridge envelope around one, and whose rules to ask."""

    test_id: str
    which: CandidateChoice
    events: Sequence[object]
    request_id: str
    app: str
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Event:
    """One event: the id that its envelope gives, and its facts; None if it is no object."""

    event_id: str | None
    facts: Mapping[str, object] | None


class EventTests:
    """Tests events with the rulesets that are live here, or with drafts."""

    def __init__(
        self,
        live: ActiveVersions,
        store: Store,
        clock: Clock,
        sentiment: Sentiment | None = None,
        reach: ReachCheck | None = None,
    ) -> None:
        """With `reach` an event whose outcomes would reach nobody is in error, as the request would be refused."""
        self._live = live
        self._store = store
        self._clock = clock
        self._sentiment = sentiment
        self._reach = reach

    def run(self, test: EventTest) -> tuple[Candidate, Sequence[Mapping[str, object]]]:
        """Whose rules were asked, and a result for each event in the order given.

        Raises as `candidate` does, `TooLarge` for an event that does not fit the audit, and any `Unavailable`.
        """
        at = test.as_of or self._clock.now()
        asked = candidate(self._live, test.which, at)
        results = [tested(asked, event, at.date(), self._sentiment, self._reach) for event in test.events]
        for first in range(0, len(results), PER_COMMIT):
            self._keep(test, asked, results, range(first, min(first + PER_COMMIT, len(results))))
        return asked, results

    def listed(self, ruleset: str, cursor: str | None, limit: int) -> Page[Mapping[str, object]]:
        """Results that are kept, newest first; `UnknownRuleset`."""
        self._live.known(ruleset)
        page = self._store.by_index(INDEX, ruleset, cursor=cursor, limit=limit, newest_first=True)
        return Page([item.state for item in page.items], page.cursor)

    def _keep(self, test: EventTest, asked: Candidate, results: Sequence[Mapping[str, object]], numbers: range) -> None:
        now = self._clock.now()
        items = [kept(_id(test, number), asked, results[number], test.app, now) for number in numbers]
        entries = [self._entry(test, asked, number, results[number], now) for number in numbers]
        try:
            self._store.add(*items, audit=entries)
        except AlreadyExists:
            return  # a repeated call whose first attempt got this far: what it found stands

    def _entry(
        self, test: EventTest, asked: Candidate, number: int, result: Mapping[str, object], now: datetime
    ) -> AuditEntry:
        detail = {"ruleset": asked.named(), "status": result["status"], "fired": result["fired"]}
        raw_data = exact_json.dumps({"event": test.events[number]})
        return AuditEntry(
            _id(test, number),
            test.request_id,
            EntryType.DRY_RUN,
            now,
            test.app,
            raw_data,
            test.which.ruleset,
            detail,
        )


def tested(
    asked: Candidate, event: object, today: date, sentiment: Sentiment | None, reach: ReachCheck | None
) -> Mapping[str, object]:
    """What becomes of an event; raises any `Unavailable`."""
    read = _event(event)
    named: Mapping[str, object] = {"event_id": read.event_id}
    if read.facts is None:
        return {**named, **_error([{"path": "", "message": "is not an object that holds facts"}])}
    try:
        tried = asked.try_on(read.facts, today, sentiment)
        if reach is not None:
            reach.judged(asked.ruleset, tried.decision.outcomes)
        return {**named, **_decided(tried)}
    except (FactsRefused, ActionRefused, NotUnique, NobodyReached) as error:
        return {**named, **_error([{"path": fault.path, "message": fault.message} for fault in field_errors(error)])}


def kept(item_id: str, asked: Candidate, result: Mapping[str, object], app: str, at: datetime) -> Item:
    """A result as it is listed for `KEPT`."""
    state = {**result, "ruleset": asked.named(), "app": app, "at": timestamp(at)}
    return Item(item_id, "test-event", state, keys={INDEX: asked.ruleset.name}, expires_at=at + KEPT)


def _id(test: EventTest, number: int) -> str:
    return f"testevent-{test.test_id}-{number:03d}"


def _event(event: object) -> _Event:
    """The facts of an event: its own members, or the `detail` of an EventBridge envelope.

    https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
    """
    if not isinstance(event, Mapping):
        return _Event(None, None)
    detail, event_id = event.get("detail"), event.get("id")
    if "detail-type" in event and isinstance(detail, Mapping):
        return _Event(event_id if isinstance(event_id, str) else None, detail)
    return _Event(None, event)


def _decided(tried: CandidateAnswer) -> Mapping[str, object]:
    status = TrialOutcome.MATCHED if tried.decision.fired else TrialOutcome.NOT_MATCHED
    why_not = [] if tried.decision.fired else _why_not(tried)
    return {"status": status.value, **tried.as_json(), "why_not": why_not, "errors": []}


def _error(errors: Sequence[Mapping[str, object]]) -> Mapping[str, object]:
    nothing: Mapping[str, object] = {"fired": [], "result": None, "outcomes": [], "why_not": []}
    return {"status": TrialOutcome.ERROR.value, **nothing, "errors": errors}


def _why_not(tried: CandidateAnswer) -> Sequence[Mapping[str, object]]:
    """The rules that were nearest to firing, each with the comparisons that kept it from it."""
    missed = ((rule, list(_missed(rule.condition))) for rule in tried.explanation().rules)
    nearest: list[tuple[RuleExplained, list[str]]] = sorted(missed, key=lambda explained: len(explained[1]))[:EXPLAINED]
    return [{"rule": rule.rule, "because": sentences} for rule, sentences in nearest]


def _missed(clause: Clause) -> Iterator[str]:
    """What kept a clause from holding, in sentences."""
    match clause:
        case Combination(joined_by="and" | "or", truth=truth, clauses=clauses) if truth is not Truth.HELD:
            for inner in clauses:
                yield from _missed(inner)
        case ExplainedComparison(truth=truth) | Combination(truth=truth) if truth is not Truth.HELD:
            yield from clause.sentences()
