"""Replaying the audit: every recorded request is decided again by two versions.

What stands in columns is read from there; the rest, page by page, is made into columns on the way. A request that
columns cannot decide is decided on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

import numpy as np

from service.audit import EntryType
from service.core import parse_timestamp, timestamp
from service.decide import Compiled
from service.rulesets.columns.column import Mask
from service.rulesets.columns.comparison import ColumnComparison
from service.rulesets.columns.segment import Segment, SegmentBuilder
from service.rulesets.columns.segment_builder import MICROSECOND, texts
from service.rulesets.columns.segment_store import StoredSegment, is_current, stored_segments
from service.rulesets.comparing import Answer, NotDecided, VersionComparison
from service.rulesets.recorded import PARSED, Scores, answer_id, bodies, computed_facts, recorded_request
from service.rulesets.tally import Tally
from service.storage import EPOCH, AuditQuery, AuditText, Store, instant, micros

PAGE = 5_000
"""Requests read at once where they do not stand in columns."""

MOSTLY = 0.05
"""If columns leave more than this share of a segment's requests undecided, its audit entries are read in order."""


@dataclass(frozen=True, slots=True)
class ReplayedRequests:
    """Some requests: their counts, where the next ones begin (None: those were the last), and their time."""

    tally: Tally
    cursor: str | None
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class ReplayPosition:
    """Where to continue: at an instant, or in the middle of the audit's entries from that instant on."""

    since: datetime
    within: str | None = None

    def __str__(self) -> str:
        return f"{timestamp(self.since)} {self.within or ''}"


def _position(cursor: str | None, since: datetime | None) -> ReplayPosition:
    if cursor is None:
        return ReplayPosition(since or EPOCH)
    at, _, within = cursor.partition(" ")
    return ReplayPosition(parse_timestamp(at), within or None)


