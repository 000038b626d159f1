"""Policies, templates and catalogues: published by HTTP, by command or by an edit in a folder, and used everywhere.

What a folder holds is used at once when a process starts, before anybody publishes it; what is published comes before
it. On AWS the folders are part of the image: each start publishes what is other in them, and nobody looks again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from flask import Blueprint

from service.config import Settings
from service.core import CannotRead, Clock, SettledFolder, Unavailable
from service.escalate import checked as checked_policy
from service.escalate import published_policy
from service.http import Format, texts_of
from service.messages import template_documents
from service.rulesets import (
    CATALOGUES,
    POLICIES,
    TEMPLATES,
    ActiveTexts,
    CheckedFile,
    Family,
    Library,
    OneFileEach,
    VersionedTexts,
    WorkingCopies,
    WorkingFiles,
    text_routes,
)
from service.storage import Store
from service.wiring import catalogue_documents
from service.wiring.catalogue_documents import CatalogueFiles
from service.wiring.escalation import Escalation
from service.wiring.messaging import Messaging

logger = logging.getLogger(__name__)

T = TypeVar("T")

POLL = timedelta(seconds=1)
"""How often a process looks for what is published, and a worker for what is edited."""

LOOKED_AT_AGAIN = 60
"""Looks after which a folder is read again although nothing changed in it: what was refused may fit by now."""

MAX_POLICY_BYTES = 256 * 1024


@dataclass(slots=True)
class EditedFolder:
    """One folder, whether it was edited, and what publishes it."""

    settled: SettledFolder
    copies: WorkingCopies
    is_due: bool = True
    looks: int = 0

    def look(self, *, watched: bool) -> None:
        """Publish new and edited files. A file that is still being written waits."""
        self.looks += 1
        if watched and (self.settled.has_changed() or self.looks % LOOKED_AT_AGAIN == 0):
            self.is_due = True
        if self.is_due:
            self.copies.sweep()  # what is new
            self.copies.sweep()  # what was read alike before
            self.is_due = False


@dataclass(frozen=True, slots=True)
class FamilyFolder:
    """Where a family is edited, how its files are read, and what judges a text."""

    family: Family
    folder: Path
    files: WorkingFiles
    check: Callable[[bytes], CheckedFile]

    def contents(self) -> Mapping[str, str]:
        """The sha256 of each text by its name: what a process has in use without reading the store."""
        contents: dict[str, str] = {}
        for path in self.files.paths(self.folder):
            try:
                file = self.files.read(path)
            except CannotRead:
                continue
            if file.ruleset is not None:
                contents[file.ruleset] = hashlib.sha256(file.content).hexdigest()
        return contents


@dataclass(slots=True)
class PublishedTexts:
    """The families, each with its calls and with what this process uses of it."""

    settings: Settings
    store: Store
    clock: Clock
    messaging: Messaging
    escalation: Escalation
    families: Mapping[str, VersionedTexts] = field(init=False)
    _folders: Sequence[EditedFolder] = ()
    _anew: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.families = {texts.plural: texts for texts in (self._templates(), self._catalogues(), self._policies())}

    def blueprints(self) -> Sequence[Blueprint]:
        """The calls about each."""
        return [text_routes.blueprint(texts) for texts in self.families.values()]

    def refresh(self) -> None:
        """Use the texts that are active in the store."""
        for texts in self.families.values():
            texts.refresh()

    def folder_changed(self) -> None:
        """Use the active text where the folder now has another."""
        for refresh in self._anew:
            refresh()

    def begin(self) -> None:
        """Use it before the first call is answered; where the store does not answer, as soon as it does."""
        try:
            self.refresh()
        except Unavailable as error:
            logger.warning("What is published of policies and messages cannot be read yet: %s", error)

    def publish(self) -> None:
        """Publish what was edited in the folders; at first, all that is not published."""
        if not self._folders:
            families = self.families.values()
            self._folders = [EditedFolder(SettledFolder(texts.folder), texts.copies) for texts in families]
        for folder in self._folders:
            folder.look(watched=self.settings.watches_rules)

    def faults(self) -> Iterator[str]:
        """What of the folders is not published, and why."""
        for texts in self.families.values():
            yield from (f"{copy.file}: {copy.why}" for copy in texts.copies.unpublished())

    def _policies(self) -> VersionedTexts:
        def check(content: bytes) -> CheckedFile:
            return checked_policy(content, self.messaging.templates.names)

        where = FamilyFolder(POLICIES, self.settings.rules_dir / "escalation", OneFileEach(POLICIES), check)
        use, formats = self.escalation.use_policies, texts_of("application/yaml", "application/octet-stream")
        return self._made(where, published_policy, use, "policy", formats, MAX_POLICY_BYTES)

    def _templates(self) -> VersionedTexts:
        where = FamilyFolder(
            TEMPLATES, self.settings.templates_dir, template_documents.TemplateFolders(), template_documents.checked
        )
        use, formats = self.messaging.use_templates, texts_of("application/yaml", "application/octet-stream")
        return self._made(where, template_documents.parsed, use, "template", formats, template_documents.MAX_BYTES)

    def _catalogues(self) -> VersionedTexts:
        folder = self.settings.templates_dir / "catalogues"
        where = FamilyFolder(CATALOGUES, folder, CatalogueFiles(), catalogue_documents.checked)
        use, formats = self.messaging.use_catalogues, texts_of("text/x-gettext-translation", "application/octet-stream")
        return self._made(where, catalogue_documents.parsed, use, "catalogue", formats, catalogue_documents.MAX_BYTES)

    def _made(
        self,
        where: FamilyFolder,
        parse: Callable[[str], T],
        use: Callable[[Mapping[str, T]], None],
        singular: str,
        formats: tuple[Format, ...],
        max_bytes: int,
    ) -> VersionedTexts:
        library = Library(self.store, self.clock, where.family)
        copies = WorkingCopies(where.folder, library, self.store, self.clock, where.check, where.files)
        active = ActiveTexts(library, self.clock, parse, use, where.contents)
        self._anew.append(partial(active.refresh, folder_changed=True))
        return VersionedTexts(
            library,
            copies,
            where.check,
            active.refresh,
            self.clock,
            folder=where.folder,
            files=where.files,
            singular=singular,
            plural=where.family.listed,
            formats=formats,
            max_bytes=max_bytes,
        )
