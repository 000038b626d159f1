"""The rule files in a folder, published when they are new or change.

Files that are published come first, and are looked at while others are tried, so that an edit waits for no bad file.
What was last seen of each file is remembered in the store, whoever looked. Each file is looked at by itself: whatever
happens to one becomes its finding, and the others are published. A file never takes the place of a version that it was
not made from (`service.rulesets.drift`): a restart after a rollback undoes nothing, nor does an edit.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from service.core import CannotRead, Clock, FileMissing, Unavailable, plain_files, timestamp
from service.decide import Flaw, Severity
from service.rulesets import drift, gate, rule_file
from service.rulesets.drift import DriftState, DriftStep
from service.rulesets.errors import RuleFileRejected, StaleEdit, UnknownRuleset
from service.rulesets.gate import CheckedFile
from service.rulesets.library import Library, RulesetDraft
from service.rulesets.proposed_files import may_decide, proposed_over, waiting
from service.rulesets.publishing import passed
from service.rulesets.rule_file import RuleFile
from service.rulesets.seen_copies import CHECKS, SeenCopies, SeenCopy, UnpublishedFile, errors_of, said
from service.rulesets.side_by_side import take_turns
from service.rulesets.trial_time import BoundedCheck, FailedTry, NoTimeLeft
from service.rulesets.versions import Version
from service.rulesets.working_files import RuleFiles, WorkingFiles
from service.storage import Conflict, Store, StoreUnavailable

logger = logging.getLogger(__name__)

MAX_SHOWN = 200
"""Findings remembered of a refused file."""

POLL = timedelta(milliseconds=500)
"""How often to `sweep`: a saved file is published after two looks."""

AGAIN = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""After what waits a file about which nothing could be said is tried again; the last one goes on."""

AT_ONCE = 2
"""Files that are not published and are tried at one time, small ones first: each trial needs a processor."""

RULE_FILES = RuleFiles()

_LOOKED_BACK = 500
"""Versions among which the base of a file is looked for that earlier code published."""


class NotPublishedYet(Unavailable):
    """The first start is not over: some rule files have not been looked at."""


