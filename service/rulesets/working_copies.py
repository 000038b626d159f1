"""The rule files in a folder, published when they are new or change.

What was last seen of each file is remembered in the store, whoever looked. Content that was published before is never
published by the watcher again: a restart after a rollback must not undo it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from service.clock import Clock
from service.decide import report
from service.errors import Unavailable
from service.records import from_state, to_state
from service.rulesets import rule_file
from service.rulesets.errors import Refused
from service.rulesets.library import Library
from service.rulesets.publishing import publish_once
from service.storage import Conflict, Item, Store

logger = logging.getLogger(__name__)

AUTHOR = "rules folder"

MAX_SHOWN = 200
"""Findings remembered of a refused file."""


POLL = timedelta(milliseconds=500)
"""How often to `sweep`: a saved file is published after two looks."""


class NotPublishedYet(Unavailable):
    """The first start is not over: some rule files have not been looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A working copy as it was last looked at; `findings` are those that kept it from
    being published, and `version` is what it became otherwise."""

    file: str
    sha256: str
    at: datetime
    version: int | None
    findings: Sequence[Mapping[str, object]] = ()


class WorkingCopies:
    """The rulesets' files directly in a folder. One process should call `sweep`; several do no harm."""

    def __init__(self, folder: Path, library: Library, store: Store, clock: Clock) -> None:
        self._folder = folder
        self._library = library
        self._store = store
        self._clock = clock
        self._read_before: dict[Path, bytes] = {}
        self._unreadable: set[Path] = set()
        self._all_were_seen = False

    def publish_unknown(self) -> None:
        """Publish the files that nobody has looked at yet: the first start, whether or not files are watched."""
        for path, content in self._files():
            if self._store.get(_item_id(path)) is None:
                self._look(path, content)

    def sweep(self) -> None:
        """Publish what has changed and was read alike twice in a row: a file that is still being written must wait.

        A file that nobody has looked at yet is published at once.
        """
        self.publish_unknown()
        for path, content in self._files():
            if self._read_before.get(path) == content:
                self._look(path, content)
            self._read_before[path] = content

    def check_published(self) -> None:
        """Return if somebody has looked at every file, else raise `NotPublishedYet`: readiness at the first start.

        Once that is so it stays so: a file that is added later does not make a running API unready.
        """
        if self._all_were_seen:
            return
        unseen = [path.name for path, _ in self._files() if self._store.get(_item_id(path)) is None]
        if unseen:
            raise NotPublishedYet(f"not published yet: {', '.join(unseen)}; a worker does it (`tocsin worker`)")
        self._all_were_seen = True

    def seen(self) -> tuple[Seen, ...]:
        """What is remembered of the files that are in the folder now."""
        items = [self._store.get(_item_id(path)) for path, _ in self._files()]
        return tuple(from_state(Seen, item.state) for item in items if item is not None)

    def _files(self) -> Iterator[tuple[Path, bytes]]:
        for path in sorted(self._folder.glob("*.yaml")):
            if path.name == rule_file.EVENTS:
                continue
            content = self._content(path)
            if content is not None:
                yield path, content

    def _content(self, path: Path) -> bytes | None:
        try:
            content = rule_file.read(path).content
        except FileNotFoundError:
            return None  # an editor has just put another file in its place
        except OSError as error:
            if path not in self._unreadable:
                logger.warning("%s cannot be read: %s", path.name, error.strerror, extra={"file": path.name})
            self._unreadable.add(path)
            return None
        self._unreadable.discard(path)
        return content

    def _look(self, path: Path, content: bytes) -> None:
        remembered = self._store.get(_item_id(path))
        sha256 = hashlib.sha256(content).hexdigest()
        if remembered is not None and remembered.state["sha256"] == sha256:
            return
        seen = self._publish(path.name, content, sha256)
        try:
            version = remembered.version if remembered else 0
            self._store.save(Item(_item_id(path), "working-copy", to_state(seen), version=version))
        except Conflict:
            logger.info("%s was looked at by another process", path.name, extra={"file": path.name})

    def _publish(self, name: str, content: bytes, sha256: str) -> Seen:
        try:
            version = publish_once(self._library, content, AUTHOR, f"{name} changed")
        except Refused as error:
            logger.warning("%s is not published, the active version stays: %s", name, error, extra={"file": name})
            return Seen(
                name,
                sha256,
                self._clock.now(),
                None,
                [report.finding_as_json(one) for one in error.findings[:MAX_SHOWN]],
            )
        logger.info("%s is version %d of %s", name, version.number, version.ruleset, extra={"file": name})
        return Seen(name, sha256, self._clock.now(), version.number)


def _item_id(path: Path) -> str:
    """A file name may hold what an item's id may not."""
    return f"workingcopy-{hashlib.sha256(path.name.encode()).hexdigest()[:32]}"
