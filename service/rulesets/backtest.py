"""Back-tests: what a version, or a draft, would have decided otherwise than another one, on the requests of the audit.

A back-test is a work item. Each step replays some pages, adds them to its counts and commits, so that it goes on
where it was after a crash, and ends when it is cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from msgspec import structs

from service.core import Clock, Lane, TocsinError, from_state, to_state
from service.decide import Compiled, language
from service.rulesets import gate, versions
from service.rulesets.active_versions import ActiveVersions, VersionDoesNotCompile
from service.rulesets.columns.segment_store import head_of
from service.rulesets.errors import NotThere
from service.rulesets.library import fingerprint
from service.rulesets.publishing import passed
from service.rulesets.replay import PAGE, Replay, ReplayedRequests
from service.rulesets.tally import Tally
from service.rulesets.versions import DamagedVersion
from service.storage import AuditQuery, Conflict, Item, Page, Store
from service.work import Commit, Task, TaskHandler, finished, waiting

KIND = "backtest"
INDEX = "backtests"

PAGES = 10
"""Pages that one step replays: about a second's work, so that more urgent work waits no longer."""

KEPT = timedelta(days=90)
"""How long a back-test is listed."""


class BacktestStatus(StrEnum):
    """How far a back-test is."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class NoBacktest(NotThere):
    """The ruleset has no such back-test."""

    def __init__(self, ruleset: str, backtest_id: str) -> None:
        super().__init__(f"ruleset {ruleset!r} has no back-test {backtest_id!r}")


class BacktestOver(TocsinError):
    """The back-test has ended already."""

    def __init__(self, status: BacktestStatus) -> None:
        super().__init__(f"the back-test is {status} and cannot be cancelled")


@dataclass(frozen=True, slots=True)
class BacktestSide:
    """One of the two versions compared; `version` is None for a draft, which is kept in `chunks` parts."""

    version: int | None
    sha256: str
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Backtest:
    """What is compared over which requests, and how far it is.

    `at` is the instant of the last entry read; `first` that of the first one, from which progress is computed.
    `segments` is how many there were when it began.
    """

    ruleset: str
    old: BacktestSide
    new: BacktestSide
    since: datetime | None
    until: datetime
    by: str
    begun: datetime
    status: BacktestStatus = BacktestStatus.RUNNING
    cursor: str | None = None
    first: datetime | None = None
    at: datetime | None = None
    why: str | None = None
    segments: int = 0

    @property
    def progress(self) -> float:
        """The share of the time that has been replayed, from 0 to 1."""
        if self.status is BacktestStatus.COMPLETED:
            return 1.0
        start = self.since or self.first
        if start is None or self.at is None or self.until <= start:
            return 0.0
        return max(0.0, min(1.0, (self.at - start) / (self.until - start)))


@dataclass(frozen=True, slots=True)
class StoredBacktest:
    """A back-test as it is stored, with its counts."""

    backtest_id: str
    backtest: Backtest
    tally: Tally


@dataclass(frozen=True, slots=True)
class BacktestSpec:
    """What to compare: a draft's text or a published version, with the active version or with `against`."""

    ruleset: str
    by: str
    version: int | None = None
    source: str | None = None
    against: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class Backtests:
    """Begins back-tests, works on them, shows them."""

    def __init__(self, live: ActiveVersions, store: Store, clock: Clock, pages: int = PAGES, page: int = PAGE) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._pages = pages
        self._page = page
        self._draft: tuple[str, Compiled] | None = None

    def begin(self, backtest_id: str, wanted: BacktestSpec) -> StoredBacktest:
        """Store a back-test for a worker; asked again with the same id, it stays as it was.

        `UnknownRuleset`, `UnknownVersion`, `NotYetActive`; a draft `RuleFileRejected`, `WrongName`, `TooMuchToCompile`.
        """
        now = self._clock.now()
        old = self._published(wanted.ruleset, wanted.against, now)
        new, chunks = self._new_side(backtest_id, wanted, now)
        until = min(wanted.until or now, now)
        segments = head_of(self._store, wanted.ruleset)[0].segments
        backtest = Backtest(wanted.ruleset, old, new, wanted.since, until, wanted.by, now, segments=segments)
        kept = StoredBacktest(backtest_id, backtest, Tally())
        try:
            self._store.save(structs.replace(_item(kept), due_at=now), spawn=chunks)
        except Conflict:
            return self.read(wanted.ruleset, backtest_id)
        return kept

    def read(self, ruleset: str, backtest_id: str) -> StoredBacktest:
        """A back-test; `NoBacktest`."""
        return _kept(self._stored(ruleset, backtest_id))

    def listed(self, ruleset: str, cursor: str | None, limit: int) -> Page[StoredBacktest]:
        """The back-tests of a ruleset, newest first; `UnknownRuleset`."""
        self._live.known(ruleset)
        page = self._store.by_index(INDEX, ruleset, cursor=cursor, limit=limit, newest_first=True)
        return Page([_kept(item) for item in page.items], page.cursor)

    def cancel(self, ruleset: str, backtest_id: str) -> None:
        """End a back-test, keeping what it has counted so far; `NoBacktest`, `BacktestOver`."""
        item = self._stored(ruleset, backtest_id)
        kept = _kept(item)
        if kept.backtest.status is not BacktestStatus.RUNNING:
            raise BacktestOver(kept.backtest.status)
        try:
            self._store.save(_changed(item, replace(kept.backtest, status=BacktestStatus.CANCELLED), kept.tally))
        except Conflict:
            self.cancel(ruleset, backtest_id)  # a step was committed meanwhile

    def task_handler(self) -> TaskHandler:
        """Who works on back-tests."""
        return TaskHandler(KIND, self.step, _failed)

    def step(self, task: Task) -> Commit:
        """Replay the next pages; raises `EngineFault`, and `DamagedVersion` for a draft that is gone."""
        kept = _kept(task.item)
        backtest, tally = kept.backtest, kept.tally
        for page in islice(self._replay(kept).pages(backtest.cursor), self._pages):
            tally.add(page.tally)
            backtest = _further(backtest, page)
        if backtest.cursor is not None:
            return Commit(waiting(task.item, task.now, _state(backtest, tally)))
        done = replace(backtest, status=BacktestStatus.COMPLETED)
        return Commit(finished(task.item, _state(done, tally)))

    def _replay(self, kept: StoredBacktest) -> Replay:
        backtest = kept.backtest
        query = AuditQuery(ruleset=backtest.ruleset, since=backtest.since, until=backtest.until)
        old, new = (self._compiled(kept.backtest_id, backtest.ruleset, side) for side in (backtest.old, backtest.new))
        return Replay(self._store, query, old, new, self._page, backtest.segments)

    def _compiled(self, backtest_id: str, ruleset: str, side: BacktestSide) -> Compiled:
        if side.version is not None:
            return self._live.version(ruleset, side.version).compiled
        if self._draft is None or self._draft[0] != side.sha256:
            self._draft = side.sha256, self._compiled_draft(backtest_id, side)
        return self._draft[1]

    def _compiled_draft(self, backtest_id: str, side: BacktestSide) -> Compiled:
        ids = [versions.chunk_id(_draft_id(backtest_id), number) for number in range(side.chunks)]
        source = versions.content([part for part in map(self._store.get, ids) if part is not None])
        parsed = language.parse(source)
        if fingerprint(source) != side.sha256:
            raise DamagedVersion("the draft of this back-test is not what was sent: begin it again")
        if parsed.ruleset is None:
            raise VersionDoesNotCompile("the draft of this back-test cannot be read by this Tocsin: begin it again")
        return Compiled(parsed.ruleset)

    def _published(self, ruleset: str, number: int | None, now: datetime) -> BacktestSide:
        serving = self._live.version(ruleset, number) if number else self._live.at(ruleset, now)
        return BacktestSide(serving.version.number, serving.version.sha256)

    def _new_side(self, backtest_id: str, wanted: BacktestSpec, now: datetime) -> tuple[BacktestSide, tuple[Item, ...]]:
        if wanted.source is None:
            return self._published(wanted.ruleset, wanted.version, now), ()
        passed(gate.check(wanted.source), wanted.ruleset).checked.demand_affordable()
        chunks = versions.chunk_items(_draft_id(backtest_id), wanted.source)
        side = BacktestSide(None, fingerprint(wanted.source), len(chunks))
        return side, tuple(structs.replace(chunk, expires_at=now + KEPT) for chunk in chunks)

    def _stored(self, ruleset: str, backtest_id: str) -> Item:
        item = self._store.get(f"{KIND}-{backtest_id}")
        if item is None or item.keys.get(INDEX) != ruleset:
            raise NoBacktest(ruleset, backtest_id)
        return item


