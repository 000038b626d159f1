"""What a draft would have decided otherwise on the latest recorded requests: a quick look before publishing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.core import Clock, Unavailable, timestamp
from service.decide import Compiled
from service.rulesets.active_versions import ActiveVersions, ServingVersion
from service.rulesets.columns.segment_store import head_of
from service.rulesets.errors import NotYetActive, UnknownRuleset
from service.rulesets.replay import Replay
from service.rulesets.tally import Tally
from service.rulesets.versions import DamagedVersion
from service.storage import AuditQuery, Store

logger = logging.getLogger(__name__)

ENOUGH, ENOUGH_ON_AWS = 100_000, 1_000
"""Audit entries that are read at most; on AWS each costs money and time."""

BUDGET = timedelta(seconds=1)
"""How long it may take; the report says what was not reached."""

FIRST_LOOK, FURTHEST = timedelta(minutes=1), timedelta(days=90)


@dataclass(frozen=True, slots=True)
class RecentCounts:
    """The counts of the requests from `since` on; `until` is how far the look came, `complete` if it came to now."""

    against: int
    since: datetime
    until: datetime
    complete: bool
    tally: Tally

    def as_json(self) -> Mapping[str, object]:
        """`{"against", "from", "to", "complete", "report"}`."""
        times = {"from": timestamp(self.since), "to": timestamp(self.until)}
        return {"against": self.against, **times, "complete": self.complete, "report": self.tally.as_json()}


class RecentComparison:
    """Replays the latest requests of a ruleset."""

    def __init__(
        self,
        live: ActiveVersions,
        store: Store,
        clock: Clock,
        enough: int = ENOUGH,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._enough = enough
        self._tick = tick

    def compared(self, draft: Compiled) -> RecentCounts | None:
        """The draft against the active version; None where none is active, or where the comparison is not possible."""
        name, now = draft.ruleset.name, self._clock.now()
        try:
            return self._compared(self._live.at(name, now), draft, now)
        except (UnknownRuleset, NotYetActive):
            return None
        except (Unavailable, DamagedVersion) as error:  # a good file is what mends a damaged version
            logger.warning("The latest requests of %s were not replayed: %s", name, error, extra={"ruleset": name})
            return None

    def _compared(self, active: ServingVersion, draft: Compiled, now: datetime) -> RecentCounts:
        ends_at, name = self._tick() + BUDGET.total_seconds(), draft.ruleset.name
        since, segments = self._since(name, now), head_of(self._store, name)[0].segments
        query = AuditQuery(ruleset=name, since=since, until=now)
        replay = Replay(self._store, query, active.compiled, draft, segments=segments)
        tally, until, complete = Tally(), since, False
        for page in replay.pages():
            tally.add(page.tally)
            until, complete = page.last or until, page.cursor is None
            if self._tick() > ends_at:
                break
        return RecentCounts(active.version.number, since, now if complete else until, complete, tally)

    def _since(self, ruleset: str, now: datetime) -> datetime:
        """The start of a time with enough entries, found by going back twice as far each time."""
        back = FIRST_LOOK
        while back < FURTHEST and self._store.count_audit(AuditQuery(ruleset=ruleset, since=now - back)) < self._enough:
            back *= 2
        return now - back
