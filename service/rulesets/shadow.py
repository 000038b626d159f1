"""A shadow: a published version that is asked beside the active one, on a share of live requests.

The request that is sampled only leaves a note of itself; a periodic task asks the shadow afterwards, so that neither an
answer nor its time depends on it. What differs is counted with the shadow's item, by all processes together.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.core import Clock, Unavailable, from_state, to_state
from service.decide import EngineDisagreement
from service.rulesets import metrics
from service.rulesets.active_versions import ActiveVersions
from service.rulesets.comparing import Answer, answer
from service.rulesets.errors import NotThere
from service.rulesets.notes import Notes
from service.rulesets.recorded import RecordedRequest
from service.rulesets.tally import Tally, tally_of
from service.storage import Conflict, Item, Store

logger = logging.getLogger(__name__)

POLL = timedelta(seconds=1)
"""How often a process should `work`: requests that were sampled meanwhile are compared then."""

WAITING = 5_000
"""Sampled requests that wait to be compared in one process."""

TRIES = 20
"""How often counts are added again when other processes add theirs at the same moment."""

INDEX = ("shadows", "all")


class NoShadow(NotThere):
    """The ruleset has no shadow."""

    def __init__(self, ruleset: str) -> None:
        super().__init__(f"ruleset {ruleset!r} has no shadow version")


@dataclass(frozen=True, slots=True)
class Shadow:
    """The version that decides beside the active one, its share of a hundred requests, since when and by whom."""

    ruleset: str
    version: int
    share: int
    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ShadowCounts:
    """A shadow and what was counted so far; `skipped` were sampled and could not be compared."""

    shadow: Shadow
    tally: Tally
    skipped: int


@dataclass(frozen=True, slots=True)
class _Note:
    """A sampled request, and what the active version answered."""

    asked: RecordedRequest
    answered: Answer


class Shadows:
    """The shadows of all rulesets; safe for any number of threads, made after fork."""

    def __init__(self, live: ActiveVersions, store: Store, clock: Clock) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._known: Mapping[str, Shadow] = {}
        self._notes: Notes[Shadow, _Note] = Notes(WAITING)

    def cast(self, ruleset: str, version: int, share: int, by: str) -> ShadowCounts:
        """Begin with a version, counting from 0; it takes the place of an earlier shadow.

        `UnknownRuleset`, `UnknownVersion`, `VersionDoesNotCompile`.
        """
        self._live.version(ruleset, version)
        shadow = Shadow(ruleset, version, share, by, self._clock.now())
        stored = self._store.get(_item_id(ruleset))
        watched = ShadowCounts(shadow, Tally(), 0)
        try:
            self._store.save(_item(watched, stored.version if stored else 0))
        except Conflict:  # counts were added to the earlier shadow meanwhile
            return self.cast(ruleset, version, share, by)
        self.refresh()
        return watched

    def watched(self, ruleset: str) -> ShadowCounts:
        """A ruleset's shadow with its counts; `UnknownRuleset`, `NoShadow`."""
        self._live.known(ruleset)
        item = self._store.get(_item_id(ruleset))
        if item is None:
            raise NoShadow(ruleset)
        return _watched(item)

    def drop(self, ruleset: str) -> None:
        """Ask the shadow no more, and forget its counts; `UnknownRuleset`, `NoShadow`."""
        self._live.known(ruleset)
        item = self._store.get(_item_id(ruleset))
        if item is None:
            raise NoShadow(ruleset)
        try:
            self._store.remove(item)
        except Conflict:
            self.drop(ruleset)  # counts were added meanwhile
        self.refresh()

    def sampling(self, ruleset: str, request_id: str) -> Shadow | None:
        """The shadow to note this request for, if there is one and the request is in its share."""
        shadow = self._known.get(ruleset)
        return shadow if shadow is not None and in_share(request_id, shadow.share) else None

    def note(self, shadow: Shadow, asked: RecordedRequest, answered: Answer) -> None:
        """Remember a request and what the active version answered, to be compared later."""
        self._notes.add(shadow, _Note(asked, answered))

    def work(self) -> None:
        """Follow the store, then compare what was noted, and add it to the counts."""
        self.refresh()
        for shadow, taken in self._notes.take().items():
            tally = Tally()
            compared = sum(self._compares(shadow, note, tally) for note in taken.notes)
            self._count(shadow, tally, taken.skipped + len(taken.notes) - compared)

    def refresh(self) -> None:
        """Catch up with the store: which rulesets have a shadow now."""
        shadows = (_watched(item).shadow for item in self._store.by_index(*INDEX, limit=500).items)
        self._known = {shadow.ruleset: shadow for shadow in shadows}

    def _compares(self, shadow: Shadow, note: _Note, tally: Tally) -> bool:
        """Count what the shadow answers; whether it could be asked."""
        try:
            new = answer(self._live.version(shadow.ruleset, shadow.version).compiled, note.asked)
        except Unavailable as error:
            if isinstance(error, EngineDisagreement):
                metrics.count_disagreement(shadow.ruleset, shadow.version)
            particulars = {"ruleset": shadow.ruleset, "version": shadow.version}
            logger.warning("Shadow %d of %s: %s", shadow.version, shadow.ruleset, error, extra=particulars)
            return False
        tally.count(note.asked.request_id, note.answered, new)
        return True

    def _count(self, shadow: Shadow, more: Tally, skipped: int) -> None:
        for _ in range(TRIES):
            item = self._store.get(_item_id(shadow.ruleset))
            watched = None if item is None else _watched(item)
            if item is None or watched is None or watched.shadow != shadow:
                return  # dropped, or another shadow's turn
            watched.tally.add(more)
            try:
                self._store.save(_item(replace(watched, skipped=watched.skipped + skipped), item.version))
            except Conflict:
                continue
            return


def in_share(request_id: str, share: int) -> bool:
    """The same request is in the same share in every process, today and when it is asked again."""
    digest = hashlib.blake2b(request_id.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % 100 < share


def _item_id(ruleset: str) -> str:
    return f"shadow-{ruleset}"


def _item(watched: ShadowCounts, version: int) -> Item:
    state = {
        "shadow": to_state(watched.shadow),
        "tally": watched.tally.as_state(),
        "skipped": watched.skipped,
    }
    return Item(_item_id(watched.shadow.ruleset), "shadow", state, version=version, keys=dict([INDEX]))


def _watched(item: Item) -> ShadowCounts:
    state = item.state
    shadow, skipped = state["shadow"], state["skipped"]
    assert isinstance(shadow, Mapping), "written by _item"
    assert isinstance(skipped, int), "written by _item"
    return ShadowCounts(from_state(Shadow, shadow), tally_of(state["tally"]), skipped)