def _further(backtest: Backtest, page: ReplayedRequests) -> Backtest:
    first, at = backtest.first or page.first, page.last or backtest.at
    return replace(backtest, cursor=page.cursor, first=first, at=at, status=BacktestStatus.RUNNING, why=None)


def _draft_id(backtest_id: str) -> str:
    return f"draft-{backtest_id}"


def _item(kept: StoredBacktest) -> Item:
    backtest = kept.backtest
    state, keys = _state(backtest, kept.tally), {INDEX: backtest.ruleset}
    expires_at = backtest.begun + KEPT
    return Item(f"{KIND}-{kept.backtest_id}", KIND, state, lane=Lane.BULK, keys=keys, expires_at=expires_at)


def _changed(item: Item, backtest: Backtest, tally: Tally) -> Item:
    return finished(item, _state(backtest, tally))


def _failed(item: Item, why: str) -> Commit:
    kept = _kept(item)
    return Commit(_changed(item, replace(kept.backtest, status=BacktestStatus.FAILED, why=why), kept.tally))


def _state(backtest: Backtest, tally: Tally) -> Mapping[str, object]:
    return {"backtest": to_state(backtest), "tally": tally.as_state()}


def _kept(item: Item) -> StoredBacktest:
    backtest, tally = item.state["backtest"], item.state["tally"]
    assert isinstance(backtest, Mapping), "written by _state"
    assert isinstance(tally, Mapping), "written by _state"
    return StoredBacktest(item.id.removeprefix(f"{KIND}-"), from_state(Backtest, backtest), from_state(Tally, tally))
