"""The active versions of a family as this process uses them, kept up with the store: no restart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from service.core import Clock, TocsinError, Unavailable
from service.rulesets.library import Library
from service.rulesets.listing import FamilyListing
from service.rulesets.versions import Timeline

logger = logging.getLogger(__name__)

T = TypeVar("T")


class ActiveTexts(Generic[T]):
    """The text of the active version of each name; safe for threads.

    `parse` reads a text, and raises `TocsinError` for one that this process cannot use: then what it used before goes
    on. `use` is given everything that is active each time that something changed, except what this process has from
    its folder already: `own` says by name which contents those are.
    """

    def __init__(
        self,
        library: Library,
        clock: Clock,
        parse: Callable[[str], T],
        use: Callable[[Mapping[str, T]], None],
        own: Callable[[], Mapping[str, str]],
    ) -> None:
        self._library = library
        self._clock = clock
        self._parse = parse
        self._use = use
        self._own = own
        self._listing = FamilyListing()
        self._timelines: dict[str, Timeline] = {}
        self._numbers: dict[str, int] = {}
        self._texts: dict[str, T] = {}
        self._lock = threading.Lock()

    def refresh(self, *, folder_changed: bool = False) -> None:
        """Catch up with the store."""
        with self._lock:
            listing = self._library.listing()
            if folder_changed or listing != self._listing:
                self._catch_up(listing)
                self._listing = listing
            changed = dict(self._changed())
            for name, number in changed.items():
                self._take_up(name, number)
            if changed:
                self._use(dict(self._texts))

    def _catch_up(self, listing: FamilyListing) -> None:
        """Read the activations that are new."""
        once = any(entry.activations == 1 for entry in listing.names.values())
        own = self._own() if once else {}
        for name, entry in listing.names.items():
            known = self._timelines.get(name)
            is_own = entry.activations == 1 and own.get(name) == entry.sha256
            if not is_own and (known is None or len(known.activations) < entry.activations):
                self._timelines[name] = self._library.timeline(name, known)

    def _changed(self) -> Iterator[tuple[str, int]]:
        """The names under which another version is active than was last taken up, and its number."""
        now = self._clock.now()
        for name, timeline in self._timelines.items():
            number = timeline.active(now)
            if number is not None and number != self._numbers.get(name):
                yield name, number

    def _take_up(self, name: str, number: int) -> None:
        try:
            self._texts[name] = self._parse(self._library.source(self._library.version(name, number)))
        except Unavailable:
            raise
        except TocsinError as error:
            what = f"Version {number} of the {self._library.family.noun} {name}"
            logger.warning("%s cannot be used; what was last used goes on: %s", what, error)
        self._numbers[name] = number