class WorkingCopies:
    """The rulesets' files directly in a folder. One process should call `sweep`; several do no harm."""

    def __init__(
        self,
        folder: Path,
        library: Library,
        store: Store,
        clock: Clock,
        check: Callable[[bytes], CheckedFile] = gate.check,
        files: WorkingFiles = RULE_FILES,
    ) -> None:
        self._folder = folder
        self._library = library
        self._family = library.family
        self._files = files
        self._memory = SeenCopies(store, library.family)
        self._clock = clock
        self._check = BoundedCheck(check, clock)
        self._read_before: dict[Path, bytes] = {}
        self._trials: dict[Path, FailedTry] = {}
        self._all_were_seen = False
        self._misnamed: set[Path] = set()

    def publish_unknown(self) -> None:
        """Publish the files that nobody has looked at yet: the first start, whether or not files are watched.

        So are files about which nothing could be said, when it is time, and those that an earlier check refused.
        """
        self._each(lambda seen: seen.by_earlier_code or seen.again_at is not None)

    def sweep(self) -> None:
        """Publish what has changed and was read alike twice in a row: a file that is still being written must wait.

        A file that nobody has looked at yet is published at once.
        """
        self._each(lambda _: True)

    def _each(self, wanted: Callable[[SeenCopy], bool]) -> None:
        published, others = list[Path](), list[tuple[Path, bool]]()
        for path in self._paths():
            seen, _ = self._memory.get(path)
            if seen is None or wanted(seen):
                if seen is not None and seen.version is not None:
                    published.append(path)
                else:
                    others.append((path, seen is not None))
        self._look_again(published)
        others.sort(key=lambda each: plain_files.size(each[0]))
        take_turns(others, lambda each: self._guarded(*each), AT_ONCE, lambda: self._look_again(published), POLL)
        self._tell_of_misnamed()

    def _look_again(self, published: Sequence[Path]) -> None:
        for path in published:
            self._guarded(path, True)

    def check_published(self) -> None:
        """Return if somebody has looked at every file, else raise `NotPublishedYet`: readiness at the first start.

        Once that is so it stays so: a file that is added later does not make a running API unready.
        """
        if self._all_were_seen:
            return
        unseen = [_name(path) for path in self._paths() if self._memory.get(path)[0] is None]
        if unseen:
            raise NotPublishedYet(f"not published yet: {', '.join(unseen)}; a worker does it (`tocsin worker`)")
        self._all_were_seen = True

    def unpublished(self) -> Sequence[UnpublishedFile]:
        """The files in the folder whose text is not published; a file that is only behind is not among them."""
        missing = (copy for copy in self._remembered() if copy.version is None)
        return [UnpublishedFile(copy.file, copy.why(), copy.again_at) for copy in missing]

    def seen(self) -> tuple[SeenCopy, ...]:
        """What is remembered of the files that are in the folder now, with warnings of drift and of wrong names."""
        return (*map(self._with_drift, self._remembered()), *self._ignored())

    def drift(self, path: Path, ruleset: str) -> str | None:
        """Why a file that was edited may not be published as it is; None if its base is active, or there is none."""
        seen, _ = self._memory.get(path)
        active = self._library.active_or_none(ruleset, self._clock.now())
        if active is None or not self.holds(path):
            return None
        file = self._files.read(path)
        standing = self._standing(ruleset, _sha256(file.content), active, self._base(path, seen, ruleset))
        if standing.step() is not DriftStep.DRIFT:
            return None
        return f"{self._overtaken(path, standing.base, active)}. {self._advice(path, active)}"

    def holds(self, path: Path) -> bool:
        """Whether a path is a file of this folder."""
        return path.resolve().parent == self._folder.resolve()

    def record(self, path: Path, version: Version) -> None:
        """Remember that a file of the folder is this version: it was published from it, or written to it."""
        _, stored = self._memory.get(path)
        sha256 = _sha256(self._files.read(path).content)
        with suppress(Conflict):  # a watcher was first: it finds the file to be the active version
            self._memory.save(path, self._seen(path, sha256, version), stored)

    def _paths(self) -> Iterator[Path]:
        """The folder's files."""
        return iter(self._files.paths(self._folder))

    def _remembered(self) -> Iterator[SeenCopy]:
        return (seen for path in self._paths() if (seen := self._memory.get(path)[0]) is not None)

    def _ignored(self) -> Iterator[SeenCopy]:
        for path in self._files.misnamed(self._folder):
            finding = said(Flaw.NOT_TRIED, Severity.WARNING, plain_files.why_misnamed(path))
            yield SeenCopy(
                _name(path), "", self._clock.now(), None, [finding], rule_file.ruleset_of(path), checks=CHECKS
            )

    def _tell_of_misnamed(self) -> None:
        """Log each file whose name keeps it from being read, once."""
        misnamed = set(self._files.misnamed(self._folder))
        for path in sorted(misnamed - self._misnamed):
            logger.warning("%s", plain_files.why_misnamed(path), extra={"file": _name(path)})
        self._misnamed = misnamed

    def _guarded(self, path: Path, settled: bool) -> None:
        """Look at one file, whatever happens to it; with `settled` only if it was read alike before."""
        content = b""
        try:
            file = self._files.read(path)
            content, before = file.content, self._read_before.get(path)
            self._read_before[path] = content
            if not settled or before == content:
                self._look(path, file)
        except StoreUnavailable:
            raise
        except CannotRead as error:
            if isinstance(error, FileMissing) and not path.is_symlink():
                return  # an editor has just put another file in its place
            self._unreadable(path, error)
        except Conflict:
            logger.info("%s was looked at by another process", _name(path), extra={"file": _name(path)})
        except Exception as error:  # noqa: BLE001  (one file must not hinder the others: it is the file's finding)
            self._not_tried(path, content, error)

    def _look(self, path: Path, file: RuleFile) -> None:
        sha256 = _sha256(file.content)
        seen, stored = self._memory.get(path)
        if seen is not None and seen.sha256 == sha256 and not self._is_due(seen):
            return
        if seen is not None and seen.sha256 == sha256 and seen.version is not None:
            self._memory.save(path, self._adopted(path, file, seen), stored)
            return
        if self._waits(path, sha256):
            return
        became = self._publish(path, file, seen, stored)
        if became is not None:
            self._memory.save(path, became, stored)
            self._trials.pop(path, None)

    def _is_due(self, seen: SeenCopy) -> bool:
        """Whether a text that was looked at before is looked at again."""
        return seen.by_earlier_code or seen.again_at is not None or (seen.against is not None and self._has_moved(seen))

    def _has_moved(self, seen: SeenCopy) -> bool:
        """Whether another version is active than the one over which a file was not published."""
        active = self._library.active_or_none(str(seen.ruleset), self._clock.now())
        return active is None or active.number != seen.against

    def _waits(self, path: Path, sha256: str) -> bool:
        """Whether a text that this process could not try must wait; another process tries it at once."""
        trials = self._trials.get(path)
        return trials is not None and trials.sha256 == sha256 and self._clock.now() < trials.again_at

    def _publish(self, path: Path, file: RuleFile, seen: SeenCopy | None, stored: int) -> SeenCopy | None:
        """What becomes of a file; None if somebody else was first, so that it is looked at again."""
        checked = self._check(file.content, is_live=seen is not None and seen.version is not None)
        try:
            draft = passed(checked, family=self._family).draft(self._family.author, _comment(path))
        except RuleFileRejected as error:
            findings = file.as_json(error.findings[:MAX_SHOWN])
            message = "%s is not published, the active version stays: %s"
            logger.warning(message, _name(path), errors_of(findings), extra={"file": _name(path)})
            return self._refused(path, file, seen, findings)
        if self._memory.get(path)[1] != stored:  # a check takes its time
            return None
        try:
            return self._published(path, file, draft, seen)
        except StaleEdit:
            return None

    def _published(self, path: Path, file: RuleFile, draft: RulesetDraft, seen: SeenCopy | None) -> SeenCopy:
        active = self._library.active_or_none(draft.ruleset, self._clock.now())
        standing = self._standing(draft.ruleset, draft.sha256, active, self._base(path, seen, draft.ruleset))
        match standing.step():
            case DriftStep.DRIFT if active is not None:
                return self._drifted(path, file, standing.base, active, seen)
            case DriftStep.PUBLISH:
                version = self._library.publish(draft, expected_sha256=active.sha256 if active else None)
            case DriftStep.ACTIVATE if standing.known is not None and may_decide(
                self._library, draft.ruleset, standing.known
            ):
                version = self._library.version(draft.ruleset, standing.known)
                self._library.activate(draft.ruleset, version.number, self._family.author)
            case _:
                version = active if standing.is_active and active else self._known(draft)
        # a first start publishes a hundred texts that ship with the service: nobody wants to read their names
        is_first_text = version.number == 1 and self._family.is_listed
        level = logging.DEBUG if is_first_text else logging.INFO
        extra = {"file": _name(path)}
        logger.log(level, "%s is version %d of %s", _name(path), version.number, version.ruleset, extra=extra)
        return self._seen(path, _sha256(file.content), version)

    def _known(self, draft: RulesetDraft) -> Version:
        return self._library.with_content(draft.ruleset, draft.sha256) or self._library.publish(draft)

    def _standing(self, ruleset: str, sha256: str, active: Version | None, base: int | None) -> DriftState:
        known = self._library.with_content(ruleset, sha256)
        number = None if known is None else known.number
        coming = () if active is None else (*self._coming(ruleset), *proposed_over(self._library, active, number, base))
        return DriftState(
            active=None if active is None else active.number,
            base=base,
            known=number,
            is_active=active is not None and active.sha256 == sha256,
            coming=coming,
        )

    def _coming(self, ruleset: str) -> Sequence[int]:
        now = self._clock.now()
        return self._library.timeline(ruleset).coming(now, datetime.max.replace(tzinfo=now.tzinfo))

    def _base(self, path: Path, seen: SeenCopy | None, ruleset: str) -> int | None:
        """The version last published from a file, or written to it; where nobody kept it, the history says it."""
        if seen is None or seen.ruleset is not None:
            return seen.base if seen is not None and seen.ruleset == ruleset else None
        known = self._library.with_content(ruleset, seen.sha256)
        numbers = [0 if known is None else known.number, self._last_published(path, ruleset)]
        return max(numbers) or None

    def _last_published(self, path: Path, ruleset: str) -> int:
        """The number of the newest version that was published from a file; 0 if there is none."""
        try:
            versions = self._library.history(ruleset, limit=_LOOKED_BACK).items
        except UnknownRuleset:
            return 0
        origin = (self._family.author, _comment(path))
        return next((version.number for version in versions if (version.author, version.comment) == origin), 0)

    def _adopted(self, path: Path, file: RuleFile, seen: SeenCopy) -> SeenCopy:
        """What earlier code remembered of a published file, with its ruleset and base."""
        if file.ruleset is None:
            return replace(seen, checks=CHECKS)
        return replace(seen, ruleset=file.ruleset, base=self._base(path, seen, file.ruleset), checks=CHECKS)

    def _with_drift(self, seen: SeenCopy) -> SeenCopy:
        """What is remembered, with a warning where another version is active than the file's."""
        if seen.version is None or seen.ruleset is None:
            return seen
        if (finding := waiting(self._library, seen)) is not None:
            return replace(seen, findings=[*seen.findings, finding])
        active = self._library.active_or_none(seen.ruleset, self._clock.now())
        if active is None or active.sha256 == seen.sha256 or seen.version in self._coming(seen.ruleset):
            return seen
        since = self._library.timeline(seen.ruleset).in_force(self._clock.now())
        message = drift.behind(seen.file, seen.version, active, since)
        hint = self._advice(self._folder / seen.file, active)
        return replace(seen, findings=[*seen.findings, said(Flaw.DRIFT, Severity.WARNING, message, hint)])

    def _overtaken(self, path: Path, base: int | None, active: Version) -> str:
        since = self._library.timeline(active.ruleset).in_force(self._clock.now())
        return drift.overtaken(_name(path), base, active, since)

    def _advice(self, path: Path, active: Version) -> str:
        return drift.advice(path, active, self._family.command)

    def _drifted(
        self, path: Path, file: RuleFile, base: int | None, active: Version, seen: SeenCopy | None
    ) -> SeenCopy:
        message, hint = self._overtaken(path, base, active), self._advice(path, active)
        if seen is None or seen.sha256 != _sha256(file.content) or seen.against != active.number:
            logger.warning("%s: %s", message, hint, extra={"file": _name(path)})
        finding = said(Flaw.DRIFT, Severity.ERROR, message, hint)
        refused = self._refused(path, file, seen, [finding])
        return replace(refused, ruleset=active.ruleset, base=base, against=active.number)

    def _seen(self, path: Path, sha256: str, version: Version) -> SeenCopy:
        number = version.number
        now = self._clock.now()
        return SeenCopy(_name(path), sha256, now, number, ruleset=version.ruleset, base=number, checks=CHECKS)

    def _refused(
        self, path: Path, file: RuleFile | None, seen: SeenCopy | None, findings: Sequence[Mapping[str, object]]
    ) -> SeenCopy:
        """A text that is not published; what the file was before is remembered."""
        sha256 = "" if file is None else _sha256(file.content)
        ruleset, base = (None, None) if seen is None else (seen.ruleset, seen.base)
        return SeenCopy(_name(path), sha256, self._clock.now(), None, findings, ruleset, base, checks=CHECKS)

    def _unreadable(self, path: Path, error: CannotRead) -> None:
        what = "" if error.path == path else f'the table "{_name(error.path)}" of '
        message = f"{what}{_name(path)} cannot be read: {error.why}"
        seen, stored = self._memory.get(path)
        if seen is not None and seen.version is None and seen.why() == message:
            return
        logger.warning("%s", message, extra={"file": _name(path)})
        finding = said(Flaw.NOT_TRIED, Severity.ERROR, message)
        with suppress(Conflict):  # another process has looked at it: this one looks again
            self._memory.save(path, self._refused(path, None, seen, [finding]), stored)

    def _not_tried(self, path: Path, content: bytes, error: Exception) -> None:
        """Remember that nothing can be said about a file, and when it is tried again; the log hears of it once."""
        sha256, now = _sha256(content), self._clock.now()
        before = self._trials.get(path)
        count = before.count + 1 if before is not None and before.sha256 == sha256 else 1
        again_at = error.again_at if isinstance(error, NoTimeLeft) else now + AGAIN[min(count, len(AGAIN)) - 1]
        self._trials[path] = FailedTry(sha256, count, again_at)
        why = str(error) if isinstance(error, Unavailable) else f"the check met a fault of the program ({error!r:.200})"
        if count == 1:
            trace = None if isinstance(error, Unavailable) else error
            extra = {"file": _name(path)}
            logger.warning("%s could not be tried: %s", _name(path), why, exc_info=trace, extra=extra)
        message = f"{_name(path)} could not be tried, and is tried again at {timestamp(again_at)}: {why}"
        finding = said(Flaw.NOT_TRIED, Severity.ERROR, message)
        seen, stored = self._memory.get(path)
        refused = replace(self._refused(path, None, seen, [finding]), sha256=sha256, again_at=again_at)
        try:
            self._memory.save(path, refused, stored)
        except Conflict:
            logger.info("%s was looked at by another process", _name(path), extra={"file": _name(path)})


def _comment(path: Path) -> str:
    """How the history names what was published from a file."""
    return f"{_name(path)} changed"


def _name(path: Path) -> str:
    """The file's name in a form that can be stored and shown: one on disk may be no text."""
    return path.name.encode("utf-8", "replace").decode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
