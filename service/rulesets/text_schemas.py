"""The shapes of what is answered about versions of policies, templates and catalogues."""

from __future__ import annotations

from datetime import datetime

from service.http import Shown
from service.rulesets.schemas import DescribedFinding, ShownActivation


class TextVersion(Shown):
    """A published version of a policy, a template or a catalogue, without its text."""

    name: str
    version: int
    sha256: str
    author: str
    comment: str
    published_at: datetime
    active: bool
    findings: tuple[DescribedFinding, ...]


class TextSource(TextVersion):
    """A published version with its text."""

    source: str


class TextHistory(Shown):
    """What is active under a name, and all activations as they were recorded."""

    name: str
    description: str
    active: TextVersion | None
    versions: int
    activations: tuple[ShownActivation, ...]


class TextVersionList(Shown):
    """Versions, newest first."""

    items: tuple[TextVersion, ...]
    next_cursor: str | None


class NamedText(Shown):
    """A name in the list; `active_version` is null before its first version begins."""

    name: str
    versions: int
    active_version: int | None


class UnpublishedText(Shown):
    """What lies in the folder and is not published, and why."""

    file: str
    why: str


class TextList(Shown):
    """Everything that was published, by name, and what of the folder was not."""

    items: tuple[NamedText, ...]
    unpublished: tuple[UnpublishedText, ...]
    next_cursor: str | None = None


class TextReport(Shown):
    """Everything there is to say about a text; `diff` is how its lines differ from those of the active version."""

    ok: bool
    findings: tuple[DescribedFinding, ...]
    diff: str
