"""Events for the tester from live traffic: a share of a ruleset's requests, for a while or until there are enough.

A request of the share only leaves a note of itself before it is decided, so that those which are refused are seen as
well. A periodic task asks the rules under test afterwards: neither an answer nor its time depends on it. Counts and
results are committed together, so that processes which sample at once never keep more than was asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.core import Clock, Unavailable, from_state, ids, to_state
from service.evaluations.candidates import CandidateChoice, candidate
from service.evaluations.event_trials import KEPT, TrialOutcome, kept, tested
from service.language import Sentiment
from service.rulesets import ActiveVersions, Notes, NotThere, NotYetActive, in_share
from service.storage import Conflict, Item, Store

logger = logging.getLogger(__name__)

POLL = timedelta(seconds=1)
"""How often a process should `work`: requests that were noted meanwhile are tested then."""

WAITING = 1_000
"""Noted requests that wait to be tested in one process."""

PER_COMMIT = 80
"""Results stored at once (a commit takes 100 writes)."""

TRIES = 20
"""How often results are stored again when other processes store theirs at the same moment."""

_INDEX = ("event_samples", "all")


class NoSample(NotThere):
    """No events of the ruleset are or were sampled."""

    def __init__(self, ruleset: str) -> None:
        super().__init__(f"no events of ruleset {ruleset!r} are being sampled, nor were lately")


@dataclass(frozen=True, slots=True)
class Sample:
    """What is sampled: of a hundred requests `share`, until so many `events` or that instant; by whom, since when.

    `version` None asks whatever is active.
    """

    ruleset: str
    version: int | None
    share: int
    events: int
    until: datetime
    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """A sampling and what became of its events so far; `skipped` ones could not be tested."""

    sample: Sample
    matched: int = 0
    not_matched: int = 0
    error: int = 0
    skipped: int = 0

    @property
    def left(self) -> int:
        """How many events are still wanted."""
        return self.sample.events - self.matched - self.not_matched - self.error

    def is_running(self, now: datetime) -> bool:
        """Whether it takes further events."""
        return self.left > 0 and now < self.sample.until

    def as_json(self, now: datetime) -> dict[str, object]:
        """The sampling, its counts, and whether it is `running` at this instant."""
        counts = {
            "matched": self.matched,
            "not_matched": self.not_matched,
            "error": self.error,
            "skipped": self.skipped,
        }
        return {**to_state(self.sample), "running": self.is_running(now), **counts}

    def counting(self, results: Sequence[Mapping[str, object]], skipped: int) -> SampleCounts:
        """With further results."""
        statuses = [result["status"] for result in results]
        return replace(
            self,
            matched=self.matched + statuses.count(TrialOutcome.MATCHED.value),
            not_matched=self.not_matched + statuses.count(TrialOutcome.NOT_MATCHED.value),
            error=self.error + statuses.count(TrialOutcome.ERROR.value),
            skipped=self.skipped + skipped,
        )


@dataclass(frozen=True, slots=True)
class _Note:
    """A live request in the share, and when it came."""

    request_id: str
    request: Mapping[str, object]
    app: str
    at: datetime


class EventSamples:
    """The samplings of all rulesets; safe for any number of threads, made after fork."""

    def __init__(self, live: ActiveVersions, store: Store, clock: Clock, sentiment: Sentiment | None = None) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._sentiment = sentiment
        self._known: Mapping[str, Sample] = {}
        self._notes: Notes[Sample, _Note] = Notes(WAITING)

    def begin(self, which: CandidateChoice, share: int, events: int, lasting: timedelta, by: str) -> SampleCounts:
        """Sample from now on; it takes the place of an earlier sampling of the ruleset, whose results stay listed.

        `UnknownRuleset`, `UnknownVersion`, `VersionDoesNotCompile`.
        """
        self._live.known(which.ruleset)
        if which.version is not None:
            self._live.version(which.ruleset, which.version)
        now = self._clock.now()
        begun = SampleCounts(Sample(which.ruleset, which.version, share, events, now + lasting, by, now))
        stored = self._store.get(_item_id(which.ruleset))
        try:
            self._store.save(_item(begun, stored.version if stored else 0))
        except Conflict:  # results of the earlier sampling were counted meanwhile
            return self.begin(which, share, events, lasting, by)
        self.refresh()
        return begun

    def sampled(self, ruleset: str) -> SampleCounts:
        """The last sampling of a ruleset; `UnknownRuleset`, `NoSample`."""
        return _sampled(self._found(ruleset))

    def stop(self, ruleset: str) -> None:
        """Sample no more; what was found stays listed. `UnknownRuleset`, `NoSample`."""
        try:
            self._store.remove(self._found(ruleset))
        except Conflict:
            self.stop(ruleset)  # results were counted meanwhile
        self.refresh()

    def note(self, ruleset: str, request_id: str, request: Mapping[str, object], app: str) -> None:
        """Remember a live request, to be tested later, if it is in the share of a sampling."""
        sample = self._known.get(ruleset)
        if sample is None or not in_share(request_id, sample.share) or (now := self._clock.now()) >= sample.until:
            return
        self._notes.add(sample, _Note(request_id, request, app, now))

    def work(self) -> None:
        """Follow the store, then test what was noted, and keep the results."""
        self.refresh()
        for sample, taken in self._notes.take().items():
            self._keep(sample, [], taken.skipped)
            for first in range(0, len(taken.notes), PER_COMMIT):
                self._test(sample, taken.notes[first : first + PER_COMMIT])

    def refresh(self) -> None:
        """Catch up with the store: which rulesets are sampled now."""
        now = self._clock.now()
        samples = map(_sampled, self._store.by_index(*_INDEX, limit=500).items)
        self._known = {sampled.sample.ruleset: sampled.sample for sampled in samples if sampled.is_running(now)}

    def _found(self, ruleset: str) -> Item:
        self._live.known(ruleset)
        item = self._store.get(_item_id(ruleset))
        if item is None:
            raise NoSample(ruleset)
        return item

    def _test(self, sample: Sample, notes: Sequence[_Note]) -> None:
        results: list[Item] = []
        try:
            asked = candidate(self._live, CandidateChoice(sample.ruleset, sample.version), self._clock.now())
            for note in notes:
                result = tested(asked, note.request, note.at.date(), self._sentiment, None)
                result_id = f"testevent-{ids.fresh(note.at)}-000"
                origin = {"request_id": note.request_id, "sampled": True}
                results.append(kept(result_id, asked, {**result, **origin}, note.app, note.at))
        except (Unavailable, NotYetActive) as error:
            logger.warning("Sampled events of %s are not tested: %s", sample.ruleset, error, extra={"by": sample.by})
        self._keep(sample, results, len(notes) - len(results))

    def _keep(self, sample: Sample, results: Sequence[Item], skipped: int) -> None:
        """Store results with their counts, as many as are still wanted."""
        for _ in range(TRIES if results or skipped else 0):
            item = self._store.get(_item_id(sample.ruleset))
            sampled = None if item is None else _sampled(item)
            if item is None or sampled is None or sampled.sample != sample:
                return  # stopped, or another sampling's turn
            wanted = results[: sampled.left]
            counted = sampled.counting([result.state for result in wanted], skipped)
            try:
                self._store.save(_item(counted, item.version), spawn=wanted)
            except Conflict:
                continue
            return


def _item_id(ruleset: str) -> str:
    return f"eventsample-{ruleset}"


def _item(sampled: SampleCounts, version: int) -> Item:
    """Ended ones are found by their ruleset only, for as long as their results are listed."""
    keys = dict([_INDEX]) if sampled.left > 0 else {}
    expires_at = sampled.sample.until + KEPT
    state = to_state(sampled)
    return Item(
        _item_id(sampled.sample.ruleset), "event-sample", state, version=version, keys=keys, expires_at=expires_at
    )


def _sampled(item: Item) -> SampleCounts:
    return from_state(SampleCounts, item.state)