class Replay:
    """The requests of a ruleset within a time, decided by an old and by a new version.

    `segments` is how many of its segments may be read: the same number whenever a replay goes on, so that what the
    followers add meanwhile shifts nothing.
    """

    def __init__(
        self, store: Store, query: AuditQuery, old: Compiled, new: Compiled, page: int = PAGE, segments: int = 0
    ) -> None:
        self._page = page
        self._store = store
        self._query = replace(query, entry_type=EntryType.REQUEST)
        self._segments = segments
        self._comparison, self._columns = VersionComparison(old, new), ColumnComparison(old, new)
        self._paths = tuple(self._columns.paths())
        self._derives = bool(old.ruleset.derived or new.ruleset.derived)

    def pages(self, cursor: str | None = None) -> Iterator[ReplayedRequests]:
        """From the beginning, or from where a page said that the next one begins; raises `EngineFault`."""
        position = _position(cursor, self._query.since)
        for kept in stored_segments(self._store, str(self._query.ruleset), position.since, self._segments):
            if self._query.until is not None and kept.since >= self._query.until:
                break
            yield from self._segment(kept, position)
            position = ReplayPosition(kept.until)
        yield from self._raw(position, self._query.until, None)

    def _segment(self, kept: StoredSegment, position: ReplayPosition) -> Iterator[ReplayedRequests]:
        segment = kept.segment if position.within is None else None
        tally = self._from_columns(kept, segment) if segment is not None and is_current(self._store, kept) else None
        if tally is not None:
            yield tally
            return
        until = kept.until if self._query.until is None else min(kept.until, self._query.until)
        yield from self._raw(position, until, str(ReplayPosition(kept.until)))

    def _from_columns(self, kept: StoredSegment, segment: Segment) -> ReplayedRequests | None:
        """A whole segment; None if its columns leave too much undecided."""
        among = self._within(kept, segment)
        counted, left = self._columns.at_once(segment, among)
        if left.sum() > MOSTLY * segment.rows:
            return None
        rows = _Rows(segment, self._texts_at, self._answers)
        for row in np.flatnonzero(left).tolist():
            counted.one(row, *rows.answers(row))
        tally = counted.tally(int(among.sum()), rows.request_id, rows.why)
        first = instant(int(segment.at()[0])) if segment.rows else None
        return ReplayedRequests(tally, str(ReplayPosition(kept.until)), first, kept.until)

    def _within(self, kept: StoredSegment, segment: Segment) -> Mask:
        """The rows of the time that was asked for."""
        among = np.ones(segment.rows, dtype=np.bool_)
        if self._query.since is not None and self._query.since > kept.since:
            among &= segment.at() >= micros(self._query.since)
        if self._query.until is not None and self._query.until < kept.until:
            among &= segment.at() < micros(self._query.until)
        return among

    def _raw(self, position: ReplayPosition, until: datetime | None, then: str | None) -> Iterator[ReplayedRequests]:
        """The audit's own entries up to `until`; after them `then` is where the next ones begin."""
        query = replace(self._query, since=position.since, until=until)
        if until is not None and until <= position.since:
            yield ReplayedRequests(Tally(), then, None, None)
            return
        cursor = position.within
        while True:
            page = self._store.audit_texts(query, cursor=cursor, limit=self._page)
            cursor = page.cursor
            first, last = (instant(page.items[end].at) if page.items else None for end in (0, -1))
            after = then if cursor is None else str(ReplayPosition(position.since, cursor))
            yield ReplayedRequests(self._page_tally(page.items), after, first, last)
            if cursor is None:
                return

    def _page_tally(self, entries: Sequence[AuditText]) -> Tally:
        collected, rows, unreadable = SegmentBuilder(self._paths), list[AuditText](), list[AuditText]()
        for some in (entries[first : first + PARSED] for first in range(0, len(entries), PARSED)):
            asked = bodies(some)
            collected.add(asked, [self._scores(text) for text in asked.texts])
            rows += asked.texts
            unreadable += asked.unreadable
        counted, left = self._columns.at_once(collected.segment(), np.ones(len(rows), dtype=np.bool_))
        for row in np.flatnonzero(left).tolist():
            counted.one(row, *self._answers(rows[row]))
        tally = counted.tally(len(rows), lambda row: rows[row].request_id, lambda row: _why(self._answers(rows[row])))
        tally.skip([text.request_id for text in unreadable])
        return tally

    def _answers(self, text: AuditText) -> tuple[Answer, Answer]:
        asked = recorded_request(text, self._scores(text))
        assert asked is not None, "a row of a segment"
        return self._comparison.answers(asked)

    def _texts_at(self, at: int) -> Sequence[AuditText]:
        """The requests of one microsecond."""
        query = replace(self._query, since=instant(at), until=instant(at) + MICROSECOND)
        return bodies(list(texts(self._store, query))).texts

    def _scores(self, text: AuditText) -> Scores:
        return computed_facts(self._store.audit_entry(answer_id(text))) if self._derives else NO_SCORES


NO_SCORES: Scores = {}


class _Rows:
    """The audit entries behind the rows of a segment, looked up one by one."""

    def __init__(
        self,
        segment: Segment,
        texts_at: Callable[[int], Sequence[AuditText]],
        ask: Callable[[AuditText], tuple[Answer, Answer]],
    ) -> None:
        self._at = cache(segment.at)
        self._texts_at = texts_at
        self._ask = ask
        self._seen: dict[int, Sequence[AuditText]] = {}

    def request_id(self, row: int) -> str:
        return self._entry(row).request_id

    def answers(self, row: int) -> tuple[Answer, Answer]:
        return self._ask(self._entry(row))

    def why(self, row: int) -> tuple[str, str]:
        return _why(self.answers(row))

    def _entry(self, row: int) -> AuditText:
        times = self._at()
        at = int(times[row])
        if at not in self._seen:
            self._seen[at] = self._texts_at(at)
        return self._seen[at][row - int(np.searchsorted(times, at, side="left"))]


def _why(answers: tuple[Answer, Answer]) -> tuple[str, str]:
    """Why the old and the new version do not decide; empty for one that does."""
    old, new = (answer.why if isinstance(answer, NotDecided) else "" for answer in answers)
    return old, new
