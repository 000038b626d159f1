"""The versions that this process decides with, compiled, and kept up with the store.

Every request uses one version from beginning to end: it asks once and keeps the answer. A new version is
compiled before it takes over, so no caller waits for it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.core import Clock, TocsinError, Unavailable
from service.decide import Compiled, EngineDisagreement, Facts, Ruleset, RulesetDecision, language
from service.rulesets import metrics
from service.rulesets.errors import NotYetActive, UnknownRuleset
from service.rulesets.library import Library
from service.rulesets.versions import Timeline, Version

logger = logging.getLogger(__name__)

KEPT = 64
"""Compiled versions a process holds; each costs its memo and its engine host."""

POLL = timedelta(seconds=1)
"""How often a process should `refresh`: it follows the store within twice that."""

AHEAD = timedelta(minutes=1)
"""How long before it takes over a scheduled version is compiled."""


@dataclass(frozen=True, slots=True)
class ServingVersion:
    """A version that can decide."""

    version: Version
    ruleset: Ruleset
    compiled: Compiled
    clock: Clock

    def decide(self, given: Facts) -> RulesetDecision:
        """Decide with this version, counted; raises as `Compiled.decide`."""
        try:
            decision = self.compiled.decide(given)
        except EngineDisagreement:
            metrics.count_disagreement(self.ruleset.name, self.version.number)
            raise
        metrics.count_decision(self.ruleset.name, self.version.number, decision, self.clock.now())
        return decision


class VersionDoesNotCompile(Unavailable):
    """A published version does not compile here, for example because a newer Tocsin published it."""


class ActiveVersions:
    """The version that decides, for every ruleset; safe for threads, made after fork."""

    def __init__(
        self,
        library: Library,
        clock: Clock,
        kept: int = KEPT,
        compiled: Callable[[Ruleset], Compiled] = Compiled,
    ) -> None:
        self._library = library
        self._clock = clock
        self._kept = kept
        self._compiler = compiled
        self._timelines: dict[str, Timeline] = {}
        self._compiled: OrderedDict[tuple[str, int], Future[ServingVersion]] = OrderedDict()
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()

    def at(self, ruleset: str, at: datetime) -> ServingVersion:
        """The version that decides at `at`; `UnknownRuleset`, `NotYetActive`, `VersionDoesNotCompile`."""
        number = self.known(ruleset).active(at)
        if number is None:
            raise NotYetActive(ruleset, at)
        return self.version(ruleset, number)

    def known(self, ruleset: str) -> Timeline:
        """The activations of a ruleset; `UnknownRuleset` if it was never published."""
        timeline = self._timelines.get(ruleset)
        if timeline is None:
            self.refresh()
            timeline = self._timelines.get(ruleset)
        if timeline is None:
            raise UnknownRuleset(ruleset, self.names())
        return timeline

    def version(self, ruleset: str, number: int) -> ServingVersion:
        """A version by number, compiled once however many ask.

        Raises `UnknownRuleset`, `UnknownVersion`, `VersionDoesNotCompile`.
        """
        key = (ruleset, number)
        with self._lock:
            compiled = self._compiled.get(key)
            if compiled is None:
                serving = self._compiled[key] = Future()
                while len(self._compiled) > max(self._kept, 2 * len(self._timelines)):
                    self._compiled.popitem(last=False)
            else:
                self._compiled.move_to_end(key)
        if compiled is not None:
            return compiled.result()
        return self._compile_into(serving, key)

    def serve(self, version: Version, compiled: Compiled) -> None:
        """Use for a version what its draft was compiled to: it need not be read again."""
        ready: Future[ServingVersion] = Future()
        ready.set_result(ServingVersion(version, compiled.ruleset, compiled, self._clock))
        with self._lock:
            self._compiled.setdefault((version.ruleset, version.number), ready)

    def _compile_into(self, serving: Future[ServingVersion], key: tuple[str, int]) -> ServingVersion:
        try:
            compiled = self._compile(*key)
        except Exception as error:
            with self._lock:
                self._compiled.pop(key, None)  # so that the next caller tries again
            serving.set_exception(error)
            raise
        serving.set_result(compiled)
        return compiled

    def _compile(self, ruleset: str, number: int) -> ServingVersion:
        version = self._library.version(ruleset, number)
        parsed = language.parse(self._library.source(version))
        if parsed.ruleset is None:
            raise VersionDoesNotCompile(
                f"version {number} of {ruleset!r} cannot be read by this Tocsin: publish it again"
            )
        return ServingVersion(version, parsed.ruleset, self._compiler(parsed.ruleset), self._clock)

    def names(self) -> tuple[str, ...]:
        """The rulesets known here."""
        return tuple(sorted(self._timelines))

    def refresh(self) -> None:
        """Catch up with the store: new activations are compiled, then seen by requests at once."""
        with self._refreshing:
            now = self._clock.now()
            for head in self._library.heads():
                known = self._timelines.get(head.ruleset)
                if known is None or len(known.activations) < head.activations:
                    known = self._library.timeline(head.ruleset, known)
                self._warm(head.ruleset, known, now)
                self._timelines[head.ruleset] = known

    def _warm(self, ruleset: str, timeline: Timeline, now: datetime) -> None:
        active = timeline.active(now)
        for number in (*filter(None, [active]), *timeline.coming(now, now + AHEAD)):
            try:
                self.version(ruleset, number)
            except TocsinError as error:
                particulars = {"ruleset": ruleset, "version": number}
                logger.warning("Version %d of %s cannot serve: %s", number, ruleset, error, extra=particulars)
