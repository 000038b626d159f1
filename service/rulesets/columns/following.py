"""Keeping columns up with the audit: whenever enough further requests have settled, they become a segment.

A segment and how far that gets are one commit, compared by version, so that a crash or several workers lose and
double nothing. An entry that is written when its time has passed already makes its segment differ from the audit,
which whoever reads it notices (`kept.is_current`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from service.audit.entry import EntryType
from service.clock import Clock
from service.rulesets.columns.kept import Head, Kept, further, head_item, head_of
from service.rulesets.columns.segment import Asked, segment_of
from service.rulesets.library import Library
from service.rulesets.recorded import Scores, answer_id, computed_facts, recorded
from service.storage import AuditEntry, AuditQuery, Conflict, Store, TooLarge

logger = logging.getLogger(__name__)

POLL = timedelta(seconds=30)
"""How often to `follow`."""

ROWS = 20_000
"""Requests in a segment, unless they are so large that it would not fit an item."""

SETTLED = timedelta(minutes=2)
"""How old requests must be: by then they are written and answered."""

PAGE = 1_000

MICROSECOND = timedelta(microseconds=1)


class Following:
    """Makes segments. Any number of workers may do it; they do each segment once."""

    def __init__(self, library: Library, store: Store, clock: Clock, rows: int = ROWS) -> None:
        self._library = library
        self._store = store
        self._clock = clock
        self._rows = rows

    def follow(self) -> int:
        """Catch up with the audit, for all rulesets; answers how many segments were made."""
        return sum(self._follow(head.ruleset) for head in list(self._library.heads()))

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

    def _whole_instants(self, query: AuditQuery) -> Iterator[AuditEntry]:
        """The first `rows` entries, and whatever further ones are of the last one's microsecond."""
        last: datetime | None = None
        for number, entry in enumerate(entries(self._store, query)):
            if number >= self._rows and entry.at != last:
                return
            last = entry.at
            yield entry

    def _commit(self, head: Head, version: int, found: Sequence[AuditEntry]) -> bool:
        """Store a segment of these requests, or of fewer where they are too large; False if it cannot be done now."""
        of_time = AuditQuery(ruleset=head.ruleset, since=head.until, until=found[-1].at + MICROSECOND)
        count = self._store.count_audit(of_time)
        if self._store.count_audit(replace(of_time, entry_type=EntryType.REQUEST)) != len(found):
            return False  # one came late, just now: it belongs to them
        try:
            self._save(head, version, found[-1].at + MICROSECOND, count, self._segment(of_time, found))
        except Conflict:
            return False  # another worker was first
        except TooLarge:
            fewer = _first_half(found)
            if fewer:
                return self._commit(head, version, fewer)
            self._save(head, version, found[-1].at + MICROSECOND, count, {})
        return True

    def _save(self, head: Head, version: int, until: datetime, count: int, state: Mapping[str, object]) -> None:
        kept = Kept(head.ruleset, head.segments + 1, head.until, until, count, dict(state))
        self._store.save(head_item(further(head, until), version), spawn=[kept.item()])
        logger.info("Requests of %s up to %s are in columns", head.ruleset, until, extra={"ruleset": head.ruleset})

    def _segment(self, of_time: AuditQuery, found: Sequence[AuditEntry]) -> Mapping[str, object]:
        scores = self._scores(of_time)
        for late in {answer_id(entry) for entry in found} - scores.keys():  # answered in the time of the next segment
            scores[late] = computed_facts(self._store.audit_entry(late))
        asked = ((entry.at, recorded(entry, scores[answer_id(entry)])) for entry in found)
        return segment_of([Asked(at, one) for at, one in asked if one is not None]).packed()

    def _scores(self, of_time: AuditQuery) -> dict[str, Scores]:
        """The facts that were computed, by answer."""
        answers = entries(self._store, replace(of_time, entry_type=EntryType.RESPONSE))
        return {answer.audit_id: computed_facts(answer) for answer in answers}


def _first_half(found: Sequence[AuditEntry]) -> Sequence[AuditEntry]:
    """The entries before the one in the middle, in whole instants; none if all are of one instant."""
    half = found[len(found) // 2].at
    return [entry for entry in found if entry.at < half] or [
        entry for entry in found if entry.at == half and half != found[-1].at
    ]


def entries(store: Store, query: AuditQuery) -> Iterator[AuditEntry]:
    """All entries that match, in order."""
    cursor: str | None = None
    while True:
        page = store.audit_entries(query, cursor=cursor, limit=PAGE)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return
