"""What one version of a ruleset decides otherwise than another: for the gate's report and for late editors."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.decide import Ruleset, diff_rulesets, language
from service.rulesets.errors import UnknownRuleset
from service.rulesets.library import Library
from service.rulesets.versions import DamagedVersion, Version


@dataclass(frozen=True, slots=True)
class VersionDifferences:
    """Two versions compared: their lines as a unified diff, and what changes for requests as JSON."""

    lines: str
    changes: Mapping[str, object] | None


def active_source(library: Library, name: str, now: datetime) -> str | None:
    """The text of the active version, which a draft is compared with; None while none is active or it is damaged."""
    try:
        number = library.timeline(name).active(now)
        return library.source(library.version(name, number)) if number else None
    except (UnknownRuleset, DamagedVersion):  # a good file is what mends a damaged version
        return None


def between(library: Library, name: str, old_sha256: str | None, new_sha256: str | None) -> VersionDifferences:
    """What changed from one published content to another; nothing if one of them was never published."""
    old, new = (library.with_content(name, sha256) if sha256 else None for sha256 in (old_sha256, new_sha256))
    return VersionDifferences("", None) if old is None or new is None else compared(library, old, new)


def compared(library: Library, old: Version, new: Version) -> VersionDifferences:
    """What changed from one published version to another."""
    before, after = _typed(library, old), _typed(library, new)
    return VersionDifferences(
        _lines(library, old, new), diff_rulesets(before, after).as_json() if before and after else None
    )


def _typed(library: Library, version: Version) -> Ruleset | None:
    return language.parse(library.source(version)).ruleset


def _lines(library: Library, old: Version, new: Version) -> str:
    before, after = (library.source(version).splitlines(keepends=True) for version in (old, new))
    return "".join(difflib.unified_diff(before, after, f"version {old.number}", f"version {new.number}"))
