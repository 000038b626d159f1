"""A rule file on disk, with the decision table that it may name put inside: one self-contained text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from service.decide.ruleset import Place
from service.decide.tables.inline import Inlined, inlined

EVENTS = "events.yaml"
"""The one file of a rules folder that holds no ruleset: it says what other systems' events ask for."""


@dataclass(frozen=True, slots=True)
class RuleFile:
    """`written` as it stands on disk, `content` as it is checked and published."""

    path: Path
    written: str
    content: bytes
    inlined: Inlined

    def origin(self, at: Place) -> tuple[Path, str, Place]:
        """Where the administrator wrote what stands at a place of `content`: the file, its text, the place in it."""
        table, place = self.inlined.origin(at)
        if table is None:
            return self.path, self.written, place
        return self.path.with_name(table), self.inlined.rows, place


def read(path: Path) -> RuleFile:
    """Read a rule file and the CSV file beside it that it names; raises `OSError` if the rule file cannot be read.

    Bytes that are not UTF-8 are kept as they are, so that they are reported where they stand.
    """
    written = path.read_bytes().decode("utf-8", "surrogateescape")
    whole = inlined(written, lambda name: _beside(path, name))
    return RuleFile(path, written, whole.text.encode("utf-8", "surrogateescape"), whole)


def _beside(path: Path, name: str) -> str | None:
    try:
        return path.with_name(name).read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return None  # the language says that the rows are missing, with the place of their name
