"""Replaying the audit: every recorded request is decided again by two versions, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from service.audit.entry import EntryType
from service.decide.decision import Compiled
from service.rulesets.comparing import Comparison
from service.rulesets.recorded import recorded
from service.rulesets.tally import Tally
from service.storage import AuditEntry, AuditQuery, Store

PAGE = 1_000
"""Requests read at once."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A page: what its requests come to, where the next one begins (None: that was the last), and its time."""

    tally: Tally
    cursor: str | None
    first: datetime | None
    last: datetime | None


class Replay:
    """The requests of a ruleset within a time, decided by an old and by a new version."""

    def __init__(self, store: Store, query: AuditQuery, old: Compiled, new: Compiled, page: int = PAGE) -> None:
        self._page = page
        self._store = store
        self._query = replace(query, entry_type=EntryType.REQUEST)
        self._comparison = Comparison(old, new)
        self._derives = bool(old.ruleset.derived or new.ruleset.derived)

    def pages(self, cursor: str | None = None) -> Iterator[Replayed]:
        """From the beginning, or from where a page said that the next one begins; raises `EngineFault`."""
        while True:
            page = self._store.audit_entries(self._query, cursor=cursor, limit=self._page)
            tally = Tally()
            for entry in page.items:
                self._count(entry, tally)
            cursor = page.cursor
            first, last = (page.items[0].at, page.items[-1].at) if page.items else (None, None)
            yield Replayed(tally, cursor, first, last)
            if cursor is None:
                return

    def _count(self, entry: AuditEntry, tally: Tally) -> None:
        asked = recorded(entry, self._scores(entry) if self._derives else {})
        if asked is not None:
            tally.count(entry.request_id, *self._comparison.answers(asked))

    def _scores(self, entry: AuditEntry) -> Mapping[str, str]:
        response = self._store.audit_entry(f"{entry.detail.get('evaluation_id')}-2")
        scores = {} if response is None else response.detail.get("derived")
        return scores if isinstance(scores, Mapping) else {}
