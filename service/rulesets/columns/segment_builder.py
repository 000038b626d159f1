"""Columns follow the audit: when enough new requests are old enough, they become a segment.

A segment and how far that gets are one commit, compared by version, so that a crash or several workers lose and
double nothing. An entry that is written when its time has passed already makes its segment differ from the audit,
which whoever reads it notices (`kept.is_current`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from msgspec import structs

from service.audit import EntryType
from service.core import Clock
from service.rulesets.columns.segment import SegmentBuilder
from service.rulesets.columns.segment_store import ColumnsHead, StoredSegment, further, head_item, head_of, outdated
from service.rulesets.library import Library
from service.rulesets.recorded import PARSED, Scores, answer_id, bodies, computed_facts
from service.storage import AuditQuery, AuditText, Conflict, Item, Store, TooLarge, instant

logger = logging.getLogger(__name__)

POLL = timedelta(seconds=30)
"""How often to `follow`."""

MEND = timedelta(hours=1)
"""How often to `mend`, which reads all segments."""

ROWS = 20_000
"""Requests in a segment, unless they are so large that it would not fit an item."""

SETTLED = timedelta(minutes=2)
"""How old requests must be: by then they are written and answered."""

PAGE = 1_000

MICROSECOND = timedelta(microseconds=1)


class SegmentWriter:
    """Makes segments. Any number of workers may run it; each segment is made once."""

    def __init__(self, library: Library, store: Store, clock: Clock, rows: int = ROWS) -> None:
        self._library = library
        self._store = store
        self._clock = clock
        self._rows = rows

    def follow(self) -> int:
        """Catch up with the audit, for all rulesets; returns how many segments were made."""
        return sum(self._follow(head.ruleset) for head in list(self._library.heads()))

    def mend(self) -> int:
        """Make segments anew whose entries are no longer those of the audit; returns how many.

        So nothing stays in columns that was erased from the audit, and what came late is read from them again.
        """
        return sum(self._mend(head.ruleset) for head in list(self._library.heads()))

    def _mend(self, ruleset: str) -> int:
        last = head_of(self._store, ruleset)[0].segments
        return sum(self._make_anew(kept, item) for kept, item in outdated(self._store, ruleset, last))

    def _make_anew(self, kept: StoredSegment, item: Item) -> bool:
        of_time = AuditQuery(ruleset=kept.ruleset, since=kept.since, until=kept.until)
        count = self._store.count_audit(of_time)
        entries = list(texts(self._store, replace(of_time, entry_type=EntryType.REQUEST)))
        state = self._segment(of_time, entries) if entries else {}
        anew = replace(kept, entries=count, state=dict(state))
        try:
            return self._replace(item, anew)
        except TooLarge:  # by those that came late
            return self._replace(item, replace(anew, state={}))

    def _replace(self, item: Item, kept: StoredSegment) -> bool:
        """False if another worker was first."""
        try:
            self._store.save(structs.replace(kept.item(), version=item.version))
        except Conflict:
            return False
        logger.info("Requests of %s up to %s are in columns anew", kept.ruleset, kept.until)
        return True

    def _follow(self, ruleset: str) -> int:
        made = 0
        while self._make_next(ruleset):
            made += 1
        return made

    def _make_next(self, ruleset: str) -> bool:
        head, version = head_of(self._store, ruleset)
        settled = self._clock.now() - SETTLED
        waiting = AuditQuery(ruleset=ruleset, since=head.until, until=settled, entry_type=EntryType.REQUEST)
        if self._store.count_audit(waiting) < self._rows:
            return False
        return self._commit(head, version, list(self._whole_instants(waiting)))

    def _whole_instants(self, query: AuditQuery) -> Iterator[AuditText]:
        """The first `rows` entries, and whatever further ones are of the last one's microsecond."""
        last: int | None = None
        for number, text in enumerate(texts(self._store, query)):
            if number >= self._rows and text.at != last:
                return
            last = text.at
            yield text

    def _commit(self, head: ColumnsHead, version: int, entries: Sequence[AuditText]) -> bool:
        """Store a segment of these requests, or of fewer where they are too large; False if it cannot be done now."""
        until = instant(entries[-1].at) + MICROSECOND
        of_time = AuditQuery(ruleset=head.ruleset, since=head.until, until=until)
        count = self._store.count_audit(of_time)
        if self._store.count_audit(replace(of_time, entry_type=EntryType.REQUEST)) != len(entries):
            return False  # one came late, just now: it belongs to them
        try:
            self._save(head, version, until, count, self._segment(of_time, entries))
        except Conflict:
            return False  # another worker was first
        except TooLarge:
            fewer = _first_half(entries)
            if fewer:
                return self._commit(head, version, fewer)
            self._save(head, version, until, count, {})
        return True

    def _save(self, head: ColumnsHead, version: int, until: datetime, count: int, state: Mapping[str, object]) -> None:
        kept = StoredSegment(head.ruleset, head.segments + 1, head.until, until, count, dict(state))
        self._store.save(head_item(further(head, until), version), spawn=[kept.item()])
        logger.info("Requests of %s up to %s are in columns", head.ruleset, until, extra={"ruleset": head.ruleset})

    def _segment(self, of_time: AuditQuery, entries: Sequence[AuditText]) -> Mapping[str, object]:
        """Nothing where one of the requests cannot be read: a replay reads the audit then, and counts it."""
        scores, collected = self._scores(of_time), SegmentBuilder()
        for some in (entries[first : first + PARSED] for first in range(0, len(entries), PARSED)):
            asked = bodies(some)
            if asked.unreadable:
                return {}
            collected.add(asked, [self._of(answer_id(text), scores) for text in asked.texts])
        return collected.segment().packed()

    def _scores(self, of_time: AuditQuery) -> Mapping[str, Scores]:
        """The facts that were computed, by answer; answers without any are left out."""
        answers = texts(self._store, replace(of_time, entry_type=EntryType.RESPONSE))
        return {answer.audit_id: computed_facts(answer) for answer in answers}

    def _of(self, answer: str, known: Mapping[str, Scores]) -> Scores:
        """Those of one answer, which may have been given in the time of the next segment."""
        return known[answer] if answer in known else computed_facts(self._store.audit_entry(answer))


def _first_half(entries: Sequence[AuditText]) -> Sequence[AuditText]:
    """The entries before the one in the middle, in whole instants; none if all are of one instant."""
    half, last = entries[len(entries) // 2].at, entries[-1].at
    return [text for text in entries if text.at < half] or [text for text in entries if text.at == half != last]


def texts(store: Store, query: AuditQuery) -> Iterator[AuditText]:
    """All entries that match, in order."""
    cursor: str | None = None
    while True:
        page = store.audit_texts(query, cursor=cursor, limit=PAGE)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return
